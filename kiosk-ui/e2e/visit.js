// One payment in cash at a terminal that somebody else has put up, in a real browser,
// from the first touch to the farewell. Started by proof/activation:
//
//   node visit.js ANNOUNCEMENT
//
// ANNOUNCEMENT is where the terminal is found (JSON, the supervisor's names). Two lines
// on standard output say what was seen; anything that is not as it must be is an error.

import assert from 'node:assert/strict'
import { browser } from './stage/stage.js'
import { person, places, qepik, until } from './terminal/harness.js'

const t = places(JSON.parse(process.argv[2]))
const number = '200000001'
const owed = 2540
const notes = [20, 5, 1]
const slip = 'qəbzinizi götürün'

const b = await browser()
try {
  const me = await person(b, t)
  const [slips, cassette] = [await t.slips(), await t.cassette()]
  assert.deepEqual(await t.payments(number), [], 'nobody has paid it before')
  await me.available()
  await me.pay('az', number)
  assert.equal(await me.sum('.main-sum .money'), owed)
  for (const n of notes) await me.insert(n)
  await me.touch('#main')
  await me.see('farewell')
  assert.equal(qepik(await me.title()), owed)
  const reference = await me.reference()
  await until('the slip is offered', async () => (await me.text()).includes(slip))
  const sum = 100 * notes.reduce((a, n) => a + n, 0)
  assert.equal((await t.cassette()) - cassette, sum, 'the notes lie in the cassette')
  assert.equal(await t.slips(), slips + 1, 'one slip')
  const booked = await t.payments(number)
  assert.deepEqual(booked.map((p) => [p.amount.minor + p.commission.minor, p.reference]), [[owed, reference]], 'booked once at central')
  assert.deepEqual(me.noise, [], "the browser's console is empty")
  console.log(`Chromium ${b.version()} at the passed socket: language, service, form, quote, pay, farewell`)
  console.log(`${notes.length} notes of ${sum / 100} AZN in the cassette, one slip, ${owed / 100} AZN booked once at central as ${reference}`)
} finally {
  await b.close()
}
