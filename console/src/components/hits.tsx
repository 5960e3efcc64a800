import { Badge, Code, Table } from '@mantine/core'
import { Link } from 'react-router'
import type { Schemas } from '../api'
import { Class, Place, When } from './parts'

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
              <Badge color={h.decision === 'block' ? 'teal' : 'gray'}>{h.decision}</Badge>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
