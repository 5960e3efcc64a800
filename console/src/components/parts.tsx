import { Alert, Badge, Center, Code, Group, Skeleton, Stack, Text, Tooltip } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'

// Loaded shows the states of a query: waiting, failed, empty, or its data.
export function Loaded<T>(props: { query: UseQueryResult<T>; empty?: (data: T) => ReactNode; children: (data: T) => ReactNode }) {
  const { query } = props
  if (query.isPending) {
    return (
      <Stack gap="xs" aria-busy>
        {[0, 1, 2, 3].map((i) => (
          <Skeleton key={i} height={32} />
        ))}
      </Stack>
    )
  }
  if (query.isError) {
    return (
      <Alert color="red" title="This could not be loaded" role="alert">
        {query.error.message}
      </Alert>
    )
  }
  return <>{props.empty?.(query.data) || props.children(query.data)}</>
}

export function Empty(props: { title: string; children?: ReactNode }) {
  return (
    <Center py="xl">
      <Stack align="center" gap="xs" maw="36rem">
        <Text fw={600}>{props.title}</Text>
        {props.children && (
          <Text c="dimmed" ta="center" component="div">
            {props.children}
          </Text>
        )}
      </Stack>
    </Center>
  )
}

// When renders Unix milliseconds, without the date if it is today's; 0 is never.
export function When({ at }: { at: number }) {
  if (!at) return <Text span c="dimmed">never</Text>
  const date = new Date(at)
  const today = date.toDateString() === new Date().toDateString()
  return (
    <Tooltip label={date.toISOString()}>
      <time dateTime={date.toISOString()} style={{ whiteSpace: 'nowrap' }}>
        {today ? date.toLocaleTimeString() : date.toLocaleString()}
      </time>
    </Tooltip>
  )
}

export function Class({ name }: { name: string }) {
  return (
    <Badge variant="light" color="red">
      {name}
    </Badge>
  )
}

// leakWords name what a response gave away.
const leakWords: Record<string, string> = {
  sql_error: 'database error',
  stack_trace: 'error trace',
  directory_listing: 'list of files',
  private_key: 'private key',
  system_file: 'system file',
  source_code: 'source code',
}

// Leaked shows that a response gave something away, if it did.
export function Leaked({ kind }: { kind: string }) {
  if (!kind) return null
  return (
    <Tooltip label="What the response gave away. The node tells the kind only.">
      <Badge color="orange" data-testid="leak">leaked: {leakWords[kind] ?? kind}</Badge>
    </Tooltip>
  )
}

// Outcome never relies on colour alone.
export function Outcome({ hits, blocked }: { hits: number; blocked: number }) {
  if (blocked >= hits) return <Badge color="teal">blocked</Badge>
  if (blocked > 0) return <Badge color="yellow">partly blocked</Badge>
  return <Badge color="gray">monitored</Badge>
}

export function Place(props: { method: string; host: string; path: string }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Code style={{ flexShrink: 0 }}>{props.method}</Code>
      <Text span size="sm" style={{ overflowWrap: 'anywhere' }}>
        <Text span c="dimmed" size="sm">{props.host}</Text>
        {props.path}
      </Text>
    </Group>
  )
}
