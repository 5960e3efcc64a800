import { Button, Code, Drawer, Group, SegmentedControl, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { type Schemas, api, ok } from '../api'
import { Names, SealedEvidence } from '../components/evidence'
import { HitTable, LatestHits } from '../components/hits'
import { Class, Empty, Leaked, Loaded, Outcome, Place, When } from '../components/parts'

export function Attacks() {
  const [params, setParams] = useSearchParams()
  const q = params.get('q') ?? ''
  const view = params.get('view') ?? 'attacks'
  const [draft, setDraft] = useState(q)
  const put = (key: string, value?: string) =>
    setParams((p) => {
      if (value) p.set(key, value)
      else p.delete(key)
      return p
    })
  const select = (id?: string) => put('sel', id)
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={3}>Attacks</Title>
        <SegmentedControl
          data={[
            { value: 'attacks', label: 'Grouped' },
            { value: 'hits', label: 'Single hits' },
          ]}
          value={view}
          onChange={(v) => put('view', v)}
        />
      </Group>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          put('q', draft)
        }}
      >
        <TextInput
          aria-label="Filter"
          placeholder="class:sqli host:shop.example -method:GET"
          value={draft}
          onChange={(e) => setDraft(e.currentTarget.value)}
        />
      </form>
      {view === 'hits' ? <Hits q={q} /> : <Grouped q={q} select={select} />}
      <Drawer opened={params.has('sel')} onClose={() => select()} position="right" size="xl" title="Attack">
        {params.get('sel') && <Attack id={params.get('sel')!} />}
      </Drawer>
    </Stack>
  )
}

