// Measures from the last byte of a banknote's 81h (stacked) on the wire to the frame
// in which the person sees the new sum. Started by proof/benchnote:
//
//   node bench-note.js ANNOUNCEMENT NOTES
//
// ANNOUNCEMENT is the supervisor's line (JSON). The first clock is the bench's, read
// after the write of the frame; the second is the page's, read in the second frame
// after the sum is in the document: the first frame draws it, and when the second one
// begins the first is done. Both are this machine's clock; the page's is corrected by
// what it differs from Date. One JSON object on standard output:
// {"us": [microseconds, one a note], "skew_us": [correction, one a payment], "repeats": n}.

import { browser } from './stage/stage.js'
import { person, places } from './terminal/harness.js'

const at = JSON.parse(process.argv[2])
const t = places(at)
const notes = Number(process.argv[3])
const perPayment = 40 // the catalogue takes so many notes for a payment

/** Faster than any real unit, so that many notes fit into two minutes; nothing that is measured changes. */
const quick = { accept_ms: 40, stack_ms: 40, point_of_no_return_ms: 20, return_ms: 40, take_ms: 40 }

/**
 * The first 81h of each note, in the order of their happening. A unit says it again
 * until it hears the acknowledgement; the person waits from the first time.
 */
async function listen(url) {
  const events = []
  const waiting = []
  let open = false // told, not acknowledged yet
  let repeats = 0
  const stop = new AbortController()
  const r = await fetch(url, { signal: stop.signal })
  ;(async () => {
    let text = ''
    const decoder = new TextDecoder()
    for await (const piece of r.body) {
      text += decoder.decode(piece, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop()
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1]
        const e = data && JSON.parse(data)
        if (e?.kind === 'acked' && e.code === '81') open = false
        if (e?.kind !== 'stacked_sent') continue
        if (open) repeats++
        else (waiting.shift() ?? ((x) => events.push(x)))(e)
        open = true
      }
    }
  })().catch(() => undefined) // ended by close
  return {
    next: () => (events.length ? Promise.resolve(events.shift()) : new Promise((r) => waiting.push(r))),
    left: () => events.length,
    repeats: () => repeats,
    close: () => stop.abort(),
  }
}

/** In the page: seen() tells when the next new sum was shown, in milliseconds since 1970. */
function watch() {
  const sum = () => document.querySelector('.two-sums .money')?.textContent
  let last = sum()
  let tell
  new MutationObserver(() => {
    const now = sum()
    if (now === undefined || now === last) return
    last = now
    const f = tell
    requestAnimationFrame(() => requestAnimationFrame(() => f?.(performance.timeOrigin + performance.now())))
  }).observe(document.getElementById('root'), { subtree: true, childList: true, characterData: true })
  globalThis.seen = () => new Promise((r) => (tell = r))
}

/** In the page: Date minus the page's own clock, in milliseconds, taken where Date's millisecond begins. */
function skew() {
  const all = []
  for (let i = 0; i < 20; i++) {
    const before = Date.now()
    let now
    while ((now = Date.now()) === before);
    all.push(now - (performance.timeOrigin + performance.now()))
  }
  return all.sort((a, b) => a - b)[all.length - 1] // the one that was delayed least
}

const us = []
const skews = []
// As on the panel: 60 frames a second.
const b = await browser({ args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-features=Translate', '--mute-audio'] })
const events = await listen(`http://${at.bench}/api/events`)
try {
  await t.bench('validator', { action: 'set_timing', ...quick })
  const me = await person(b, t)
  for (let payment = 0; us.length < notes; payment++) {
    const n = Math.min(perPayment, notes - us.length)
    const number = String(400000000 + payment)
    await t.order({ notification_number: number, order_id: `BENCH-${number}`, state: 'open', amount: { minor: 100 * n, currency: 'AZN' }, payee: 'Nümunə', purpose: 'Ölçmə' })
    await me.pay('az', number)
    await me.page.evaluate(watch)
    const s = await me.page.evaluate(skew)
    skews.push(Math.round(1000 * s))
    for (let i = 0; i < n; i++) {
      const seen = me.page.evaluate(() => globalThis.seen())
      const sent = events.next()
      await me.push(1)
      const [shown, e] = await Promise.all([seen, sent])
      us.push(Math.round(1000 * (shown + s)) - e.us)
    }
    if (events.left() > 0) throw new Error('the wire told of a note that was not put in')
    await me.touch('#main')
    await me.see('farewell')
    await me.touch('#main')
  }
  if (me.noise.length) throw new Error(`the page's console is not empty: ${me.noise.join('; ')}`)
} finally {
  events.close()
  await b.close()
}
console.log(JSON.stringify({ us, skew_us: skews, repeats: events.repeats() }))
