// Cards that cannot be used, or not in this way: each is told, and none costs anything.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from './harness.js'
import { again, card, fault, pin, put, standWithCards, toMethod, toPIN, tries, trouble } from './signin.js'
import { me, t } from './stand.js'

standWithCards()

// proof/signin does the same without a screen, and faster.
if (process.env.KIOSK_ALL) test('the card is pulled at every command of a sign-in: the person is told each time, and the next try works', async () => {
  await tries('citizen', 3)
  await toMethod('ru')
  await me.touch('#method-esign_card')
  let pulls = 0
  for (let n = 1; ; n++) {
    await me.see('card')
    await t.bench('card', { action: 'clear_faults', card: 'citizen' })
    await fault('citizen', { kind: 'drop', at: n })
    await put('citizen')
    await until('the card is read or missed', async () => ['pin', 'card_problem'].includes(await me.step()))
    if ((await me.step()) === 'pin') {
      await pin()
      await until('the sign-in ends', async () => ['form', 'card_problem'].includes(await me.step()))
    }
    if ((await me.step()) === 'form') break
    await trouble(/Карту вынули/)
    assert.equal((await card('citizen')).verified, false, `pulled at command ${n}, a PIN stays verified`)
    pulls++
    await me.touch('#main')
  }
  assert.ok(pulls > 15, `pulled at only ${pulls} commands`)
  assert.equal((await card('citizen')).tries.pin1, 3)
})

for (const [name, what] of [
  ['expired', 'cert_expired'], ['blocked', 'pin_blocked'], ['not-activated', 'pin_not_set'], ['national-id', 'unsupported'], ['mute', 'unreadable'],
]) {
  test(`a card that cannot be used: ${name}`, async () => {
    await toMethod('ru')
    await me.touch('#method-esign_card')
    await put(name)
    await me.see('card_problem')
    await me.picture(`ru-card-${what}`)
    assert.notEqual(await me.title(), '')
  })
}

for (const name of ['revoked', 'suspended', 'unknown-issuer']) {
  test(`a card that central refuses: ${name}`, async () => {
    await toPIN('az', name)
    await pin()
    await me.see('card_problem')
    await me.picture(`az-card-${name}`)
  })
}

test('a card put in upside down, then the right way round', async () => {
  await toMethod('az')
  await me.touch('#method-esign_card')
  await me.see('card')
  await put('citizen', { upside_down: true })
  await me.see('card_problem')
  await t.bench('card', { action: 'remove', card: 'citizen' })
  await me.page.waitForTimeout(1000) // the reader sees within half a second that it is empty; a person turns a card no faster
  await again('card')
  await put('citizen')
  await again('pin')
})
