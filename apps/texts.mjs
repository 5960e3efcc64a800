// What people who write about computers put into applications: code with
// quotes and tags, SQL, shell, tables, and languages other than English.
export const script = `<!doctype html>
<title>Counter</title>
<button id="more">0</button>
<script>
  const button = document.getElementById("more");
  let n = Number(localStorage.getItem("n") ?? 0);
  button.onclick = () => { localStorage.setItem("n", ++n); button.textContent = n; };
</script>`

export const sql = `SELECT c.name, COUNT(*) AS orders, SUM(o.total) AS revenue
FROM customers c JOIN orders o ON o.customer_id = c.id
WHERE o.placed_at >= '2026-01-01' AND c.country IN ('DE', 'FR', 'JP')
GROUP BY c.name HAVING COUNT(*) > 3
ORDER BY revenue DESC LIMIT 20;`

export const shell = `sudo apt-get update && sudo apt-get install -y nginx
curl -fsS http://localhost:8080/healthz | jq '.status'
tail -n 50 /var/log/nginx/error.log | grep -v 'favicon.ico'
for f in *.csv; do wc -l "$f"; done > lines.txt`

export const python = `import os, re, subprocess

def tracked(directory="."):
    """Files that git knows, without the empty name at the end."""
    out = subprocess.run(["git", "ls-files", "-z"], cwd=directory, capture_output=True, check=True)
    return [name for name in out.stdout.decode().split("\\0") if name]

if __name__ == "__main__":
    print(len([n for n in tracked(os.environ.get("HOME", "/")) if re.search(r"\\.py$", n)]))
`

export const go = `package main

import "fmt"

func main() {
	for i, c := range "naïve" {
		fmt.Printf("%d: %q\\n", i, c) // 2 bytes for ï
	}
}
`

export const table = `| Endpoint | Method | Note |
|----------|:------:|------|
| \`/users/{id}\` | GET | 404 if there is none |
| \`/users?limit=10&sort=-age\` | GET | \`age >= 18 AND active = 1\` |
| \`/users\` | POST | O'Brien isn't "special" -- really |`

export const markdown = `# Release notes

It's out -- "finally", as O'Neill said (see [issue #42](https://example.com/issues/42?x=1&y=2)).

${table}

\`\`\`sql
${sql}
\`\`\`

\`\`\`sh
${shell}
\`\`\`

> Don't use \`rm -rf\` on a path that comes from \`$HOME/../\`; quote it.

1 < 2 && 3 > 2, 50 % off, a || b, C:\\Users\\me; e-mail: jane.o'connor@example.org
`

// Why journeys with a page in a text are known to be blocked.
export const tagged = 'a script element in a text is taken for one that runs'

// A post that shows a whole page, script included.
export const tutorial = `# Counting clicks\n\nSave this as \`index.html\`:\n\n\`\`\`html\n${script}\n\`\`\`\n\nThat's it.\n`

export const languages = {
  de: 'Die Prüfung des Gerätes hat länger gedauert; das Ergebnis („gut“) steht im Anhang – Grüße, Jürgen',
  fr: "L'été dernier, j'ai déjà vu l'œuvre d'art : « c'est l'une des plus belles » !",
  ru: 'Съешь же ещё этих мягких французских булок, да выпей чаю; цена — 100 рублей.',
  ar: 'مرحبا بالعالم، هذا نص عربي قصير؛ السعر ١٢٫٥٠',
  ja: '吾輩は猫である。名前はまだ無い。「どこで生れたか」とんと見当がつかぬ。',
  zh: '请在周五之前选择会议时间；如果不行，请联系王女士（电话：010-1234-5678）。',
  tr: 'Iğdır’ın ağaçları şeker gibi; İstanbul’da güneş var.',
  emoji: 'Ship it 🚀👩‍💻 — ¯\\_(ツ)_/¯ <3 :-) 100% ✅',
}

// Files that people upload, made here so that nothing binary is kept.
export const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAGklEQVR42mP8z8Dwn4EIwDiqkL4KGRmIBgB3Wwf5T1RyuwAAAABJRU5ErkJggg==', 'base64')

export const pdf = Buffer.from(`%PDF-1.4
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj
3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >> endobj
4 0 obj << /Length 48 >> stream
BT /F 18 Tf 20 40 Td (It's a "report") Tj ET
endstream endobj
trailer << /Root 1 0 R >>
%%EOF
`)

// zip holds files without compressing them.
export function zip(files) {
  const locals = [], entries = []
  let offset = 0
  for (const [name, content] of Object.entries(files)) {
    const data = Buffer.from(content), path = Buffer.from(name)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0) // version needed
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(path.length, 22)
    const entry = Buffer.alloc(14) // no comment, first disk, no attributes
    entry.writeUInt32LE(offset, 10)
    locals.push(Buffer.from('PK\x03\x04'), common, path, data)
    entries.push(Buffer.from('PK\x01\x02\x14\x00'), common, entry, path)
    offset += 30 + path.length + data.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(Object.keys(files).length, 4)
  end.writeUInt16LE(Object.keys(files).length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
}

function crc32(data) {
  let crc = ~0
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

// random makes bytes that do not compress and are the same each time.
export function random(length, seed = 1) {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    bytes[i] = seed >>> 24
  }
  return bytes
}
