// Reads bodies as Node back ends do: one JSON array of cases in, whether each was read out.
const zlib = require('zlib'), path = require('path'), vm = require('vm'), qs = require('querystring')

const leaves = (v) =>
  typeof v === 'string' ? [v]
  : Array.isArray(v) ? v.flatMap(leaves)
  : v && typeof v === 'object' ? Object.entries(v).flatMap(([k, x]) => [k, ...leaves(x)])
  : []

async function tried(...readers) {
  const out = []
  for (const r of readers) {
    try { out.push(...(await r())) } catch {}
  }
  return out.filter((v) => typeof v === 'string')
}

const pairs = (s, sep) => [
  ...(sep === '&' ? [...new URLSearchParams(s)].flat() : []),
  ...leaves(qs.parse(s, sep)), ...Object.values(qs.parse(s, sep)).map(String),
]
const query = (c) => c.target.slice(c.target.indexOf('?') + 1)

const readers = {
  json: (b) => tried(
    () => leaves(JSON.parse(b.toString())),
    () => leaves(JSON.parse(new TextDecoder().decode(b))),
    () => b.toString().split('\n').flatMap((l) => { try { return leaves(JSON.parse(l)) } catch { return [] } }),
    () => leaves(vm.runInNewContext('(' + b.toString() + ')', {}, { timeout: 1000 })),
  ),
  multipart: (b, c) => tried(async () => {
    const form = await new Response(b, { headers: { 'content-type': c.type } }).formData()
    return [...form].flatMap(([k, v]) => [k, typeof v === 'string' ? v : v.name])
  }),
  xml: () => [],
  form: (b) => tried(() => pairs(b.toString(), '&')),
  query: (b, c) => tried(() => pairs(query(c), '&')),
  semicolon: (b, c) => tried(() => pairs(query(c), ';')),
  path: (b, c) => tried(() => {
    const p = decodeURIComponent(c.target.split('?')[0])
    return [p, p.replace(/;[^/]*/g, ''), decodeURIComponent(p)].flatMap((s) => [s, path.posix.normalize(s), path.win32.normalize(s).replaceAll('\\', '/')])
  }, () => [new URL(c.target, 'http://x').pathname]),
}
const bodies = { gunzip: zlib.gunzipSync, inflate: zlib.inflateSync, rawinflate: zlib.inflateRawSync }
const base64 = (s) => Buffer.from(s, 'base64')
const values = {
  unquote: decodeURIComponent, unquote_plus: (s) => qs.unescape(s.replaceAll('+', ' ')), unescape: unescape,
  base64: (s) => base64(s).toString(), base64gunzip: (s) => zlib.gunzipSync(base64(s)).toString(),
  base64url: (s) => Buffer.from(s, 'base64url').toString(), hex: (s) => Buffer.from(s, 'hex').toString(),
  nfkc: (s) => s.normalize('NFKC'), json: (s) => leaves(JSON.parse(s)).join('\n'),
  form: (s) => [...new URLSearchParams(s)].flat().join('\n'),
}

async function read(c) {
  let b = Buffer.from(c.body, 'base64')
  try {
    for (const step of c.before || []) {
      b = step.startsWith('charset:') ? Buffer.from(new TextDecoder(step.slice(8), { fatal: true }).decode(b)) : bodies[step](b)
    }
  } catch { return [] }
  let got = await (readers[c.reader] || (() => []))(b, c)
  for (const step of c.after || []) {
    got = got.flatMap((v) => { try { return [values[step](v)] } catch { return [] } })
  }
  return got
}

;(async () => {
  const cases = JSON.parse(require('fs').readFileSync(0))
  const out = []
  for (const c of cases) out.push((await read(c)).some((v) => v.includes(c.want)))
  console.log(JSON.stringify(out))
})()
