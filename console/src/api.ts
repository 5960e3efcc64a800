import createClient from 'openapi-fetch'
import type { components, paths } from './gen/api'

export type Schemas = components['schemas']

export const api = createClient<paths>({ baseUrl: '' })

// A Problem is what the API said instead of an answer (RFC 9457).
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

type Result<T> = { data?: T; error?: { title?: string; detail?: string }; response: Response }

// ok unwraps an answer and throws the Problem otherwise.
export async function ok<T>(call: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) {
    throw new Problem(response.status, error?.detail || error?.title || `The cloud answered ${response.status}.`)
  }
  return data as T
}

// What a node last said of itself: wire.Status as protobuf's JSON, in which
// 64-bit counters are strings.
type NodeStatus = { degraded?: string[]; received?: string; inspected?: string; attacks?: string; blocked?: string; reveal_k?: number }

export function statusOf(node: Schemas['NodeState']): NodeStatus {
  return (node.status ?? {}) as NodeStatus
}
