// Writes the hash of the built page into its index.html, so that a running page can
// tell that the daemon has another one. embed.go computes the same hash.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const place = /<meta name="asset" content="[0-9a-f]*">/

/** Every file below a folder, as slash paths in byte order. Dot files are not part of the page. */
export function files(folder, below = '') {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .filter((e) => !e.name.startsWith('.'))
    .flatMap((e) => (e.isDirectory() ? files(folder, `${below}${e.name}/`) : [below + e.name]))
    .sort((a, b) => (Buffer.compare(Buffer.from(a), Buffer.from(b))))
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex')

/** One line for each file: its path and its hash; the hash of these lines is the page's. */
export function hashOf(folder) {
  const lines = files(folder).map((name) => {
    let data = readFileSync(join(folder, name))
    if (name === 'index.html') data = data.toString('utf8').replace(place, '<meta name="asset" content="">')
    return `${name} ${sha256(data)}\n`
  })
  return sha256(lines.join(''))
}

export function assetHash(folder) {
  const index = join(folder, 'index.html')
  if (!statSync(index, { throwIfNoEntry: false })) return
  const html = readFileSync(index, 'utf8')
  if (!place.test(html)) throw new Error('index.html has no place for the asset hash')
  writeFileSync(index, html.replace(place, `<meta name="asset" content="${hashOf(folder)}">`))
}
