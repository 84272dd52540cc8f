// Signing in with the e-signature card, as a person sees it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from './harness.js'
import { card, history, out, pin, put, standWithCards, toMethod, toPIN, tries, trouble } from './signin.js'
import { me, t } from './stand.js'

standWithCards()

for (const [lang, name, words] of [
  ['az', 'citizen', { menu: /Nəyi görmək istəyirsiniz/, list: /Ödənişlərim/, out: /Kart/ }],
  ['ar', 'citizen', { menu: /ماذا تريد أن ترى/, list: /مدفوعاتي/, out: /./ }],
  ['ru', 'citizen-p256', { menu: /Что Вы хотите посмотреть/, list: /Мои платежи/, out: /./ }],
]) {
  test(`signed in with ${name} in ${lang}: payments, who asked for my data, card out`, async () => {
    await toMethod(lang)
    await me.picture(`${lang}-method`)
    await me.touch('#method-esign_card')
    await me.see('card')
    await me.picture(`${lang}-card`)
    await put(name)
    await me.see('pin')
    await me.picture(`${lang}-pin`)
    await pin()
    await me.see('form')
    assert.match(await me.title(), words.menu)
    await me.picture(`${lang}-menu`)
    await me.touch('.screen .choice >> nth=0')
    await me.touch('#main')
    await me.see('list')
    assert.match(await me.title(), words.list)
    await me.picture(`${lang}-payments`)
    await me.touch('#main')
    await me.see('form')
    await me.touch('.screen .choice >> nth=1')
    await me.touch('#main')
    await me.see('list')
    await me.picture(`${lang}-access`)
    const fin = name === 'citizen' ? '5ABC3T7' : undefined
    await t.bench('card', { action: 'remove', card: name })
    await me.see('farewell')
    await me.picture(`${lang}-card-out`)
    assert.equal(await me.page.locator('.screen').evaluate((e) => e.textContent.includes('NÜMUNƏ')), false, 'the person is still shown')
    if (fin) {
      await until('central has the whole sign-in', async () => {
        const [end, ...before] = (await history(fin)).slice(0, 4)
        return end?.event === 'signed_out' && end.why === 'card_removed' && before.map((e) => e.event).join() === 'used,used,signed_in'
      })
    }
    assert.equal((await card(name)).tries.pin1, 3)
    assert.deepEqual(me.noise, [])
  })
}

test('two certificates: the person chooses', async () => {
  await toMethod('az')
  await me.touch('#method-esign_card')
  await put('two-logins')
  await me.see('certificate')
  await me.picture('az-certificate')
  await me.touch('.screen .choice >> nth=0')
  await me.see('pin')
  await pin()
  await me.see('form')
})

test('a token of the bank’s centre, and the same token by the wrong way', async () => {
  await toPIN('az', 'bsxm-token', 'bsxm')
  await pin()
  await me.see('form')
  await me.leave()
  await out()
  await toPIN('az', 'bsxm-token', 'esign_card')
  await pin()
  await me.see('card_problem')
})

test('a wrong PIN costs a try, the last one asks for a yes, and after it the card is blocked', async () => {
  await tries('citizen', 3)
  await toPIN('ru')
  await pin('9999')
  // Until the card has answered, the screen of the first try stands there.
  await me.page.locator('#tries[role=alert]').waitFor()
  assert.match(await me.page.locator('#tries').innerText(), /2/)
  await me.picture('ru-pin-wrong')
  await pin('9999')
  await me.see('pin_last')
  await me.picture('ru-pin-last')
  assert.equal((await card('citizen')).tries.pin1, 1)
  await me.touch('#last-yes')
  await me.see('pin')
  await pin('9999')
  await me.see('card_problem')
  await me.picture('ru-pin-blocked')
  assert.equal((await card('citizen')).tries.pin1, 0)
  await tries('citizen', 3)
})

test('the last try is left alone when the person says no', async () => {
  await tries('citizen', 1)
  await toMethod('az')
  await me.touch('#method-esign_card')
  await put('citizen')
  await me.see('pin_last')
  await me.touch('#main')
  await me.see('method')
  assert.equal((await card('citizen')).tries.pin1, 1)
  await tries('citizen', 3)
})

test('the card is taken out while the PIN is typed, and another person puts theirs in', async () => {
  await tries('citizen', 3)
  await toPIN('az')
  await me.page.locator('.keyboard .key', { hasText: /^1$/ }).click()
  await t.bench('card', { action: 'remove', card: 'citizen' })
  await trouble(/./)
  await me.picture('az-removed')
  await put('citizen-p256')
  await me.touch('#main')
  await me.see('pin')
  assert.equal(await me.page.locator('#field .dots > *').count(), 0, 'the digits of the other person stay')
  await pin()
  await me.see('form')
})

test('the card is swapped while the PIN is typed', async () => {
  await toPIN('az')
  await t.bench('card', { action: 'swap', card: 'citizen-p256', reader: 'slot' })
  await trouble(/./)
})
