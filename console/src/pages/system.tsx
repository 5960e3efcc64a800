import { Alert, Badge, Button, Code, CopyButton, Group, Stack, Table, Text, Title } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type Schemas, api, ok, statusOf } from '../api'
import { Empty, Loaded, When } from '../components/parts'
import { Audit, Refusals } from './audit'
import { People, Tokens } from './people'

export function System() {
  return (
    <Stack gap="xl">
      <Title order={3}>System</Title>
      <Refusals />
      <Nodes />
      <People />
      <Tokens />
      <Audit />
    </Stack>
  )
}

function Nodes() {
  const nodes = useQuery({ queryKey: ['nodes'], queryFn: () => ok(api.GET('/api/v1/nodes')), refetchInterval: 10_000 })
  return (
    <Stack>
      <Title order={4}>Nodes</Title>
      <Loaded
        query={nodes}
        empty={({ items }) => !items?.length && <Empty title="No nodes so far">Make a token below and start a node with it.</Empty>}
      >
        {({ items }) => (
          <Table data-testid="nodes">
            <Table.Thead>
              <Table.Tr>
                {['Node', 'State', 'Version', 'Ruleset', 'Last contact'].map((h) => (
                  <Table.Th key={h}>{h}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{items?.map((n) => <Node key={n.id} node={n} />)}</Table.Tbody>
          </Table>
        )}
      </Loaded>
      <AddNode />
    </Stack>
  )
}

function Node({ node }: { node: Schemas['NodeState'] }) {
  const degraded = statusOf(node).degraded ?? []
  return (
    <Table.Tr>
      <Table.Td>
        {node.name}
        <Text size="xs" c="dimmed">{node.id}</Text>
      </Table.Td>
      <Table.Td>
        <Badge color={node.online ? 'teal' : 'gray'}>{node.online ? 'online' : 'offline'}</Badge>
        {degraded.map((d) => <Text key={d} size="xs" c="red">{d}</Text>)}
        {!node.shares_key && <Text size="xs" c="red">Holds another group key than its group; see docs/group-key.md.</Text>}
      </Table.Td>
      <Table.Td>{node.version}</Table.Td>
      <Table.Td>
        {node.ruleset || 'none'}
        {node.ruleset_error && <Text size="xs" c="red">{node.ruleset_error}</Text>}
      </Table.Td>
      <Table.Td><When at={node.seen} /></Table.Td>
    </Table.Tr>
  )
}

// AddNode makes an enrolment token and shows the one command that uses it.
function AddNode() {
  const add = useMutation({ mutationFn: () => ok(api.POST('/api/v1/node-tokens', { body: {} })) })
  if (!add.data) {
    return (
      <Group>
        <Button variant="light" onClick={() => add.mutate()} loading={add.isPending}>Add a node</Button>
        {add.isError && <Alert color="red">{add.error.message}</Alert>}
      </Group>
    )
  }
  const command = `GABION_TOKEN=${add.data.text} gabion node --upstream http://127.0.0.1:3000`
  return (
    <Stack gap="xs">
      <Text>Run this where the node shall be. The token works once, for one hour.</Text>
      <Code block>{command}</Code>
      <CopyButton value={command}>
        {({ copied, copy }) => <Button size="xs" variant="light" onClick={copy} style={{ alignSelf: 'flex-start' }}>{copied ? 'Copied' : 'Copy'}</Button>}
      </CopyButton>
    </Stack>
  )
}
