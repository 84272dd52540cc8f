// What a person sees when something goes wrong in the middle: the daemon dies, the
// line to central breaks, an answer is lost, the mind is changed. Whatever happens,
// cassette, screen, slip and central tell the same story.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { person, until } from './harness.js'
import { b, me, stand, t } from './stand.js'

stand({
  async tidy() {
    await t.bench('network', { mode: 'on' })
    await t.bench('central', { mode: 'normal' })
    await me.leave()
  },
})

/** A link that breaks is told in the console by the browser itself; nothing else may be. */
const brokenLink = /^error: WebSocket connection to 'ws:\/\/127\.0\.0\.1:\d+\/wire' failed/
const quiet = () => assert.deepEqual(me.noise.filter((n) => !brokenLink.test(n)), [])

test('money is in and the mind is changed: a voucher for all of it', async () => {
  const [slips, cassette] = [await t.slips(), await t.cassette()]
  await me.pay('az', '300000002')
  await me.insert(1)
  await me.touch('#cancel')
  await me.page.locator('[role=alertdialog] h1', { hasText: 'Ödəniş dayandırılsın?' }).waitFor()
  await me.picture('az-stop-asked')
  await me.touch('#confirm-no')
  await me.see('pay')
  assert.equal(await me.held(), 100, 'a no changes nothing')
  await me.touch('#cancel')
  await me.touch('#confirm-yes')
  await me.see('farewell')
  const text = await me.text()
  assert.match(text, /1,00\s₼ qalıq qəbzinizə yazıldı/)
  assert.notEqual(await me.reference(), '')
  await until('the voucher is out', async () => (await t.slips()) === slips + 1)
  await me.picture('az-stopped')
  assert.equal(await t.cassette(), cassette + 100)
  assert.deepEqual(await t.payments('300000002'), [])
  assert.deepEqual(me.noise, [])
})

test('a coupon between the notes: given back with its reason, and no money', async () => {
  const cassette = await t.cassette()
  await me.pay('az', '123027172')
  await me.insert(1)
  await until('the coupon is drawn in', async () => {
    await t.bench('validator', { action: 'insert_coupon' })
    return (await t.world()).validator.world.path?.note.kind === 'coupon'
  })
  await until('it is said', async () => (await me.text()).includes('Bu kupondur.'))
  await me.picture('az-coupon')
  assert.equal(await me.held(), 100)
  await until('it is in the hand', async () => (await t.world()).validator.world.hand.some((n) => n.kind === 'coupon'))
  await me.insert(1)
  assert.equal(await me.held(), 200)
  assert.equal(await t.cassette(), cassette + 200)
  assert.deepEqual(me.noise, [])
})

test('the daemon is killed with a note in its way: a cover, then the same screen and the true sum', async () => {
  const cassette = await t.cassette()
  await me.pay('ru', '200000015')
  await me.insert(5)
  await me.push(1)
  const daemon = await t.kill('kioskd')
  await me.page.locator('.cover').waitFor()
  assert.equal(await me.page.locator('.cover h1').textContent(), 'Один момент. Ваши деньги в сохранности.')
  assert.equal(await me.page.locator('.screen').evaluate((e) => e.inert), true)
  await me.picture('ru-cover')
  daemon.back()
  await me.page.locator('.cover').waitFor({ state: 'detached' })
  await me.see('pay')
  assert.equal(await me.page.locator('html').getAttribute('lang'), 'ru')
  assert.ok((await me.held()) >= 500, 'what was counted is still there')
  // The note that was on its way is in the cassette and counted, or in the person's hand and not.
  await until('screen and cassette agree', async () => {
    const { path, waiting } = (await t.world()).validator.world
    const resting = path === undefined && waiting === undefined
    return resting && (await me.held()) === (await t.cassette()) - cassette
  })
  await me.picture('ru-after-cover')
  while ((await me.held()) < 700) await me.insert(1)
  await me.touch('#main')
  await me.see('farewell')
  assert.match(await me.title(), /^Оплачено/)
  const payments = await t.payments('200000015')
  assert.deepEqual(payments.map((p) => p.amount.minor), [700])
  assert.equal(payments[0].reference, await me.reference())
  quiet()
})

