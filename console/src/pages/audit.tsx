import { Alert, Button, Code, Stack, Table, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { api, ok } from '../api'
import { Empty, Loaded, When } from '../components/parts'

// Audit lists who changed what.
export function Audit() {
  const audit = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: ({ pageParam }) => ok(api.GET('/api/v1/audit', { params: { query: { cursor: pageParam, limit: 50 } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  })
  return (
    <Stack>
      <Title order={4}>Who changed what</Title>
      <Loaded query={audit} empty={({ pages }) => !pages[0]?.items.length && <Empty title="No changes so far" />}>
        {({ pages }) => (
          <>
            <Table>
              <Table.Tbody>
                {pages.flatMap((p) => p.items).map((a) => (
                  <Table.Tr key={a.id}>
                    <Table.Td><When at={a.at} /></Table.Td>
                    <Table.Td>{a.actor}</Table.Td>
                    <Table.Td>{a.action}</Table.Td>
                    <Table.Td><Code>{a.object}</Code></Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            {audit.hasNextPage && <Button variant="subtle" onClick={() => audit.fetchNextPage()}>Older changes</Button>}
          </>
        )}
      </Loaded>
    </Stack>
  )
}

// Refusals shows what nodes were told and did not do.
export function Refusals() {
  const refusals = useQuery({ queryKey: ['refusals'], queryFn: () => ok(api.GET('/api/v1/refusals', { params: { query: { limit: 20 } } })) })
  if (!refusals.data?.items.length) return null
  return (
    <Alert color="yellow" title="Nodes refused what their own configuration forbids">
      {refusals.data.items.map((r) => (
        <div key={r.id}>
          <When at={r.at} /> <Code>{r.ceiling}</Code> {r.what}
        </div>
      ))}
    </Alert>
  )
}
