import { Alert, Button, Center, Code, Paper, Stack, Text, Title } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { api, ok } from '../api'

// Login takes the one-time link: its secret is in the fragment of the URL,
// which a browser sends to nobody.
export function Login() {
  const secret = window.location.hash.slice(1)
  const navigate = useNavigate()
  const queries = useQueryClient()
  const login = useMutation({
    mutationFn: () => ok(api.POST('/api/v1/session', { body: { link: secret } })),
    onSuccess: async () => {
      await queries.invalidateQueries()
      navigate('/', { replace: true })
    },
  })
  const { mutate } = login
  useEffect(() => {
    if (secret) mutate()
  }, [secret, mutate])
  return (
    <Center h="100vh" p="md">
      <Paper withBorder p="xl" maw={420}>
        <Stack>
          <Title order={2}>Gabion</Title>
          {login.isError && (
            <Alert color="red" title="You are not logged in" role="alert">
              {login.error.message}
            </Alert>
          )}
          {secret ? (
            <Button onClick={() => mutate()} loading={login.isPending}>
              Log in
            </Button>
          ) : (
            <Text>
              Open the one-time link that the program printed when it started, or one that somebody who is logged in made under System.
              Where nobody is: <Code>gabion cloud link</Code>
            </Text>
          )}
        </Stack>
      </Paper>
    </Center>
  )
}
