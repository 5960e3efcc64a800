import { Card, Code, List, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { api, ok, statusOf } from '../api'
import { LatestHits } from '../components/hits'

export function Overview() {
  const nodes = useQuery({ queryKey: ['nodes'], queryFn: () => ok(api.GET('/api/v1/nodes')), refetchInterval: 10_000 })
  const suggestions = useQuery({
    queryKey: ['suggestions'],
    queryFn: () => ok(api.GET('/api/v1/suggestions', { params: { query: { limit: 100 } } })),
  })
  const online = nodes.data?.items.filter((n) => n.online)
  const inspected = online?.reduce((sum, n) => sum + Number(statusOf(n).inspected ?? 0), 0)
  const blocked = online?.reduce((sum, n) => sum + Number(statusOf(n).blocked ?? 0), 0)
  return (
    <Stack>
      <Title order={3}>Overview</Title>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure value={online && `${online.length} of ${nodes.data?.items.length}`} label="nodes online" to="/system" />
        <Figure value={inspected} label="requests inspected since these nodes started" to="/system" />
        <Figure value={blocked} label="of them blocked" to="/attacks" />
        <Figure
          value={suggestions.data?.items.filter((s) => s.state === 'open').length}
          label="suggestions wait for a decision"
          to="/protection"
        />
      </SimpleGrid>
      <Title order={4}>Latest hits</Title>
      <LatestHits count={12} none={<NextSteps />} />
    </Stack>
  )
}

function NextSteps() {
  return (
    <Card withBorder>
      <Text fw={600}>Next steps</Text>
      <List type="ordered" spacing={4} mt="xs">
        <List.Item>Send traffic through the node, <Code>http://127.0.0.1:8080</Code> unless you changed it.</List.Item>
        <List.Item>Send a safe attack: <Code>curl 'http://127.0.0.1:8080/?q=%27+OR+1%3D1--+'</Code></List.Item>
        <List.Item>See it under <Link to="/attacks">Attacks</Link>, then set the mode to block under <Link to="/protection">Protection</Link>.</List.Item>
      </List>
    </Card>
  )
}

function Figure({ value, label, to }: { value?: number | string; label: string; to: string }) {
  return (
    <Card withBorder component={Link} to={to}>
      <Text size="xl" fw={700}>{value ?? '…'}</Text>
      <Text size="sm" c="dimmed">{label}</Text>
    </Card>
  )
}
