import { Code, Drawer, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSearchParams } from 'react-router'
import { type Schemas, api, ok, statusOf } from '../api'
import { Empty, Leaked, Loaded, Place, When } from '../components/parts'

export function Endpoints() {
  const [params, setParams] = useSearchParams()
  const selected = params.get('sel')
  const endpoints = useQuery({
    queryKey: ['endpoints'],
    queryFn: () => ok(api.GET('/api/v1/endpoints', { params: { query: { limit: 200 } } })),
  })
  const leaks = useQuery({
    queryKey: ['endpoints', 'leaks'],
    queryFn: () => ok(api.GET('/api/v1/leaks', { params: { query: { limit: 50 } } })),
  })
  const nodes = useQuery({ queryKey: ['nodes'], queryFn: () => ok(api.GET('/api/v1/nodes')) })
  return (
    <Stack>
      <Title order={3}>APIs</Title>
      <Text c="dimmed" size="sm">
        What nodes have seen answer. A name leaves its node once {least(nodes.data?.items)} sources share it; until then it is
        shown as its kind and length.
      </Text>
      <Loaded
        query={endpoints}
        empty={({ items }) => !items?.length && <Empty title="No endpoints so far">They appear when the first metrics of a node arrive.</Empty>}
      >
        {({ items }) => (
          <Table highlightOnHover stickyHeader data-testid="endpoints">
            <Table.Thead>
              <Table.Tr>
                {['Endpoint', 'Requests', 'Answered 2xx / 4xx / 5xx', 'First seen', 'Last seen'].map((h) => (
                  <Table.Th key={h}>{h}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {items?.map((e) => (
                <Table.Tr
                  key={e.id}
                  tabIndex={0}
                  style={{ cursor: 'pointer' }}
                  onClick={() => setParams({ sel: e.id })}
                  onKeyDown={(k) => k.key === 'Enter' && setParams({ sel: e.id })}
                >
                  <Table.Td><Place {...e} /></Table.Td>
                  <Table.Td>{e.count}</Table.Td>
                  <Table.Td>{e.status2} / {e.status4} / {e.status5}</Table.Td>
                  <Table.Td><When at={e.began} /></Table.Td>
                  <Table.Td><When at={e.at} /></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
      {!!leaks.data?.items.length && (
        <>
          <Title order={4}>What responses give away</Title>
          <Leaks leaks={leaks.data.items} placed />
        </>
      )}
      <Drawer opened={!!selected} onClose={() => setParams({})} position="right" size="lg" title="Endpoint">
        {selected && <Endpoint id={selected} />}
      </Drawer>
    </Stack>
  )
}

function Endpoint({ id }: { id: string }) {
  const endpoint = useQuery({
    queryKey: ['endpoints', id],
    queryFn: () => ok(api.GET('/api/v1/endpoints/{id}', { params: { path: { id } } })),
  })
  return (
    <Loaded query={endpoint}>
      {(e) => (
        <Stack>
          <Place {...e} />
          {e.leaks.length > 0 && <Leaks leaks={e.leaks} />}
          <Table>
            <Table.Thead>
              <Table.Tr>
                {['Parameter', 'Requests', 'Formats seen', 'Distinct values', 'Sources'].map((h) => (
                  <Table.Th key={h}>{h}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {e.params?.map((p) => (
                <Table.Tr key={p.point}>
                  <Table.Td><Code>{p.point}</Code></Table.Td>
                  <Table.Td>{p.count}</Table.Td>
                  <Table.Td>{formats(p.formats)}</Table.Td>
                  <Table.Td>{p.values}</Table.Td>
                  <Table.Td>{p.sources}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Stack>
      )}
    </Loaded>
  )
}

// Leaks lists what responses give away; placed says of which endpoint.
function Leaks({ leaks, placed }: { leaks: Schemas['Leak'][]; placed?: boolean }) {
  const columns = ['Given away', ...(placed ? ['Endpoint'] : []), 'Last status', 'Attacks with this effect', 'First seen', 'Last seen', 'Last request']
  return (
    <Table data-testid="leaks">
      <Table.Thead>
        <Table.Tr>
          {columns.map((h) => (
            <Table.Th key={h}>{h}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {leaks.map((l) => (
          <Table.Tr key={l.id} title={l.reason}>
            <Table.Td><Leaked kind={l.kind} /></Table.Td>
            {placed && <Table.Td><Place {...l} /></Table.Td>}
            <Table.Td>{l.status}</Table.Td>
            <Table.Td>{l.hits}</Table.Td>
            <Table.Td><When at={l.began} /></Table.Td>
            <Table.Td><When at={l.at} /></Table.Td>
            <Table.Td><Code>{l.request_id}</Code></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

// least is the smallest number of sources at which a node reveals a name.
function least(nodes?: Schemas['NodeState'][]): number | string {
  const all = nodes?.map((n) => statusOf(n).reveal_k ?? 0).filter((k) => k > 0)
  return all?.length ? Math.min(...all) : 'enough'
}

// formats names the commonest formats with their share of the values.
function formats(counts: Record<string, number>): string {
  const all = Object.values(counts).reduce((a, b) => a + b, 0)
  return Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([name, n]) => `${name} ${Math.round((100 * n) / all)} %`)
    .join(', ')
}