function None({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="Nothing matches">The filter hides every attack. Clear it to see all.</Empty>
  return (
    <Empty title="No attacks so far">
      Send a safe one through your node: <Code>curl 'http://127.0.0.1:8080/?q=%27+OR+1%3D1--+'</Code>
    </Empty>
  )
}

function Hits({ q }: { q: string }) {
  const hits = useInfiniteQuery({
    queryKey: ['hits', 'search', q],
    queryFn: ({ pageParam }) => ok(api.GET('/api/v1/hits', { params: { query: { q, cursor: pageParam, limit: 50 } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  })
  return (
    <Loaded query={hits} empty={({ pages }) => !pages[0]?.items.length && <None filtered={!!q} />}>
      {({ pages }) => (
        <>
          <HitTable hits={pages.flatMap((p) => p.items)} />
          <More query={hits} label="Older hits" />
        </>
      )}
    </Loaded>
  )
}

function More({ query, label }: { query: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => void }; label: string }) {
  if (!query.hasNextPage) return null
  return (
    <Button variant="subtle" onClick={() => query.fetchNextPage()} loading={query.isFetchingNextPage}>
      {label}
    </Button>
  )
}

function Grouped({ q, select }: { q: string; select: (id: string) => void }) {
  const attacks = useInfiniteQuery({
    queryKey: ['attacks', q],
    queryFn: ({ pageParam }) => ok(api.GET('/api/v1/attacks', { params: { query: { q, cursor: pageParam, limit: 50 } } })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
  })
  return (
    <Loaded query={attacks} empty={({ pages }) => !pages[0]?.items.length && <None filtered={!!q} />}>
      {({ pages }) => (
        <>
          <Table highlightOnHover stickyHeader data-testid="attacks">
            <Table.Thead>
              <Table.Tr>
                {['Last seen', 'Class', 'Endpoint', 'Point', 'Hits', 'Sources', 'Outcome'].map((h) => (
                  <Table.Th key={h}>{h}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{pages.flatMap((p) => p.items).map((a) => <Row key={a.id} attack={a} select={select} />)}</Table.Tbody>
          </Table>
          <More query={attacks} label="Older attacks" />
          <Title order={4}>Latest hits</Title>
          <LatestHits count={8} none={null} />
        </>
      )}
    </Loaded>
  )
}

function Row({ attack: a, select }: { attack: Schemas['Attack']; select: (id: string) => void }) {
  return (
    <Table.Tr
      tabIndex={0}
      style={{ cursor: 'pointer' }}
      onClick={() => select(a.id)}
      onKeyDown={(e) => e.key === 'Enter' && select(a.id)}
    >
      <Table.Td><When at={a.at} /></Table.Td>
      <Table.Td><Class name={a.class} /></Table.Td>
      <Table.Td><Place {...a} /></Table.Td>
      <Table.Td><Code>{a.point}</Code></Table.Td>
      <Table.Td>{a.hits}</Table.Td>
      <Table.Td>{a.sources}</Table.Td>
      <Table.Td><Group gap={4}><Outcome {...a} /><Leaked kind={a.leak} /></Group></Table.Td>
    </Table.Tr>
  )
}

function Attack({ id }: { id: string }) {
  const attack = useQuery({ queryKey: ['attacks', 'one', id], queryFn: () => ok(api.GET('/api/v1/attacks/{id}', { params: { path: { id } } })) })
  const hits = useQuery({ queryKey: ['hits', id], queryFn: () => ok(api.GET('/api/v1/hits', { params: { query: { attack: id, limit: 20 } } })) })
  return (
    <Loaded query={attack}>
      {(a) => (
        <Stack>
          <Group><Class name={a.class} /><Outcome {...a} /><Leaked kind={a.leak} /></Group>
          <Place {...a} />
          <Text>{a.reason}</Text>
          {a.leak && <Text>A response to it shows that it had an effect.</Text>}
          <div>
            <Text size="sm" c="dimmed">Decoded path</Text>
            <Path point={a.point} />
          </div>
          <div>
            <Text size="sm" c="dimmed">What was seen, without its values</Text>
            <Code block data-testid="fragment">{a.fragment || 'none'}</Code>
          </div>
          <Text size="sm">
            {a.hits} hits, {a.blocked} blocked, from {a.sources} sources, first <When at={a.began} />, last <When at={a.at} />
          </Text>
          <Button component={Link} variant="light" to={ruleFor(a)} style={{ alignSelf: 'flex-start' }}>
            Make a rule
          </Button>
          <Title order={5}>Hits</Title>
          <Loaded query={hits}>
            {({ items }) => (
              <>
                {items[0] && /<\w+:/.test(items[0].path + items[0].point) && <Names hit={items[0]} />}
                {items.map((h) => <Hit key={h.id} hit={h} />)}
              </>
            )}
          </Loaded>
        </Stack>
      )}
    </Loaded>
  )
}

// ruleFor leads to the form for a rule, filled from the attack. Segments that
// only the node knows by name become "any".
function ruleFor(a: Schemas['Attack']): string {
  const path = a.path.replace(/<[^/>]*>|\{[^/}]*\}/g, '*')
  const point = a.point.includes('<') ? '' : a.point
  return '/protection?' + new URLSearchParams({ kind: 'ignore', class: a.class, point, method: a.method, path })
}

// Path shows the parsers that led to the value, outermost first.
function Path({ point }: { point: string }) {
  return (
    <Group gap={4}>
      {point.split('.').map((step, i) => (
        <Group key={i} gap={4}>
          {i > 0 && <Text span c="dimmed">›</Text>}
          <Code>{step}</Code>
        </Group>
      ))}
    </Group>
  )
}

function Hit({ hit }: { hit: Schemas['Hit'] }) {
  return (
    <Stack gap={4} pb="sm" style={{ borderBottom: '1px solid var(--mantine-color-default-border)' }}>
      <Group gap="xs">
        <Code data-testid="request-id">{hit.request_id}</Code>
        <Text size="sm"><When at={hit.at} /></Text>
        <Text size="sm">{hit.decision}, answered {hit.status}, score {hit.score.toFixed(2)}</Text>
        <Leaked kind={hit.leak} />
        <Text size="sm" c="dimmed">from {hit.address || hit.prefix || hit.source}</Text>
      </Group>
      <SealedEvidence hit={hit} />
    </Stack>
  )
}
