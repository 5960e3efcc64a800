import { ActionIcon, AppShell, Badge, Burger, Group, NavLink, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Navigate, Route, Routes, Link as RouterLink, useLocation } from 'react-router'
import { Problem, api, ok } from './api'
import { useLive } from './live'
import { Attacks } from './pages/attacks'
import { Endpoints } from './pages/endpoints'
import { Login } from './pages/login'
import { Overview } from './pages/overview'
import { Rules } from './pages/rules'
import { System } from './pages/system'

const nav = [
  { to: '/', label: 'Overview', page: <Overview /> },
  { to: '/attacks', label: 'Attacks', page: <Attacks /> },
  { to: '/apis', label: 'APIs', page: <Endpoints /> },
  { to: '/protection', label: 'Protection', page: <Rules /> },
  { to: '/system', label: 'System', page: <System /> },
]

export function App() {
  const session = useQuery({ queryKey: ['session'], queryFn: () => ok(api.GET('/api/v1/session')), retry: false })
  if (session.isPending) return null
  const out = session.error instanceof Problem && session.error.status === 401
  return (
    <Routes>
      <Route path="/login" element={<Login />} />
      <Route path="*" element={out ? <Navigate to="/login" replace /> : <Inside />} />
    </Routes>
  )
}

function Inside() {
  const [opened, { toggle }] = useDisclosure()
  const { pathname } = useLocation()
  const live = useLive()
  const status = useQuery({ queryKey: ['status'], queryFn: () => ok(api.GET('/api/v1/status')) })
  return (
    <AppShell header={{ height: 48 }} navbar={{ width: 180, breakpoint: 'sm', collapsed: { mobile: !opened } }} padding="md">
      <AppShell.Header>
        <Group h="100%" px="md" gap="sm">
          <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
          <Text fw={700}>Gabion</Text>
          <Text c="dimmed" size="sm">{status.data?.region}</Text>
          <Group ml="auto" gap="sm">
            <Badge variant="dot" color={live ? 'teal' : 'gray'}>
              {live ? 'live' : 'reconnecting'}
            </Badge>
            <SchemeButton />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs">
        {nav.map((n) => (
          <NavLink
            key={n.to}
            component={RouterLink}
            to={n.to}
            label={n.label}
            active={n.to === '/' ? pathname === '/' : pathname.startsWith(n.to)}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main>
        <Routes>
          {nav.map((n) => (
            <Route key={n.to} path={n.to} element={n.page} />
          ))}
          <Route path="*" element={<Navigate to="/" replace />} />
        </Routes>
      </AppShell.Main>
    </AppShell>
  )
}

function SchemeButton() {
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = scheme === 'dark' ? 'light' : 'dark'
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={`Use the ${other} scheme`} onClick={() => setColorScheme(other)}>
      {scheme === 'dark' ? '☀' : '☾'}
    </ActionIcon>
  )
}
