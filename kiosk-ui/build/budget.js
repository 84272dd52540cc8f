// The budgets of the page: the scripts of the first load, each language's texts, and
// service mode with its own texts, gzipped. The build fails above them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { files } from './asset.js'

const firstLoad = 60 * 1024
const oneLanguage = 15 * 1024
const serviceMode = 20 * 1024

const size = (name) => gzipSync(readFileSync(join('dist', name)), { level: 9 }).length
const html = readFileSync('dist/index.html', 'utf8')
const scripts = files('dist').filter((f) => f.endsWith('.js'))
const first = scripts.filter((f) => html.includes(f))
const language = scripts.filter((f) => /^assets\/(az|en|fr|es|de|it|ar|fa|ru)-/.test(f))
// Its screens and its three languages: no customer's page may need them.
const service = scripts.filter((f) => /^assets\/(service|texts-(az|ru|en))-/.test(f))

let failed = false
const check = (what, bytes, limit) => {
  const over = bytes > limit
  failed ||= over
  console.log(`${over ? 'OVER  ' : 'ok    '}${what}: ${(bytes / 1024).toFixed(1)} kB of ${limit / 1024} kB`)
}

check('scripts of the first load', first.reduce((sum, f) => sum + size(f), 0), firstLoad)
for (const f of language) check(f, size(f), oneLanguage)
check('service mode', service.reduce((sum, f) => sum + size(f), 0), serviceMode)
if (first.length === 0 || language.length !== 9 || service.length !== 4 || service.some((f) => html.includes(f))) {
  console.error(`the build is not what this script knows: ${first.length} first scripts, ${language.length} languages, ${service.length} of service mode`)
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
