// A stage is one run of one application: its directory, its processes, the
// node if there is one, and the tap that the user talks to.
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Tap } from './tap.mjs'

const patience = 60_000 // for a process to start, ms
const grace = 5_000 // for a process to end, ms

// free returns a port that nobody listens on.
export async function free() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

// until waits for a check to be true.
export async function until(what, check, within = patience) {
  for (const end = Date.now() + within; ; await sleep(50)) {
    if (await check()) return
    if (Date.now() > end) throw new Error(`${what}: not within ${within / 1000} s`)
  }
}

export class Stage {
  #children = []
  #servers = []

  // set opens the stage; origin is the address that the application is told
  // to have, with and without a node, programs the directory of what was
  // installed for applications.
  static async set(origin, programs) {
    const stage = new Stage()
    stage.dir = await mkdtemp(join(tmpdir(), 'gabion-app-'))
    stage.origin = origin
    stage.programs = programs
    return stage
  }

  // start runs a program until the stage is closed and waits for its port.
  async start(command, args, { port, cwd = this.dir, env = {} }) {
    const name = command.split('/').pop()
    const log = createWriteStream(join(this.dir, `${name}.log`), { flags: 'a' })
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let said = ''
    for (const out of [child.stdout, child.stderr]) {
      out.on('data', (text) => { said = (said + text).slice(-4000) })
      out.pipe(log, { end: false })
    }
    let ended
    child.on('error', (err) => { ended = err.message })
    child.on('exit', (code, signal) => { ended ??= `it ended with ${code ?? signal}` })
    this.#children.push({ child, over: () => ended !== undefined })
    await until(`starting ${name}`, () => {
      if (ended) throw new Error(`starting ${name}: ${ended}\n${said}`)
      return listens(port)
    })
    return child
  }

  // serve runs a server of this process until the stage is closed.
  async serve(server) {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#servers.push(server)
    return server.address().port
  }

  // guard puts a node in mode block before the application, configured as by
  // default otherwise, and returns the node's port and its counters.
  async guard(program, upstream) {
    const [port, admin] = [await free(), await free()]
    const config = join(this.dir, 'node.yaml')
    await writeFile(config, JSON.stringify({
      data: join(this.dir, 'node'),
      node: {
        listen: `127.0.0.1:${port}`, admin: `127.0.0.1:${admin}`,
        sites: [{ upstream: `http://127.0.0.1:${upstream}`, mode: 'block' }],
      },
    }))
    await this.start(program, ['run', '--config', config], { port })
    return { port, counters: () => settled(admin) }
  }

  async tap(upstream) {
    this.tapped = await Tap.listen(new URL(this.origin).port, upstream)
    return this.tapped
  }

  async close() {
    await this.tapped?.close()
    for (const { child, over } of this.#children.reverse()) {
      if (child.pid === undefined) continue
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        signalGroup(child.pid, signal)
        try { await until(`ending ${child.pid}`, over, grace); break } catch { continue }
      }
      signalGroup(child.pid, 'SIGKILL') // whom it left behind
    }
    for (const server of this.#servers) server.close()
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}

function signalGroup(pid, signal) {
  try { process.kill(-pid, signal) } catch (err) { if (err.code !== 'ESRCH') throw err }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}

// settled returns the counters once they stand still, or do not for a grace: a node
// counts a request after it has answered.
async function settled(admin) {
  const end = Date.now() + grace
  for (let last = await counters(admin); ;) {
    await sleep(100)
    const now = await counters(admin)
    if (isDeepStrictEqual(now, last) || Date.now() > end) return now
    last = now
  }
}

// counters sums up what the node says of requests and messages: how many it
// received, and how many it blocked or let pass without inspection.
async function counters(admin) {
  const sum = { received: 0, blocked: 0, bypassed: 0 }
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
  for (const [, name, labels, value] of text.matchAll(/^(gabion_\w+)\{(.*)\} (\d+)$/gm)) {
    const n = Number(value)
    if (name === 'gabion_http_requests_received_total') sum.received += n
    if (name === 'gabion_http_requests_total' && labels.includes('verdict="block"')) sum.blocked += n
    if (name === 'gabion_websocket_attacks_total' && labels.includes('action="block"')) sum.blocked += n
    if (name === 'gabion_upgrades_relayed_total' || /_bypassed_total$/.test(name) && !labels.includes('"aborted"')) sum.bypassed += n
  }
  return sum
}
