import { Alert, Badge, Button, Code, Group, Select, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type Schemas, api, ok } from '../api'
import { Empty, Loaded, When } from '../components/parts'

type Role = Schemas['User']['role']
const roles: Role[] = ['admin', 'analyst', 'read-only', 'deploy']

// People lists who may log in, and makes their one-time links.
export function People() {
  const users = useQuery({ queryKey: ['users'], queryFn: () => ok(api.GET('/api/v1/users')) })
  const link = useMutation({ mutationFn: (id: string) => ok(api.POST('/api/v1/users/{id}/link', { params: { path: { id } } })) })
  const remove = useRemoval('users', (id) => ok(api.DELETE('/api/v1/users/{id}', { params: { path: { id } } })))
  const add = useMutation({ mutationFn: (body: Schemas['NewUserBody']) => ok(api.POST('/api/v1/users', { body })), onSuccess: remove.refresh })
  const failed = link.error ?? remove.error ?? add.error
  return (
    <Stack>
      <Title order={4}>People</Title>
      {failed && <Alert color="red" role="alert">{failed.message}</Alert>}
      {link.data && (
        <Alert color="cyan" title="One-time link: hand it over, it logs in once">
          <Code>{`${window.location.origin}/login#${link.data.link}`}</Code>
        </Alert>
      )}
      <Loaded query={users}>
        {({ items }) => (
          <Table>
            <Table.Tbody>
              {items.map((u) => (
                <Table.Tr key={u.id}>
                  <Table.Td>{u.name}</Table.Td>
                  <Table.Td><Badge variant="light">{u.role}</Badge></Table.Td>
                  <Table.Td><When at={u.created} /></Table.Td>
                  <Table.Td>
                    <Group gap={4} justify="flex-end">
                      <Button size="compact-xs" variant="light" onClick={() => link.mutate(u.id)}>New login link</Button>
                      <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(u.id)}>Remove</Button>
                    </Group>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
      <Add label="Add a person" pending={add.isPending} onAdd={(name, role) => add.mutate({ name, role })} />
    </Stack>
  )
}

// Tokens lists the bearer tokens of scripts.
export function Tokens() {
  const tokens = useQuery({ queryKey: ['tokens'], queryFn: () => ok(api.GET('/api/v1/tokens')) })
  const remove = useRemoval('tokens', (id) => ok(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })))
  const add = useMutation({ mutationFn: (body: Schemas['NewTokenBody']) => ok(api.POST('/api/v1/tokens', { body })), onSuccess: remove.refresh })
  const failed = remove.error ?? add.error
  return (
    <Stack>
      <Title order={4}>API tokens</Title>
      {failed && <Alert color="red" role="alert">{failed.message}</Alert>}
      {add.data && (
        <Alert color="cyan" title="Copy it now: it is not shown again">
          <Code>{add.data.text}</Code>
        </Alert>
      )}
      <Loaded query={tokens} empty={({ items }) => items.length === 0 && <Empty title="No tokens">Scripts use one as their bearer token.</Empty>}>
        {({ items }) => (
          <Table>
            <Table.Tbody>
              {items.map((t) => (
                <Table.Tr key={t.id}>
                  <Table.Td>{t.name}</Table.Td>
                  <Table.Td><Badge variant="light">{t.role}</Badge></Table.Td>
                  <Table.Td>{t.expires ? <>ends <When at={t.expires} /></> : 'does not end'}</Table.Td>
                  <Table.Td ta="right">
                    <Button size="compact-xs" variant="subtle" color="red" onClick={() => remove.mutate(t.id)}>Revoke</Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Loaded>
      <Add label="Add a token" pending={add.isPending} onAdd={(name, role) => add.mutate({ name, role, life: 365 * 24 * 3600 })} />
      <Text size="xs" c="dimmed">A new token ends after a year; the API makes others.</Text>
    </Stack>
  )
}

// useRemoval is a mutation that takes an entry out of a list.
function useRemoval(list: string, call: (id: string) => Promise<unknown>) {
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: [list] })
  return { ...useMutation({ mutationFn: call, onSettled: refresh }), refresh }
}

function Add(props: { label: string; pending: boolean; onAdd: (name: string, role: Role) => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('analyst')
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault()
        props.onAdd(name, role)
        setName('')
      }}
    >
      <Group align="end">
        <TextInput label="Name" required value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <Select label="Role" data={roles} value={role} onChange={(r) => r && setRole(r as Role)} allowDeselect={false} />
        <Button type="submit" variant="light" loading={props.pending}>{props.label}</Button>
      </Group>
    </form>
  )
}
