// Walks through the console in a real browser, against a running platform.
// CONSOLE_URL is the one-time link, NODE_URL a node in block mode.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'

const { CONSOLE_URL, NODE_URL, CHROMIUM = '/usr/bin/chromium', SHOTS } = process.env
const base = new URL(CONSOLE_URL).origin
const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']

let context, page, profile
const foreign = []

before(async () => {
  profile = await mkdtemp(join(tmpdir(), 'gabion-browser-'))
  context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: flags, viewport: { width: 1280, height: 900 } })
  page = await context.newPage()
  page.setDefaultTimeout(15_000)
  page.on('request', (r) => new URL(r.url()).origin === base || foreign.push(r.url()))
  page.on('dialog', (d) => assert.fail(`a dialog opened: ${d.message()}`))
  page.on('pageerror', (e) => assert.fail(`the page threw ${e}`))
})

after(async () => {
  await context?.close()
  await rm(profile, { recursive: true, force: true })
})

async function shot(name) {
  if (SHOTS) await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}

// attack sends one blocked request and returns its id.
async function attack(target) {
  const res = await fetch(NODE_URL + target)
  assert.equal(res.status, 403, target)
  return res.headers.get('x-gabion-request-id')
}

const sqli = '?q=' + encodeURIComponent("' UNION SELECT name, password FROM users-- ")

test('the one-time link logs in, once', async () => {
  await page.goto(CONSOLE_URL)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await shot('overview-empty')
  const other = await context.browser()?.newContext() // nothing shared with the first
  if (other) {
    const second = await other.newPage()
    await second.goto(CONSOLE_URL)
    await second.getByRole('alert').waitFor()
    await other.close()
  }
})

test('an attack is on the page within two seconds', async () => {
  await page.goto(base + '/attacks?view=hits')
  await page.getByRole('heading', { name: 'Attacks' }).waitFor()
  await page.getByText('live', { exact: true }).waitFor()
  const id = await attack(`/nonce/${randomUUID()}${sqli}`)
  const sent = Date.now()
  await page.getByText(id).waitFor()
  assert.ok(Date.now() - sent < 2000, `it took ${Date.now() - sent} ms`)
  await shot('hits')
})

test('an attack explains itself, and its sealed evidence opens in the page', async () => {
  const marker = randomUUID()
  const id = await attack(`/evidence${sqli}${marker}`)
  await page.goto(base + '/attacks')
  await page.getByTestId('attacks').locator('tbody tr', { hasText: 'sqli' }).first().click()
  const drawer = page.getByRole('dialog')
  await drawer.getByTestId('fragment').getByText('union select', { exact: false }).waitFor()
  assert.ok(!(await page.content()).includes(marker), 'the page shows a value that must stay on the node')
  const hit = drawer.locator('div', { has: page.getByTestId('request-id').getByText(id) }).last()
  await hit.locator('xpath=..').getByRole('button', { name: 'Show the request' }).first().click()
  const evidence = drawer.getByTestId('evidence').first()
  await evidence.getByText(marker).first().waitFor()
  assert.match(await evidence.locator('mark').first().innerText(), /union/i)
  assert.equal(await drawer.getByText('(cut)').count(), 0, 'a request without a body is whole')
  await shot('attack')
})

test('text of an attacker is text', async () => {
  for (const payload of ['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>']) {
    await attack(`/x?${encodeURIComponent(payload)}=${encodeURIComponent(payload)}`)
    await fetch(`${NODE_URL}/${encodeURIComponent(payload)}`)
  }
  for (const [path, table] of [['/', 'hits'], ['/attacks', 'attacks'], ['/attacks?view=hits', 'hits'], ['/system', 'nodes']]) {
    await page.goto(base + path)
    await page.getByTestId(table).waitFor()
  }
})

