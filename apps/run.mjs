// Runs real applications on loopback, directly and behind a node in mode
// block, by the same journeys, and compares what the applications then hold.
//
//   node run.mjs [-record DIR] [APPLICATION...]
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'
import { firstDifference } from './state.mjs'
import { free, Stage } from './stage.mjs'

const applications = []
for (const name of ['radicale', 'pocketbase', 'mediawiki', 'jupyter', 'verdaccio', 'cgit', 'roundcube']) {
  applications.push((await import(`./${name}.mjs`)).default)
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const programs = join(root, '.run', 'apps') // what is installed for applications alone
const browserFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']

// A User is who walks the journeys: a browser, and a directory and an address
// for other clients.
class User {
  constructor(stage, app) {
    this.origin = stage.origin
    this.dir = stage.dir
    this.app = app // what the application's start returned
  }

  async page() {
    if (!this.#page) {
      this.#context = await chromium.launchPersistentContext(join(this.dir, 'browser'), {
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: browserFlags,
        viewport: { width: 1280, height: 900 }, locale: 'en-GB', baseURL: this.origin,
      })
      this.#page = await this.#context.newPage()
      this.#page.setDefaultTimeout(60_000)
      this.#page.on('dialog', (dialog) => dialog.accept().catch(() => {}))
    }
    return this.#page
  }

  // fetch expects success, as people do.
  async fetch(path, init) {
    const res = await fetch(this.origin + path, init)
    if (!res.ok) throw new Error(`${init?.method ?? 'GET'} ${path}: ${res.status} ${(await res.text()).slice(0, 300)}`)
    return res
  }

  async leave() { await this.#context?.close() }

  #page
  #context
}

// play walks all journeys of an application once and tells what came of each.
async function play(application, origin, node) {
  const stage = await Stage.set(origin, programs)
  let user
  try {
    const app = await application.start(stage)
    const guard = node && await stage.guard(node, app.port)
    const tap = await stage.tap(guard?.port ?? app.port)
    user = new User(stage, app)
    const journeys = []
    for (const { name, walk, hard = false } of application.journeys) {
      const from = tap.requests.length
      const before = await guard?.counters()
      let error
      try {
        await walk(user)
      } catch (err) {
        error = err.message.split('\n').slice(0, 6).join('\n    ')
        if (process.env.SHOTS) await (await user.page()).screenshot({ path: join(process.env.SHOTS, `${application.name}-${node ? 'node' : 'direct'}-${journeys.length}.png`) })
      }
      const after = await guard?.counters()
      const requests = tap.requests.slice(from)
      error ??= requests.filter((r) => r.status >= 500).map((r) => `${r.method} ${r.target}: ${r.status}`)[0]
      journeys.push({
        name, hard, requests, error,
        blocked: guard && after.blocked - before.blocked,
        bypassed: guard && after.bypassed - before.bypassed,
        state: await application.state(user),
      })
    }
    const attacks = []
    for (const attack of application.attacks) attacks.push({ attack, stopped: await stopped(origin, attack) })
    return { journeys, attacks }
  } finally {
    await user?.leave()
    await stage.close()
  }
}

// stopped tells whether a node answered instead of the application.
async function stopped(origin, { method = 'GET', target, headers, body }) {
  const res = await fetch(origin + target, { method, headers, body, redirect: 'manual' })
  await res.arrayBuffer()
  return res.status === 403 && res.headers.has('x-gabion-request-id')
}

function report(application, direct, guarded) {
  let good = true
  const say = (name, figures, verdict, problem) => {
    if (problem) good = false
    console.log(`${application.name.padEnd(12)} ${name.padEnd(44)} ${figures}  ${verdict}`)
    if (problem) console.log(`    ${problem}`)
  }
  application.journeys.forEach(({ name, known }, i) => {
    const [a, b] = [direct.journeys[i], guarded.journeys[i]]
    const figures = `${String(a.requests.length).padStart(6)} ${String(b.requests.length).padStart(8)} ${String(b.blocked).padStart(8)}`
    const refused = b.requests.filter((r) => r.status === 403).map((r) => `${r.method} ${r.target.slice(0, 200)}`)
    if (a.error) return say(name, figures, 'FAILED', `without the node: ${a.error}`)
    if (known) return b.blocked ? say(name, figures, 'blocked, known') : say(name, figures, 'CHANGED', `not blocked any more: ${known}`)
    if (b.blocked) return say(name, figures, 'BLOCKED', refused.join('\n    ') || 'a WebSocket message')
    if (b.bypassed) return say(name, figures, 'BYPASSED', `${b.bypassed} requests or messages were not inspected`)
    if (b.error) return say(name, figures, 'FAILED', `behind the node: ${b.error}`)
    const difference = firstDifference(a.state, b.state)
    if (difference) return say(name, figures, 'DIFFERS', difference)
    say(name, figures, 'equal')
  })
  const [seen, open] = [guarded.attacks.filter((a) => a.stopped).length, guarded.attacks.filter((a) => a.attack.known)]
  const wrong = guarded.attacks.filter((a) => a.stopped === Boolean(a.attack.known)).map((a) => `${a.stopped ? 'stopped by now' : 'not stopped'}: ${a.attack.target}`)
  wrong.push(...direct.attacks.filter((a) => a.stopped).map((a) => `stopped without a node: ${a.attack.target}`))
  const n = String(guarded.attacks.length)
  say('attacks', `${n.padStart(6)} ${n.padStart(8)} ${String(seen).padStart(8)}`,
    wrong.length ? 'PASSED' : open.length ? `blocked, but for ${open.length} known` : 'blocked', wrong.join('\n    '))
  return good
}

