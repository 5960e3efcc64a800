import { Alert, Badge, Button, Checkbox, Code, Group, Modal, NumberInput, Select, SimpleGrid, Stack, Table, TagsInput, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useSearchParams } from 'react-router'
import { type Schemas, api, ok } from '../api'
import { Empty, Loaded, Place, When } from '../components/parts'

type Rule = Schemas['Rule']

export function Rules() {
  const [params, setParams] = useSearchParams()
  const kind = params.get('kind') as Rule['kind'] | null
  const rules = useQuery({ queryKey: ['rules'], queryFn: () => ok(api.GET('/api/v1/rules')) })
  const draft: Rule | undefined = kind
    ? {
        kind,
        class: params.get('class') ?? undefined,
        point: params.get('point') ?? undefined,
        mode: kind === 'mode' ? 'block' : undefined,
        ...limitsOf(kind),
        scope: { method: params.get('method') ?? undefined, path: params.get('path') ?? undefined },
      }
    : undefined
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={3}>Protection</Title>
        <Group gap="xs">
          <Button variant="light" onClick={() => setParams({ kind: 'mode' })}>Set a mode</Button>
          <Button onClick={() => setParams({ kind: 'patch' })}>New rule</Button>
        </Group>
      </Group>
      <Loaded
        query={rules}
        empty={({ items }) =>
          !items?.length && <Empty title="No rules so far">Nodes use their own mode and the built-in detectors.</Empty>
        }
      >
        {({ items }) => (
          <Table data-testid="rules">
            <Table.Thead>
              <Table.Tr>
                {['Rule', 'What', 'Where', 'Nodes that run it', ''].map((h) => <Table.Th key={h}>{h}</Table.Th>)}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{items?.map((r) => <Row key={r.id} rule={r} />)}</Table.Tbody>
          </Table>
        )}
      </Loaded>
      <Suggestions />
      <Versions />
      <Modal opened={!!draft} onClose={() => setParams({})} title="New rule" size="lg">
        {draft && <Form key={params.toString()} draft={draft} close={() => setParams({})} />}
      </Modal>
    </Stack>
  )
}