test('a rule is made, previewed and published, and the node runs it', async () => {
  await page.goto(base + '/protection')
  await page.getByRole('button', { name: 'New rule' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Path').fill('/guarded')
  await form.getByLabel('Class').fill('no-such-class')
  await form.getByRole('button', { name: 'Publish' }).click()
  await form.getByRole('alert').waitFor() // bad input: the form says why and stays
  await form.getByLabel('Class').fill('')
  await form.getByLabel('Point').fill('get.tag')
  await form.getByRole('combobox', { name: 'Kind' }).or(form.getByLabel('Kind')).first().click()
  await page.getByRole('option', { name: 'Own detector' }).click()
  await form.getByLabel('Expression').fill('^forbidden-[0-9]+$')
  await form.getByRole('button', { name: 'Preview' }).click()
  await form.getByText(/nodes answered/).waitFor()
  assert.equal((await fetch(NODE_URL + '/guarded?tag=forbidden-7')).status, 200)
  await form.getByRole('button', { name: 'Publish' }).click()
  await page.getByTestId('rules').getByText('1 of 1').waitFor()
  await shot('rules')
  assert.equal((await fetch(NODE_URL + '/guarded?tag=forbidden-7')).status, 403)
  await page.getByTestId('rules').getByRole('button', { name: 'Remove' }).click()
  await page.getByText('No rules so far').waitFor()
})

test('limits of GraphQL and uploads are made, and the node keeps them', async () => {
  const post = async (path, type, body) => (await fetch(NODE_URL + path, { method: 'POST', headers: { 'content-type': type }, body })).status
  const query = (depth) => JSON.stringify({ query: '{a'.repeat(depth) + '}'.repeat(depth) })
  await page.goto(base + '/protection')
  const form = page.getByRole('dialog')
  const pick = async (kind) => {
    await page.getByRole('button', { name: 'New rule' }).click()
    await form.getByRole('combobox', { name: 'Kind' }).or(form.getByLabel('Kind')).first().click()
    await page.getByRole('option', { name: kind }).click()
  }
  await pick('Limit GraphQL documents')
  await form.getByLabel('Path').fill('/graphql')
  await form.getByLabel('Depth').fill('3')
  await form.getByRole('button', { name: 'Publish' }).click()
  await page.getByTestId('rules').getByText('documents of 100 KiB, values of 10 KiB, depth 3').waitFor()
  await page.getByTestId('rules').getByText('1 of 1').waitFor()
  assert.equal(await post('/graphql', 'application/json', query(3)), 200)
  assert.equal(await post('/graphql', 'application/json', query(4)), 403)

  await pick('Limit uploaded files')
  await form.getByLabel('Path').fill('/avatar')
  await form.getByLabel('File, bytes').fill('1024')
  await form.getByLabel('Only these kinds').fill('jpg')
  await form.getByLabel('Only these kinds').press('Enter')
  await form.getByRole('button', { name: 'Publish' }).click()
  await form.getByRole('alert').getByText('"jpg" is no kind of file').waitFor()
  await form.getByLabel('Only these kinds').press('Backspace')
  await form.getByLabel('Only these kinds').fill('image')
  await form.getByLabel('Only these kinds').press('Enter')
  await shot('limits')
  await form.getByRole('button', { name: 'Publish' }).click()
  await page.getByTestId('rules').getByText('files of 1 KiB, only image, no executable, script').waitFor()
  await page.waitForFunction(() => document.querySelectorAll('[data-testid^="rule-"]').length === 2 && [...document.querySelectorAll('[data-testid^="rule-"]')].every((e) => e.textContent === '1 of 1'))
  const avatar = (bytes) => {
    const body = new FormData()
    body.set('avatar', new File([bytes], 'me.png', { type: 'image/png' }))
    return fetch(NODE_URL + '/avatar', { method: 'POST', body }).then((r) => r.status)
  }
  const png = new Uint8Array(1024)
  png.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  assert.equal(await avatar(png), 200)
  assert.equal(await avatar(new Uint8Array([...png, 0])), 403)
  assert.equal(await avatar('just a text'), 403)
  for (let left = 2; left > 0; left--) {
    await page.getByTestId('rules').getByRole('button', { name: 'Remove' }).first().click()
    await page.waitForFunction((n) => document.querySelectorAll('[data-testid^="rule-"]').length === n, left - 1)
  }
  await page.getByText('No rules so far').waitFor()
})

test('nodes and endpoints are shown', async () => {
  await page.goto(base + '/system')
  await page.getByTestId('nodes').getByText('online').waitFor()
  await page.getByRole('button', { name: 'Add a node' }).click()
  await page.getByText(/gbn1_/).waitFor()
  await shot('nodes')
  await page.goto(base + '/apis')
  await page.getByRole('heading', { name: 'APIs' }).waitFor()
  await shot('endpoints')
})

test('what a response gives away is shown by kind', async () => {
  const res = await fetch(NODE_URL + '/error')
  assert.match(await res.text(), /SQL syntax/)
  const row = page.getByTestId('leaks').getByRole('row').filter({ hasText: '/error' })
  await row.getByText('leaked: database error').waitFor()
  assert.doesNotMatch(await page.content(), /SQL syntax/)
  await shot('leaks')
})

test('nothing was asked of another host', () => {
  assert.deepEqual(foreign, [])
})