// record writes requests as a labelled corpus.
async function record(dir, application, runs) {
  const families = new Map()
  const lines = []
  for (const { journeys } of runs) {
    for (const { requests, hard } of journeys) {
      for (const { method, target, headers, body } of requests) {
        const bytes = Buffer.concat(body)
        const shape = bytes.subarray(0, 400).toString('latin1').replace(/[^\W_]+/g, 'w').slice(0, 60)
        const path = target.split('?')[0].replace(/[0-9a-f-]{8,}|\d+/gi, '#')
        const family = createHash('sha256').update([application.name, method, path, shape].join(' ')).digest('hex').slice(0, 16)
        const n = families.get(family) ?? 0
        if (n >= 8) continue
        families.set(family, n + 1)
        lines.push(JSON.stringify({
          id: `b-live-${application.name}-${lines.length + 1}`, source: `live-${application.name}`, label: 'benign',
          class: `benign-live-${application.name}`, tier: hard ? 'hard' : 'real', ctx: 'full', family,
          method, target, headers, body_b64: bytes.toString('base64'),
        }))
      }
    }
  }
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, `${application.name}.jsonl.gz`), gzipSync(lines.join('\n') + '\n'))
}

async function found(command) {
  const candidates = command.startsWith('/') ? [command] : [...process.env.PATH.split(delimiter), '/usr/sbin'].map((dir) => join(dir, command))
  for (const file of candidates) {
    try { await access(file); return true } catch { continue }
  }
  return false
}

// provide installs what is missing, or says which command does.
async function provide(chosen) {
  const missing = new Set()
  for (const { needs } of chosen) {
    for (const [command, name] of Object.entries({ '/usr/bin/chromium': 'chromium', ...needs })) {
      if (!await found(command)) missing.add(name)
    }
  }
  await providePackages(missing)
  for (const source of chosen.flatMap(({ goPrograms = [] }) => goPrograms)) {
    const dir = join(programs, basename(source))
    if (await found(join(dir, basename(source).split('@')[0]))) continue
    execFileSync('go', ['install', source], { cwd: tmpdir(), env: { ...process.env, GOBIN: dir }, stdio: 'inherit' })
  }
}

async function providePackages(missing) {
  if (!missing.size) return
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing]
  if (process.getuid() !== 0) {
    console.error(`missing packages; install them with:\n  sudo ${install.join(' ')}`)
    process.exit(2)
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } // start no service
  execFileSync('apt-get', ['update', '-q'], { env, stdio: 'inherit' })
  execFileSync(install[0], install.slice(1), { env, stdio: 'inherit' })
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { record: { type: 'string' } } })
const unknown = positionals.find((name) => !applications.some((a) => a.name === name))
if (unknown) {
  console.error(`no application ${unknown}; there are ${applications.map((a) => a.name).join(', ')}`)
  process.exit(2)
}
const chosen = applications.filter((a) => !positionals.length || positionals.includes(a.name))
await provide(chosen)
const built = await mkdtemp(join(tmpdir(), 'gabion-apps-'))
let good = true
try {
  const node = process.env.GABION_NODE ?? join(built, 'gabion-node')
  if (!process.env.GABION_NODE) execFileSync('go', ['build', '-o', node, './cmd/gabion-node'], { cwd: root, stdio: 'inherit' })
  console.log(`${'application'.padEnd(12)} ${'journey'.padEnd(44)} direct     node  blocked  state`)
  for (const application of chosen) {
    const origin = `http://127.0.0.1:${await free()}`
    try {
      const direct = await play(application, origin)
      const guarded = await play(application, origin, node)
      good = report(application, direct, guarded) && good
      if (values.record) await record(values.record, application, [direct, guarded])
    } catch (err) {
      good = false
      console.log(`${application.name.padEnd(12)} ${err.message}`)
    }
  }
} finally {
  await rm(built, { recursive: true, force: true })
}
process.exitCode = good ? 0 : 1