function Row({ rule }: { rule: Rule }) {
  const id = rule.id ?? 0 // set by the cloud
  const queries = useQueryClient()
  const nodes = useQuery({
    queryKey: ['rules', id],
    queryFn: () => ok(api.GET('/api/v1/rules/{id}', { params: { path: { id } } })),
  })
  const remove = useMutation({
    mutationFn: () => ok(api.DELETE('/api/v1/rules/{id}', { params: { path: { id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['rules'] }),
  })
  return (
    <Table.Tr>
      <Table.Td>
        {rule.id} <Badge variant="light">{rule.kind}</Badge> {rule.disabled && <Badge color="gray">off</Badge>}
        {rule.comment && <Text size="xs" c="dimmed">{rule.comment}</Text>}
      </Table.Td>
      <Table.Td><What rule={rule} /></Table.Td>
      <Table.Td><Place method={rule.scope?.method || 'any'} host={rule.scope?.host || ''} path={rule.scope?.path || '/**'} /></Table.Td>
      <Table.Td data-testid={`rule-${id}-nodes`}>
        {nodes.data ? `${nodes.data.nodes?.filter((n) => n.runs).length ?? 0} of ${nodes.data.nodes?.length ?? 0}` : '…'}
      </Table.Td>
      <Table.Td>
        <Button size="compact-xs" variant="subtle" color="red" loading={remove.isPending} onClick={() => remove.mutate()}>
          Remove
        </Button>
        {remove.isError && <Text size="xs" c="red">{remove.error.message}</Text>}
      </Table.Td>
    </Table.Tr>
  )
}

function What({ rule: r }: { rule: Rule }) {
  if (r.kind === 'mode') return <Text size="sm">{r.mode}</Text>
  if (r.kind === 'profile') return <Text size="sm">{r.profile?.reason}</Text>
  if (r.kind === 'graphql' || r.kind === 'upload') return <Limits rule={r} />
  return (
    <Group gap={6}>
      {r.expression && <Code>{r.expression}</Code>}
      <Text size="sm">{r.class || 'any class'}</Text>
      {r.point && <Code>{r.point}</Code>}
    </Group>
  )
}

function Limits({ rule: r }: { rule: Rule }) {
  const words = r.kind === 'graphql' ? queryWords({ ...queryDefaults, ...(r.query && { ...noQuery, ...r.query }) }) : uploadWords(r.upload ?? {})
  return (
    <Group gap={6}>
      <Text size="sm">{r.mode === 'off' ? 'limits of wider scopes lifted' : words.join(', ')}</Text>
      {r.mode && r.mode !== 'off' && <Badge variant="outline">{r.mode}</Badge>}
      {r.point && <Code>{r.point}</Code>}
    </Group>
  )
}

type Query = Schemas['Query']
type Upload = Schemas['Upload']

// queryDefaults are what the cloud takes for a rule that names no limits.
const queryDefaults: Query = { document: 102_400, value: 10_240, depth: 10, aliases: 10, batch: 5, introspection: 'deny', debug: 'deny' }
const noQuery: Query = { document: 0, value: 0, depth: 0, aliases: 0, batch: 0, introspection: 'allow', debug: 'allow' }

function queryWords(q: Query): string[] {
  return [
    q.document && `documents of ${bytes(q.document)}`,
    q.value && `values of ${bytes(q.value)}`,
    q.depth && `depth ${q.depth}`,
    q.aliases && `${q.aliases} aliases`,
    q.batch && `batches of ${q.batch}`,
    q.introspection === 'deny' && 'no introspection',
    q.debug === 'deny' && 'no debugging',
  ].filter((w) => typeof w === 'string')
}

function uploadWords(u: Upload): string[] {
  return [
    u.size && `files of ${bytes(u.size)}`,
    u.total && `bodies of ${bytes(u.total)}`,
    u.allow?.length && `only ${u.allow.join(', ')}`,
    u.deny?.length && `no ${u.deny.join(', ')}`,
    u.match && 'content, name and type match',
  ].filter((w) => typeof w === 'string')
}

// bytes names a size in the largest unit that leaves it whole.
function bytes(n: number): string {
  const unit = ['B', 'KiB', 'MiB', 'GiB']
  let i = 0
  while (n > 0 && n % 1024 === 0 && i < unit.length - 1) {
    n /= 1024
    i++
  }
  return `${n} ${unit[i]}`
}

// limitsOf are the limits that the form begins with.
function limitsOf(kind: Rule['kind']): Partial<Rule> {
  if (kind === 'graphql') return { query: queryDefaults }
  if (kind === 'upload') return { upload: { size: 10 << 20, deny: ['executable', 'script'] } }
  return {}
}

// kinds says which fields a kind of rule has.
const kinds: Record<string, { label: string; fields: ('mode' | 'class' | 'point' | 'expression' | 'query' | 'upload')[] }> = {
  mode: { label: 'Filtration mode', fields: ['mode'] },
  patch: { label: 'Virtual patch: block a class at a point, in any mode', fields: ['class', 'point'] },
  ignore: { label: 'Ignore a class at a point', fields: ['class', 'point'] },
  mask: { label: 'Keep the value at a point out of storage', fields: ['point'] },
  detector: { label: 'Own detector', fields: ['expression', 'class', 'point'] },
  graphql: { label: 'Limit GraphQL documents', fields: ['query', 'mode'] },
  upload: { label: 'Limit uploaded files', fields: ['upload', 'point', 'mode'] },
}

const modes = ['off', 'monitoring', 'safe_blocking', 'block']

function Form({ draft, close }: { draft: Rule; close: () => void }) {
  const [rule, setRule] = useState(draft)
  const queries = useQueryClient()
  const set = (change: Partial<Rule>) => setRule((r) => ({ ...r, ...change }))
  const scope = (change: Partial<NonNullable<Rule['scope']>>) => set({ scope: { ...rule.scope, ...change } })
  const fields = kinds[rule.kind]?.fields ?? []
  // Only the fields of this kind are sent.
  const body = (): Rule => ({
    kind: rule.kind,
    scope: rule.scope,
    comment: rule.comment,
    experimental: rule.kind === 'detector' ? rule.experimental : undefined,
    ...Object.fromEntries(fields.filter((f) => rule.mode !== 'off' || (f !== 'query' && f !== 'upload')).map((f) => [f, rule[f]])),
  })
  const preview = useMutation({ mutationFn: () => runPreview(body()) })
  const publish = useMutation({
    mutationFn: () => ok(api.POST('/api/v1/rules', { body: body() })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['rules'] })
      close()
    },
  })
  const failed = publish.error ?? preview.error
  return (
    <Stack>
      <Select
        label="Kind"
        data={Object.entries(kinds).map(([value, k]) => ({ value, label: k.label }))}
        value={rule.kind}
        onChange={(v) => v && set({ kind: v as Rule['kind'], mode: v === 'mode' ? 'block' : undefined, ...limitsOf(v as Rule['kind']) })}
        allowDeselect={false}
      />
      <Group grow>
        <TextInput label="Host" placeholder="any" value={rule.scope?.host ?? ''} onChange={(e) => scope({ host: e.currentTarget.value })} />
        <TextInput label="Method" placeholder="any" value={rule.scope?.method ?? ''} onChange={(e) => scope({ method: e.currentTarget.value })} />
      </Group>
      <TextInput
        label="Path"
        description="* is one component, ** any number; empty is every path"
        value={rule.scope?.path ?? ''}
        onChange={(e) => scope({ path: e.currentTarget.value })}
      />
      {fields.includes('mode') && rule.kind === 'mode' && (
        <Select label="Mode" data={modes} value={rule.mode ?? 'block'} onChange={(v) => v && set({ mode: v })} allowDeselect={false} />
      )}
      {fields.includes('mode') && rule.kind !== 'mode' && (
        <Select
          label="What becomes of violations"
          data={[{ value: '', label: 'as the mode of the request says' }, ...modes.map((m) => ({ value: m, label: m === 'off' ? 'off: lift the limits of wider scopes' : m }))]}
          value={rule.mode ?? ''}
          onChange={(v) => set({ mode: v || undefined })}
          allowDeselect={false}
        />
      )}
      {fields.includes('query') && rule.mode !== 'off' && <QueryFields query={rule.query ?? {}} set={(change) => set({ query: { ...rule.query, ...change } })} />}
      {fields.includes('upload') && rule.mode !== 'off' && <UploadFields upload={rule.upload ?? {}} set={(change) => set({ upload: { ...rule.upload, ...change } })} />}
      {fields.includes('expression') && (
        <TextInput label="Expression" description="RE2, on the decoded value" value={rule.expression ?? ''} onChange={(e) => set({ expression: e.currentTarget.value })} />
      )}
      {fields.includes('class') && (
        <TextInput label="Class" placeholder="any" value={rule.class ?? ''} onChange={(e) => set({ class: e.currentTarget.value })} />
      )}
      {fields.includes('point') && (
        <TextInput label="Point" placeholder="get.q" value={rule.point ?? ''} onChange={(e) => set({ point: e.currentTarget.value })} />
      )}
      {rule.kind === 'detector' && (
        <Checkbox label="Record only, never block" checked={!!rule.experimental} onChange={(e) => set({ experimental: e.currentTarget.checked })} />
      )}
      <TextInput label="Comment" value={rule.comment ?? ''} onChange={(e) => set({ comment: e.currentTarget.value })} />
      {failed && <Alert color="red" role="alert">{failed.message}</Alert>}
      {preview.data && <Alert color="cyan">{preview.data}</Alert>}
      <Group justify="flex-end">
        <Button variant="light" onClick={() => preview.mutate()} loading={preview.isPending}>Preview</Button>
        <Button onClick={() => publish.mutate()} loading={publish.isPending}>Publish</Button>
      </Group>
    </Stack>
  )
}

function QueryFields({ query, set }: { query: Query; set: (change: Query) => void }) {
  const number = (label: string, name: 'document' | 'value' | 'depth' | 'aliases' | 'batch') => (
    <NumberInput label={label} min={0} allowDecimal={false} value={query[name] ?? 0} onChange={(v) => set({ [name]: Number(v) || 0 })} />
  )
  const denied = (label: string, name: 'introspection' | 'debug') => (
    <Checkbox label={label} checked={query[name] === 'deny'} onChange={(e) => set({ [name]: e.currentTarget.checked ? 'deny' : 'allow' })} />
  )
  return (
    <>
      <Text size="sm" c="dimmed">0 limits nothing.</Text>
      <SimpleGrid cols={3}>
        {number('Document, bytes', 'document')}
        {number('Value, bytes', 'value')}
        {number('Depth', 'depth')}
        {number('Aliases', 'aliases')}
        {number('Operations in a batch', 'batch')}
      </SimpleGrid>
      {denied('Deny introspection', 'introspection')}
      {denied('Deny debugging', 'debug')}
    </>
  )
}

function UploadFields({ upload, set }: { upload: Upload; set: (change: Upload) => void }) {
  const groups = ['image', 'document', 'archive', 'executable', 'script', 'markup', 'audio', 'video', 'font', 'text', 'other']
  return (
    <>
      <SimpleGrid cols={2}>
        <NumberInput label="File, bytes" description="0 for any" min={0} allowDecimal={false} value={upload.size ?? 0} onChange={(v) => set({ size: Number(v) || 0 })} />
        <NumberInput label="Whole body, bytes" description="0 for any; only without a point" min={0} allowDecimal={false} value={upload.total ?? 0} onChange={(v) => set({ total: Number(v) || 0 })} />
        <TagsInput label="Only these kinds" description="a group, or a kind such as png; empty for any" data={groups} value={upload.allow ?? []} onChange={(v) => set({ allow: v.length ? v : undefined })} />
        <TagsInput label="None of these kinds" data={groups} value={upload.deny ?? []} onChange={(v) => set({ deny: v.length ? v : undefined })} />
      </SimpleGrid>
      <Checkbox label="Content, extension and declared type have to agree" checked={!!upload.match} onChange={(e) => set({ match: e.currentTarget.checked || undefined })} />
    </>
  )
}

// runPreview asks the nodes what the rule would have done to what they
// recorded, and says it with how much they really looked at.
async function runPreview(rule: Rule): Promise<string> {
  const ask = await ok(api.POST('/api/v1/rules/preview', { body: rule }))
  for (let tries = 0; tries < 20; tries++) {
    const { answers, online: asked } = await ok(api.GET('/api/v1/asks/{id}', { params: { path: { id: ask.id } } }))
    const given = (answers ?? []).filter((a) => !a.refused)
    if ((answers?.length ?? 0) >= asked || tries === 19) {
      const sum = (f: (a: (typeof given)[number]) => number) => given.reduce((n, a) => n + f(a), 0)
      return `${given.length} of ${asked} nodes answered: the rule changes ${sum((a) => a.matched)} of ${sum((a) => a.examined)} recorded requests.`
    }
    await new Promise((r) => setTimeout(r, 250))
  }
  throw new Error('No node answered.')
}

function Suggestions() {
  const queries = useQueryClient()
  const suggestions = useQuery({ queryKey: ['suggestions'], queryFn: () => ok(api.GET('/api/v1/suggestions', { params: { query: { limit: 100 } } })) })
  const decide = useMutation({
    mutationFn: ({ id, what }: { id: string; what: 'accept' | 'dismiss' }) =>
      what === 'accept'
        ? ok(api.POST('/api/v1/suggestions/{id}/accept', { params: { path: { id } } }))
        : ok(api.POST('/api/v1/suggestions/{id}/dismiss', { params: { path: { id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['suggestions'] }),
  })
  return (
    <>
      <Title order={4}>What learning suggests</Title>
      {decide.isError && <Alert color="red">{decide.error.message}</Alert>}
      <Loaded
        query={suggestions}
        empty={({ items }) => !items?.length && <Empty title="No suggestions so far">They come when enough sources have used a parameter.</Empty>}
      >
        {({ items }) => (
          <Table data-testid="suggestions">
            <Table.Tbody>
              {items?.map((s) => (
                <Table.Tr key={s.id}>
                  <Table.Td><Badge variant="light">{s.state}</Badge></Table.Td>
                  <Table.Td><Code>{s.point}</Code></Table.Td>
                  <Table.Td>{s.reason}</Table.Td>
                  <Table.Td><When at={s.at} /></Table.Td>
                  <Table.Td>
                    {(s.state === 'open' || s.state === 'shadow' || s.state === 'withdrawn') && (
                      <Group gap={4} wrap="nowrap">
                        <Button size="compact-xs" onClick={() => decide.mutate({ id: s.id, what: 'accept' })}>Accept</Button>
                        <Button size="compact-xs" variant="subtle" onClick={() => decide.mutate({ id: s.id, what: 'dismiss' })}>Dismiss</Button>
                      </Group>
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
    </>
  )
}

function Versions() {
  const queries = useQueryClient()
  const versions = useQuery({ queryKey: ['rules', 'versions'], queryFn: () => ok(api.GET('/api/v1/policy/versions', { params: { query: { limit: 10 } } })) })
  const back = useMutation({
    mutationFn: (version: number) => ok(api.POST('/api/v1/policy/versions/{version}/rollback', { params: { path: { version } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['rules'] }),
  })
  return (
    <>
      <Title order={4}>History</Title>
      {back.isError && <Alert color="red">{back.error.message}</Alert>}
      <Loaded query={versions} empty={({ items }) => !items?.length && <Text c="dimmed">No changes so far.</Text>}>
        {({ items }) => (
          <Table>
            <Table.Tbody>
              {items?.map((v, i) => (
                <Table.Tr key={v.version}>
                  <Table.Td>{v.version}</Table.Td>
                  <Table.Td>{v.why}</Table.Td>
                  <Table.Td>{v.actor}</Table.Td>
                  <Table.Td><When at={v.at} /></Table.Td>
                  <Table.Td>
                    {i > 0 && <Button size="compact-xs" variant="subtle" onClick={() => back.mutate(v.version)}>Go back to this</Button>}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
    </>
  )
}
