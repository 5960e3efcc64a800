// What an application holds, in a form that is the same each time.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const passing = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<uuid>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?/g, '<time>'],
  [/\b\d{8}T\d{6}Z?/g, '<time>'],
  [/\b20\d{12}\b/g, '<time>'],
]

// settled replaces what differs from run to run: times and random names.
export function settled(text) {
  for (const [pattern, name] of passing) text = text.replace(pattern, name)
  return text
}

// files returns the contents of a directory by their settled names.
export async function files(dir, keep = () => true) {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const found = []
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(dir.length + 1)
    if (entry.isFile() && keep(name)) found.push([settled(name), settled(await readFile(path, 'latin1'))])
  }
  return found.sort((a, b) => a.join('\0') < b.join('\0') ? -1 : 1)
}

// firstDifference says where two states part, or nothing.
export function firstDifference(a, b, path = 'state') {
  if (a && b && typeof a === 'object' && typeof b === 'object') {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const difference = firstDifference(a[key], b[key], `${path}.${key}`)
      if (difference) return difference
    }
    return
  }
  if (a === b) return
  const [one, two] = [JSON.stringify(a) ?? 'nothing', JSON.stringify(b) ?? 'nothing']
  let i = 0
  while (one[i] === two[i] && i < one.length) i++
  const part = (s) => s.slice(Math.max(0, i - 20), i + 80)
  return `${path}: ${part(one)} without the node, ${part(two)} behind it`
}
