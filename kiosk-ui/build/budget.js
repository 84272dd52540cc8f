// The budgets of the page: the scripts of the first load, and each language's texts,
// gzipped. The build fails above them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { files } from './asset.js'

const firstLoad = 60 * 1024
const oneLanguage = 15 * 1024

const size = (name) => gzipSync(readFileSync(join('dist', name)), { level: 9 }).length
const html = readFileSync('dist/index.html', 'utf8')
const scripts = files('dist').filter((f) => f.endsWith('.js'))
const first = scripts.filter((f) => html.includes(f))
const language = scripts.filter((f) => /^assets\/(az|en|fr|es|de|it|ar|fa|ru)-/.test(f))

let failed = false
const check = (what, bytes, limit) => {
  const over = bytes > limit
  failed ||= over
  console.log(`${over ? 'OVER  ' : 'ok    '}${what}: ${(bytes / 1024).toFixed(1)} kB of ${limit / 1024} kB`)
}

check('scripts of the first load', first.reduce((sum, f) => sum + size(f), 0), firstLoad)
for (const f of language) check(f, size(f), oneLanguage)
if (first.length === 0 || language.length !== 9) {
  console.error(`the build is not what this script knows: ${first.length} first scripts, ${language.length} languages`)
  failed = true
}
for (const f of files('dist').filter((n) => /\.(html|css|js)$/.test(n))) {
  const text = readFileSync(join('dist', f), 'utf8')
  if (f.endsWith('.html') && /\sstyle=|<style|<script(?![^>]*\ssrc=)/.test(text)) {
    console.error(`${f} holds something inline, which the page's policy forbids`)
    failed = true
  }
}
process.exit(failed ? 1 : 0)
