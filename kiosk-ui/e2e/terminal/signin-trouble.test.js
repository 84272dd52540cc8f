// The ways to sign in without a card, and what happens when the reader, central, the
// page or the daemon goes away during a sign-in.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { patience, until } from './harness.js'
import { again, card, fill, history, pin, put, standWithCards, toMethod, toPIN, tries } from './signin.js'
import { me, t } from './stand.js'

standWithCards()

test('FIN and password, then the code from the telephone', async () => {
  await toMethod('az')
  await me.touch('#method-fin_password')
  await me.see('form')
  await fill('5ABC3T7')
  await me.touch('#main')
  await me.page.locator('#key-shift').waitFor()
  await me.stood()
  await me.picture('az-password')
  await typeText('Salam123!')
  await me.touch('#main')
  await until('a code is sent', async () => (await phone()).sms?.length > 0 && (await me.step()) === 'form' && (await me.page.locator('#key-script').count()) === 0)
  const sms = (await phone()).sms[0].text
  const code = /\d{6}/.exec(sms)[0]
  await pin(code)
  await until('signed in', async () => (await me.page.locator('.screen .choice').count()) === 2)
})

/** What the citizen's telephone shows, newest first. */
const phone = async () => (await fetch(`http://${t.central}/demo/v1/phone`)).json()

/** Types on the free-text keyboard of the screen, wherever the key is: shift and signs lead to it. */
async function typeText(text) {
  const keyboard = () => me.page.locator('.keyboard').innerText()
  const key = (k) => me.page.locator('.keyboard .key', { hasText: new RegExp(`^${k.replace(/[!?.*+]/g, '\\$&')}$`) }).first()
  for (const [i, c] of [...text].entries()) {
    for (const turn of ['', '#key-shift', '#key-signs', '#key-shift']) {
      if (turn && (await me.page.locator(turn).count())) {
        const before = await keyboard()
        await me.page.locator(turn).click()
        await until(`${turn} shows other keys`, async () => (await keyboard()) !== before)
      }
      if (await key(c).count()) break
    }
    await key(c).click()
    await until(`${i + 1} dots`, async () => (await me.page.locator('#field .dots > *').count()) === i + 1)
  }
}

test('ASAN İmza: the control code, confirmed on the telephone', async () => {
  await toMethod('az')
  await me.touch('#method-asan_imza')
  await me.see('form')
  await fill('501234567')
  await me.touch('#main')
  await until('the second question', async () => (await me.typed()) === '')
  await fill('12345')
  await me.touch('#main')
  await me.see('phone')
  await me.picture('az-phone')
  const asked = (await phone()).asan[0]
  assert.ok((await me.text()).replace(/\s/g, '').includes(asked.control_code), 'the code of the screen is not the telephone’s')
  await t.bench('phone', { attempt: asked.attempt, answer: 'confirm' })
  await me.see('form')
})

test('the PC/SC daemon dies under a person and comes back', async () => {
  await toPIN('az')
  await t.bench('pcscd', { action: 'kill' })
  await me.see('card_problem')
  await me.picture('az-reader-gone')
  await t.bench('pcscd', { action: 'start' })
  await again('pin')
  await pin()
  await me.see('form')
})

test('central is away: nothing is spent, and it works afterwards', async () => {
  await tries('citizen', 3)
  await toPIN('az')
  await t.bench('network', { mode: 'off' })
  await pin()
  await until('the person is told', async () => ['card_problem', 'notice'].includes(await me.step()), 3 * patience)
  assert.equal((await card('citizen')).tries.pin1, 3)
})

test('reload on every screen of the sign-in gives the same screen', async () => {
  await toMethod('ru')
  for (const [step, go] of [['method', () => undefined], ['card', () => me.touch('#method-esign_card')], ['pin', () => put('citizen')], ['form', () => pin()]]) {
    await go()
    await me.see(step)
    await me.page.reload()
    await me.see(step)
  }
})

test('the daemon is killed while somebody is signed in: signed out, and told so', async () => {
  await toPIN('az')
  await pin()
  await me.see('form')
  const daemon = await t.kill('kioskd')
  await me.page.locator('.cover').waitFor()
  daemon.back()
  await me.page.locator('.cover').waitFor({ state: 'detached' })
  await me.see('method')
  await me.picture('az-restarted')
  await until('central knows', async () => {
    const [last] = await history('5ABC3T7')
    return last?.event === 'signed_out' && last.why === 'restarted'
  })
})
