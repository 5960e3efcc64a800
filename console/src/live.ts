import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'

// useLive follows the event stream and refetches what each event touches.
// The browser reconnects by itself and resumes with Last-Event-ID.
export function useLive(): boolean {
  const queries = useQueryClient()
  const [live, setLive] = useState(false)
  useEffect(() => {
    const stream = new EventSource('/api/v1/events')
    const touched = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const flush = () => {
      timer = undefined
      for (const key of touched) queries.invalidateQueries({ queryKey: [key] })
      touched.clear()
    }
    const touch = (...keys: string[]) => {
      keys.forEach((k) => touched.add(k))
      timer ??= setTimeout(flush, 250)
    }
    stream.onopen = () => setLive(true)
    stream.onerror = () => setLive(false)
    for (const [kind, keys] of Object.entries(touches)) {
      stream.addEventListener(kind, () => touch(...keys))
    }
    return () => {
      stream.close()
      clearTimeout(timer)
    }
  }, [queries])
  return live
}

// touches maps kinds of events to the queries whose answer they change.
const touches: Record<string, string[]> = {
  hit: ['attacks', 'hits', 'status'],
  node: ['nodes', 'rules'],
  endpoint: ['endpoints'],
  leak: ['endpoints', 'attacks', 'hits'],
  ruleset: ['rules', 'nodes'],
  policy: ['rules', 'suggestions'],
  suggestion: ['suggestions'],
}
