// Signing in with the e-signature card, as a person sees it: real page, real daemon,
// real PC/SC daemon, central's real checks. The bench holds the cards; it is asked
// afterwards what the card has seen.

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { browser } from '../stage/stage.js'
import { patience, person, terminal, until } from './harness.js'

let t, b, me
before(async () => {
  ;[t, b] = await Promise.all([terminal(), browser()])
  me = await person(b, t)
})
afterEach(async () => {
  await t.bench('central', { mode: 'normal' })
  await t.bench('pcscd', { action: 'start' }).catch(() => undefined)
  await out()
  await me.leave()
  // Whatever happened, no PIN stays open on any card.
  for (const c of (await t.world()).cards) assert.equal(c.verified, false, `a PIN stays verified on ${c.name}`)
  me.noise.length = 0
})
after(async () => {
  await b?.close()
  await t?.stop()
})

const card = async (name) => (await t.world()).cards.find((c) => c.name === name)
const put = (name, more) => t.bench('card', { action: 'insert', card: name, ...more })
const fault = (name, more) => t.bench('card', { action: 'fault', card: name, ...more })
const tries = (name, pin1) => t.bench('card', { action: 'tries', card: name, pin1 })
async function out() {
  for (const reader of ['slot', 'token']) await t.bench('card', { action: 'remove', reader }).catch(() => undefined)
}
/** The citizen's operation history at central, newest first. */
const history = async (fin) => (await (await fetch(`http://${t.central}/demo/v1/history?fin=${fin}`)).json()).entries

/** Comes to the question how to sign in. */
async function toMethod(lang) {
  await me.available()
  await until('the reader is there', async () => (await t.world()).pcscd.running)
  await me.touch('#main')
  await me.see('language')
  await me.touch(`.screen #lang-${lang}`)
  await me.see('services')
  await me.touch('.screen .service >> nth=1')
  await me.see('method')
  await until('the card can be chosen', async () => me.page.locator('#method-esign_card').isEnabled())
}

/** Comes to the PIN of a card that is put in. */
async function toPIN(lang, name = 'citizen', method = 'esign_card') {
  await toMethod(lang)
  await me.touch(`#method-${method}`)
  await me.see('card')
  await put(name)
  await me.see('pin')
}

async function pin(digits = '1234') {
  await me.page.locator('.keyboard').waitFor()
  await me.page.waitForTimeout(320)
  for (const [i, d] of [...digits].entries()) {
    await me.page.locator('.keyboard .key', { hasText: new RegExp(`^${d}$`) }).click()
    await until(`${i + 1} dots`, async () => (await me.page.locator('#field .dots > *').count()) === i + 1)
  }
  await me.touch('#main')
}

/** Types on the screen's keys into a field that shows what was typed. */
async function fill(text) {
  await me.page.locator('.keyboard').waitFor()
  await me.page.waitForTimeout(320)
  const shown = async () => (await me.page.locator('#field').textContent()).replace(/[\s\u00a0]/g, '')
  for (const [i, k] of [...text].entries()) {
    await me.page.locator('.keyboard .key', { hasText: new RegExp(`^${k}$`) }).first().click()
    await until(`the field shows ${text.slice(0, i + 1)}`, async () => (await shown()).endsWith(text.slice(0, i + 1)))
  }
}

/** Waits for the screen that says why a card cannot be used. */
async function trouble(title) {
  await me.see('card_problem')
  assert.match(await me.title(), title)
}

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

test('a wrong PIN costs a try, the last one asks for a yes, and after it the card is blocked', async () => {
  await tries('citizen', 3)
  await toPIN('ru')
  await pin('9999')
  await me.see('pin')
  assert.match(await me.text(), /2/)
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

test('the card is pulled at every command of a sign-in: the person is told each time, and the next try works', async () => {
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
  await me.touch('#main')
  await me.see('card')
  await put('citizen')
  await me.see('pin')
})

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

test('FIN and password, then the code from the telephone', async () => {
  await toMethod('az')
  await me.touch('#method-fin_password')
  await me.see('form')
  await fill('5ABC3T7')
  await me.touch('#main')
  await me.page.locator('#key-shift').waitFor()
  await me.page.waitForTimeout(320)
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
  const key = (k) => me.page.locator('.keyboard .key', { hasText: new RegExp(`^${k.replace(/[!?.*+]/g, '\\$&')}$`) }).first()
  for (const [i, c] of [...text].entries()) {
    for (const turn of ['', '#key-shift', '#key-signs', '#key-shift']) {
      if (turn && (await me.page.locator(turn).count())) await me.page.locator(turn).click()
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
  await until('the reader is back', async () => {
    if ((await me.step()) === 'pin') return true
    await me.page.locator('#main').click({ timeout: 1000 }).catch(() => undefined)
    return false
  })
  await pin()
  await me.see('form')
})

test('central is away: nothing is spent, and it works afterwards', async () => {
  await tries('citizen', 3)
  await toPIN('az')
  await t.bench('network', { mode: 'off' })
  await pin()
  await until('the person is told', async () => ['card_problem', 'notice'].includes(await me.step()), 3 * patience)
  await t.bench('network', { mode: 'on' })
  assert.equal((await card('citizen')).tries.pin1, 3)
})

test('reload on every screen of the sign-in gives the same screen', async () => {
  await toMethod('ru')
  for (const go of [() => undefined, () => me.touch('#method-esign_card'), () => put('citizen'), () => pin()]) {
    await go()
    await me.page.waitForTimeout(600)
    await until('rest', async () => (await me.step()) !== 'query')
    const step = await me.step()
    await me.page.goto(t.screen_url)
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
