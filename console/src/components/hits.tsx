import { Badge, Code, Group, Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { type Schemas, api, ok } from '../api'
import { Class, Leaked, Loaded, Place, When } from './parts'

// LatestHits lists what came last, as it comes.
export function LatestHits({ count, none }: { count: number; none: ReactNode }) {
  const hits = useQuery({
    queryKey: ['hits', 'latest', count],
    queryFn: () => ok(api.GET('/api/v1/hits', { params: { query: { limit: count } } })),
  })
  return (
    <Loaded query={hits} empty={({ items }) => items.length === 0 && none}>
      {({ items }) => <HitTable hits={items} />}
    </Loaded>
  )
}

// HitTable lists single hits; each leads to the attack it belongs to.
export function HitTable({ hits }: { hits: Schemas['Hit'][] }) {
  return (
    <Table highlightOnHover stickyHeader data-testid="hits">
      <Table.Thead>
        <Table.Tr>
          {['Seen', 'Request', 'Class', 'Endpoint', 'Point', 'Decision'].map((h) => (
            <Table.Th key={h}>{h}</Table.Th>
          ))}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {hits.map((h) => (
          <Table.Tr key={h.id}>
            <Table.Td><When at={h.at} /></Table.Td>
            <Table.Td>
              <Link to={`/attacks?sel=${h.attack}`}><Code>{h.request_id}</Code></Link>
            </Table.Td>
            <Table.Td><Class name={h.class} /></Table.Td>
            <Table.Td><Place {...h} /></Table.Td>
            <Table.Td><Code>{h.point}</Code></Table.Td>
            <Table.Td>
              <Group gap={4}>
                <Badge color={h.decision === 'block' ? 'teal' : 'gray'}>{h.decision}</Badge>
                <Leaked kind={h.leak} />
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
