import { Alert, Button, Code, Loader, Mark, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type Schemas, api, ok } from '../api'
import { bytes, newViewer } from '../seal'

// What a node seals into the answer, as its JSON form.
type Evidence = {
  request?: string // base64
  truncated?: boolean
  source?: string
  findings?: { class?: string; point?: string; value?: string; from?: number; to?: number; reason?: string }[]
}

type Question = { kind: 'evidence'; hit: string } | { kind: 'names'; keys: string[] }

// ask puts one question to the nodes, waits for the first answer and opens it.
async function ask<T>(question: Question): Promise<T> {
  const viewer = await newViewer()
  const { id } = await ok(api.POST('/api/v1/asks', { body: { ...question, reply_key: viewer.publicKey } }))
  for (let tries = 0; tries < 40; tries++) {
    const { answers } = await ok(api.GET('/api/v1/asks/{id}', { params: { path: { id } } }))
    const answer = answers.find((a) => !a.refused) ?? answers[0]
    if (answer?.refused) throw new Error(`The node refused: ${answer.reason}`)
    if (answer) return JSON.parse(new TextDecoder().decode(await viewer.open(id, bytes(answer.sealed)))) as T
    await new Promise((r) => setTimeout(r, 250))
  }
  throw new Error('No node that knows this answered within 10 seconds.')
}

// SealedEvidence opens the request behind a hit, in this page only.
export function SealedEvidence({ hit }: { hit: Schemas['Hit'] }) {
  const open = useMutation({ mutationFn: () => ask<Evidence>({ kind: 'evidence', hit: hit.id }) })
  if (!hit.evidence) return <Text c="dimmed">The node kept no evidence of this request.</Text>
  if (open.isPending) return <Loader size="sm" aria-label="waiting for the node" />
  if (open.isError) return <Alert color="red" title="The evidence could not be opened">{open.error.message}</Alert>
  if (!open.data) {
    return (
      <Stack gap={4} align="flex-start">
        <Button size="xs" variant="light" onClick={() => open.mutate()}>
          Show the request
        </Button>
        <Text size="xs" c="dimmed">
          It is on the node. The answer is encrypted for this page; the cloud cannot read it.
        </Text>
      </Stack>
    )
  }
  return (
    <Stack gap="xs" data-testid="evidence">
      {open.data.findings?.map((f, i) => (
        <div key={i}>
          <Text size="sm">
            {f.class} at <Code>{f.point}</Code>
          </Text>
          <Code block>
            <Highlighted value={decode(f.value)} from={f.from ?? 0} to={f.to ?? 0} />
          </Code>
        </div>
      ))}
      <Text size="sm">The request as received{open.data.truncated ? ' (cut)' : ''}, from {open.data.source}</Text>
      <Code block mah={320} style={{ overflow: 'auto', whiteSpace: 'pre-wrap' }}>
        {new TextDecoder().decode(decode(open.data.request))}
      </Code>
    </Stack>
  )
}

// Names resolves the tokens of an endpoint and a point to what the node knows.
export function Names({ hit }: { hit: Schemas['Hit'] }) {
  const names = useMutation({
    mutationFn: () => ask<{ names?: { text?: string }[] }>({ kind: 'names', keys: [hit.endpoint_key, hit.point_key] }),
  })
  if (names.isError) return <Alert color="red">{names.error.message}</Alert>
  if (names.data) return <Code data-testid="names">{names.data.names?.map((n) => n.text).join('  ') || 'The node does not know them any more.'}</Code>
  return (
    <Button size="compact-xs" variant="subtle" loading={names.isPending} onClick={() => names.mutate()}>
      Show the names
    </Button>
  )
}

function decode(b64?: string) {
  return bytes(b64 ?? '')
}

// Highlighted marks a span that is counted in bytes.
export function Highlighted({ value, from, to }: { value: Uint8Array; from: number; to: number }) {
  const text = (a: number, b: number) => new TextDecoder().decode(value.slice(a, b))
  return (
    <>
      {text(0, from)}
      <Mark color="red">{text(from, to)}</Mark>
      {text(to, value.length)}
    </>
  )
}
