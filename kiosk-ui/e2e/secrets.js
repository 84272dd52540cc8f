// Looks for a PIN where it must not be. A person types a marker PIN (first a wrong
// one, then the right one of the card) and a marker password on the real screen,
// signs in and leaves; then the markers are searched for in everything that the
// terminal keeps, in its logs at the most verbose level, in the page, and in the
// daemon's memory, byte by byte. The search is tried on what must be found first:
// a search that finds nothing anywhere proves nothing.
//
//   node e2e/secrets.js [BIN]       (as root: the daemon's memory is closed to others)
//
// The last line says how many places were searched and how many hits there were; it
// ends with 1 when there is one.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { browser } from './stage/stage.js'
import { person, terminal, until } from './terminal/harness.js'

const right = '7391468205'
const wrong = '6602937715'
const password = 'Kaxq7Wmv2'
const markers = [right, wrong, password]

const t = await terminal(process.argv[2], ['--log-level', 'debug', '--card-pin', right])
const b = await browser()
let hits = 0
let places = 0
const found = (where, marker) => {
  hits++
  console.log(`HIT: a marker of ${marker.length} characters in ${where}`)
}

/** How often any of the needles stands in a piece, as ASCII or in two bytes a character. */
function search(where, bytes, needles = markers) {
  places++
  let n = 0
  for (const m of needles) {
    for (const form of [Buffer.from(m, 'latin1'), Buffer.from(m, 'utf16le')]) {
      if (bytes.includes(form)) {
        n++
        if (needles === markers) found(where, m)
      }
    }
  }
  return n
}

/** Reads every part of a process's memory that can be read. */
function* memory(pid) {
  const mem = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const m = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \d+\s*(.*)$/.exec(line)
      if (!m || m[3] === '[vvar]' || m[3] === '[vsyscall]') continue
      const [from, to] = [BigInt(`0x${m[1]}`), BigInt(`0x${m[2]}`)]
      const piece = 16n << 20n
      for (let at = from; at < to; at += piece) {
        // A piece overlaps the next, so that no marker is cut in two.
        const size = Number((at + piece + 64n < to ? at + piece + 64n : to) - at)
        const buf = Buffer.alloc(size)
        let n = 0
        try {
          n = readSync(mem, buf, 0, size, at)
        } catch {
          continue // a page that was reserved and never used
        }
        yield buf.subarray(0, n)
      }
    }
  } finally {
    closeSync(mem)
  }
}

function count(pid, where, needles) {
  let n = 0
  for (const piece of memory(pid)) n += search(where, piece, needles)
  return n
}

async function* files(dir) {
  for (const e of await readdir(dir, { withFileTypes: true })) {
    const at = join(dir, e.name)
    if (e.isDirectory()) yield* files(at)
    else if (e.isFile()) yield at
  }
}

/** Everything the page's engine holds, as text. */
async function heap(page) {
  const cdp = await page.context().newCDPSession(page)
  const parts = []
  cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => parts.push(chunk))
  await cdp.send('HeapProfiler.collectGarbage')
  await cdp.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false })
  await cdp.detach()
  return Buffer.from(parts.join(''), 'latin1')
}

let failed = ''
try {
  const me = await person(b, t)
  const keys = async (text, dots) => {
    await me.page.locator('.keyboard').waitFor()
    await me.page.waitForTimeout(320)
    for (const [i, c] of [...text].entries()) {
      const key = me.page.locator('.keyboard .key', { hasText: new RegExp(`^${c}$`) }).first()
      for (const turn of ['', '#key-shift', '#key-signs', '#key-shift']) {
        if (turn && (await me.page.locator(turn).count())) await me.page.locator(turn).click()
        if (await key.count()) break
      }
      await key.click()
      if (dots) await until('a dot', async () => (await me.page.locator('#field .dots > *').count()) === i + 1)
    }
    await me.touch('#main')
  }
  const toMethod = async () => {
    await me.available()
    await me.touch('#main')
    await me.see('language')
    await me.touch('.screen #lang-en')
    await me.see('services')
    await me.touch('.screen .service >> nth=1')
    await me.see('method')
    await until('the card can be chosen', async () => me.page.locator('#method-esign_card').isEnabled())
  }

  // A password that is refused.
  await toMethod()
  await me.touch('#method-fin_password')
  await me.see('form')
  await keys('5ABC3T7', false)
  await me.page.locator('#key-shift').waitFor()
  await keys(password, true)
  await until('the password is refused', async () => (await me.page.locator('#problem').count()) === 1)
  await me.leave()

  // A wrong PIN, the right one, a look at the payments, the card out.
  await toMethod()
  await me.touch('#method-esign_card')
  await me.see('card')
  await t.bench('card', { action: 'insert', card: 'citizen' })
  await me.see('pin')
  await keys(wrong, true)
  await until('the PIN is refused', async () => (await me.page.locator('#field .dots > *').count()) === 0 && (await me.step()) === 'pin')
  await keys(right, true)
  await me.see('form')
  await me.touch('.screen .choice >> nth=0')
  await me.touch('#main')
  await me.see('list')
  await t.bench('card', { action: 'remove', card: 'citizen' })
  await me.see('farewell')
  await me.leave()

  // Does the search find what is there? The bench holds the card and so its PIN; the
  // daemon its own number; the page too.
  const daemon = await t.pid('kioskd')
  if (count(await t.pid('bench'), 'the bench', [right]) === 0) throw new Error('the search does not find the PIN in the card that has it')
  if (count(daemon, 'the daemon', ['DEMO-0001']) === 0) throw new Error("the search does not find the terminal's number in the daemon")
  const page = await heap(me.page)
  if (search('the page', page, ['DEMO-0001']) === 0) throw new Error("the search does not find the terminal's number in the page")
  places = 0

  count(daemon, "the daemon's memory", markers)
  const inMemory = places
  search("the page's heap", page)
  search('the document', Buffer.from(await me.page.content(), 'utf8'))
  search("the page's stores", Buffer.from(await me.page.evaluate(async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.length,
    location.href, (await indexedDB.databases?.()) ?? []])), 'utf8'))
  const kept = { log: 0, state: 0 }
  for await (const f of files(t.dir)) {
    const name = relative(t.dir, f)
    // The bench is the card: what it keeps of it is not the terminal's.
    if (name.startsWith('wallet/') || name === 'bench.json') continue
    search(name, await readFile(f))
    for (const k of Object.keys(kept)) if (name.startsWith(`${k}/`)) kept[k]++
  }
  if (kept.log === 0 || kept.state === 0) throw new Error(`logs or journal were not searched: ${JSON.stringify(kept)}`)
  const log = await readFile(join(t.dir, 'log/kioskd.log'), 'utf8')
  if (!log.includes('level=DEBUG') && !log.includes('level=INFO')) throw new Error('the log is not the daemon’s')
  console.log(`searched: ${inMemory} pieces of the daemon's memory, the page, ${places - inMemory - 3} files (${kept.log} logs at level debug, ${kept.state} of the journal)`)
} catch (e) {
  failed = e.message
} finally {
  await b.close()
  await t.stop()
}
if (failed) console.log(`test-secrets: could not be searched: ${failed}`)
else console.log(`test-secrets: ${hits === 0 ? 'passed' : 'FAILED'}, ${places} places, ${hits} hits`)
process.exit(failed || hits > 0 ? 1 : 0)
