// A payment from the first touch to the slip, in three languages, on a whole terminal.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { qepik, until } from './harness.js'
import { me, stand, t } from './stand.js'

stand({ tidy: () => me.leave() })

const languages = [
  { lang: 'az', dir: 'ltr', number: '200000001', owed: 2540, notes: [20, 5, 1], paid: /^Ödənildi/, slip: 'qəbzinizi götürün' },
  { lang: 'ar', dir: 'rtl', number: '300000003', owed: 698, notes: [5, 1, 1], paid: /^تم الدفع/, slip: 'أخذ إيصالك' },
  { lang: 'ru', dir: 'ltr', number: '300000004', owed: 1383, notes: [10, 1, 1, 1, 1], paid: /^Оплачено/, slip: 'возьмите квитанцию' },
]

for (const { lang, dir, number, owed, notes, paid, slip } of languages) {
  test(`a payment in ${lang}: number, sum, notes, slip, reference`, async () => {
    const [slips, cassette] = [await t.slips(), await t.cassette()]
    await me.available()
    await me.picture(`${lang}-1-attract`)
    await me.begin(lang)
    assert.deepEqual(await me.page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [lang, dir])
    await me.type(number)
    await me.picture(`${lang}-2-form`)
    await me.touch('#main')
    await me.see('quote')
    assert.equal(await me.sum('.total .money'), owed)
    await me.picture(`${lang}-3-quote`)
    await me.touch('#main')
    await me.see('pay')
    assert.equal(await me.sum('.main-sum .money'), owed)
    let sum = 0
    for (const n of notes) {
      assert.equal(await me.page.locator('#main').count(), 0, 'nothing to finish before it is enough')
      await me.insert(n)
      sum += 100 * n
      if (sum < owed) assert.equal(await me.sum('.main-sum .money'), owed - sum)
      if (n === notes[0]) await me.picture(`${lang}-4-pay`)
    }
    assert.equal(await t.cassette(), cassette + sum)
    await me.picture(`${lang}-5-enough`)
    await me.touch('#main')
    await me.see('farewell')
    const title = await me.title()
    assert.match(title.replace(/[\u2066-\u2069]/g, ''), paid)
    assert.equal(qepik(title), owed)
    const reference = await me.reference()
    assert.match(reference, /^[0-9A-Z][0-9A-Z-]{5,}$/)
    assert.equal(await me.page.locator('.qr').count(), 1)
    await until('the slip is offered', async () => (await me.text()).includes(slip))
    await me.picture(`${lang}-6-farewell`)
    assert.equal(await t.slips(), slips + 1, 'one slip')
    const payments = await t.payments(number)
    assert.deepEqual(payments.map((p) => [p.amount.minor + p.commission.minor, p.reference]), [[owed, reference]])
    // What was too much is on a voucher, and is said.
    if (sum > owed) assert.equal(await me.sum('.message.care .money, .message.care p'), sum - owed)
    await me.touch('#main')
    await me.available()
    assert.doesNotMatch(await me.page.evaluate(() => document.body.innerText), new RegExp(`${number}|${reference}`), 'nothing of the last person is left')
    assert.deepEqual(me.noise, [])
  })
}

const answers = [
  { what: 'an unknown number', number: '999999999', words: '999999999 nömrəli bildiriş yoxdur' },
  { what: 'a number that is paid', number: '123027199', words: '123027199 nömrəli bildiriş əvvəllər ödənilib' },
  { what: 'a cancelled order', number: '123027202', words: '123027202 nömrəli bildiriş üzrə sifariş ləğv edilib' },
]

for (const { what, number, words } of answers) {
  test(`${what} is told before any money`, async () => {
    const [slips, cassette] = [await t.slips(), await t.cassette()]
    await me.begin('az')
    await me.type(number)
    await me.touch('#main')
    await me.see('notice')
    const text = await me.text()
    assert.ok(text.includes('Sizdən pul alınmayıb'), text)
    assert.ok(text.includes(words), text)
    await me.picture(`az-notice-${number}`)
    assert.equal(await t.slips(), slips)
    assert.equal(await t.cassette(), cassette)
    await me.touch('#main')
    await me.see('attract')
    assert.deepEqual(me.noise, [])
  })
}

test('a reload at any step shows the same screen', async () => {
  const again = async (step) => {
    await me.see(step)
    let before
    await until(`${step} rests`, async () => {
      before = await me.text()
      await me.page.waitForTimeout(400) // a note's last movements are shown one after another
      return (await me.text()) === before
    })
    await me.page.reload()
    await me.see(step)
    await until(`${step} is the same after a reload`, async () => (await me.text()) === before)
  }
  await me.available()
  await again('attract')
  await me.touch('#main')
  await again('language')
  await me.touch('.screen #lang-ru')
  await again('services')
  await me.touch('.screen .service >> nth=0')
  await me.see('form')
  await me.type('12302')
  await again('form')
  await me.type('7180', '123027180')
  await me.touch('#main')
  await again('quote')
  await me.touch('#main')
  await me.see('pay')
  await me.insert(20)
  await again('pay')
  assert.equal(await me.held(), 2000)
  await me.insert(10)
  await me.insert(1)
  await again('pay')
  await me.touch('#main')
  await me.see('farewell')
  await until('the slip is out', async () => (await me.text()).includes('возьмите квитанцию'))
  await again('farewell')
  assert.equal((await t.payments('123027180')).length, 1)
  assert.deepEqual(me.noise, [])
})