test('the daemon is killed while it posts: posted once', async () => {
  await me.pay('ru', '300000001')
  await me.insert(1)
  await me.insert(1)
  await t.bench('central', { mode: 'slow', delay_ms: 1500 })
  await me.touch('#main')
  await me.see('submit')
  const daemon = await t.kill('kioskd')
  await me.page.locator('.cover').waitFor()
  await t.bench('central', { mode: 'normal' })
  daemon.back()
  await me.page.locator('.cover').waitFor({ state: 'detached' })
  await me.see('farewell')
  assert.match(await me.title(), /^Оплачено|принято и отправляется/)
  await until('central has the payment once', async () => (await t.payments('300000001')).length === 1)
  quiet()
})

test('a second page is refused, and the first one goes on', async () => {
  await me.begin('az')
  const other = await person(b, t)
  await other.page.locator('.cover h1', { hasText: 'başqa pəncərədə açıqdır' }).waitFor()
  assert.equal(await other.page.locator('.screen').count(), 0, 'nothing of the visit is shown to it')
  await me.type('123')
  assert.equal(await me.step(), 'form')
  await other.close()
  assert.deepEqual(me.noise, [])
})

test('no line to central before the money: it is told, and nothing is taken', async () => {
  const [slips, cassette] = [await t.slips(), await t.cassette()]
  await me.begin('az')
  await me.type('123027172')
  await t.bench('network', { mode: 'off' })
  await me.touch('#main')
  await me.see('query')
  await me.see('notice', 40_000) // it is asked again and again, for the catalogue's 20 seconds
  const text = await me.text()
  assert.ok(text.includes('Sizdən pul alınmayıb'), text)
  await me.picture('az-no-line')
  await me.touch('#main')
  await me.see('out_of_service') // its one service needs central
  await me.picture('az-out-of-service')
  assert.equal((await t.bench('notes', { denomination: 5 })).taken, false, 'the slot is shut')
  await t.bench('network', { mode: 'on' })
  await me.available()
  assert.equal(await t.cassette(), cassette)
  assert.equal(await t.slips(), slips)
  assert.deepEqual(me.noise, [])
})

test('the answer to the payment is lost: posted or pending, and never twice', async () => {
  const slips = await t.slips()
  await me.pay('ar', '300000005')
  for (const n of [20, 5]) await me.insert(n)
  await t.bench('central', { mode: 'drop_answer' })
  await me.touch('#main')
  await me.see('submit')
  await until('central has worked', async () => (await t.payments('300000005')).length > 0)
  await t.bench('central', { mode: 'normal' })
  await me.see('farewell')
  const title = (await me.title()).replace(/[\u2066-\u2069]/g, '')
  assert.match(title, /^تم الدفع|وهو قيد الإرسال$/)
  await until('the slip is out', async () => (await t.slips()) === slips + 1)
  await me.picture('ar-answer-lost')
  const payments = await t.payments('300000005')
  assert.deepEqual(payments.map((p) => p.amount.minor), [2342])
  assert.deepEqual(me.noise, [])
})

test('the paper ends in the middle of the slip: with a new roll, the same slip as a copy', async () => {
  await me.pay('az', '300000003')
  for (const n of [5, 1, 1]) await me.insert(n)
  await t.bench('printer', { action: 'paper_end', rows: 500 })
  await me.touch('#main')
  await me.see('farewell')
  const reference = await me.reference()
  assert.ok((await me.text()).includes('Qəbz natamam ola bilər.'))
  assert.equal(await me.page.locator('#beside').count(), 0, 'nothing can be printed without paper')
  await t.bench('printer', { action: 'load_roll' })
  await me.touch('#beside')
  await me.picture('az-copy-printing')
  await until('the copy is offered', async () => (await me.text()).includes('qəbzinizi götürün'))
  assert.equal(await me.reference(), reference)
  await me.picture('az-copy')
  const queued = (await t.records()).filter((r) => r.kind === 'slip.queued').slice(-2).map((r) => r.body)
  assert.equal(queued[1].number, queued[0].number)
  assert.deepEqual(queued.map((q) => [q.copy ?? 0, q.why ?? '']), [[0, ''], [1, 'customer']])
  assert.notEqual(queued[1].picture, queued[0].picture)
  const slips = (await t.world()).strips
  assert.ok(slips[0].end === 'cut' && slips[0].height > 1000, `a whole slip, not ${JSON.stringify(slips[0])}`)
  assert.equal((await t.payments('300000003')).length, 1, 'paid once')
  assert.equal(await me.page.locator('#beside').innerText(), 'Nüsxə çap et')
  assert.deepEqual(me.noise, [])
})
