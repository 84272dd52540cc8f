// How the screens of a sign-in behave: what each touch asks of the daemon, which way
// is the safe one, and what is said where.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture, plain } from './fixture.js'
import { identify, person, pin } from './signin.js'
import { at, azn, langs, main, outcome } from './states.js'
import { draw, guardOver, open } from './stage.js'

const { st, b } = await fixture()

test('a way to sign in and a certificate are chosen; what cannot be used says why and does nothing', async () => {
  const { page, ctx } = await open(b, st)
  const methods = [{ method: 'asan_imza', available: true }, { method: 'esign_card', available: false, why: 'no_reader' }]
  await draw(st, page, at('method', 'en', { identify: identify('en', { methods }), can_back: true, cancel: 'leave' }))
  await guardOver(page)
  let from = st.heard()
  await page.locator('#method-esign_card').click({ force: true })
  assert.match(await page.locator('#method-esign_card').innerText(), /card reader does not work/)
  await page.locator('#method-asan_imza').click()
  assert.equal((await st.command('Visit.Method', from)).method, 'asan_imza')
  assert.equal((await st.since(from, page)).filter((c) => c.name === 'Visit.Method').length, 1)

  await draw(st, page, main('en').certificate)
  await guardOver(page)
  from = st.heard()
  const expired = page.locator('.certificate .choice').nth(2)
  assert.match(await expired.innerText(), /expired/)
  await expired.click({ force: true })
  await page.locator('.certificate .choice').nth(1).click()
  assert.equal((await st.command('Visit.Certificate', from)).certificate, 'b')
  await ctx.close()
})

test('whom one signs in to stands on every screen of a sign-in', async () => {
  const { page, ctx } = await open(b, st)
  for (const [name, s] of Object.entries(main('en'))) {
    if (!s.visit.identify || s.visit.wait) continue
    await draw(st, page, s)
    const words = await page.locator('.party').innerText()
    assert.match(words, /Terminal of state services/, name)
    assert.match(words, /https:\/\/asan\.example\.gov\.az/, name)
  }
  await draw(st, page, main('en').pin)
  assert.match(await page.locator('#field-label').innerText(), /ƏLİYEVA GÜLNARƏ/)
  assert.equal(await page.locator('#main').innerText(), 'Sign in')
  await ctx.close()
})

test('a PIN is sent only when the daemon says that it may be; a wrong one is an alert with the tries', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('pin', 'en', { identify: identify('en', { pin: pin({ length: 3, can_send: false }) }), can_back: true, cancel: 'leave' }))
  await guardOver(page)
  let from = st.heard()
  await page.locator('#main').click({ force: true })
  assert.equal((await st.since(from, page)).filter((c) => c.name === 'Visit.Next').length, 0)
  assert.equal(plain(await page.locator('#tries').innerText()), '3 tries are left.')
  await draw(st, page, at('pin', 'en', { identify: identify('en', { pin: pin({ length: 4 }) }), can_next: true }))
  await guardOver(page)
  from = st.heard()
  await page.locator('#main').click()
  await st.command('Visit.Next', from)
  await draw(st, page, at('pin', 'en', { identify: identify('en', { pin: pin({ wrong: true, left: 2, length: 0, can_send: false }) }) }))
  assert.equal(await page.locator('#tries').getAttribute('role'), 'alert')
  assert.equal(plain(await page.locator('#tries').innerText()), 'This PIN is not right. 2 tries are left.')
  assert.equal(await page.locator('#field').getAttribute('aria-invalid'), 'true')
  await ctx.close()
})

test('the last try: not trying is the main way and stands where the last touch was; yes is apart', async () => {
  const { page, ctx } = await open(b, st)
  const centre = (r) => [r.x + r.width / 2, r.y + r.height / 2]
  for (const lang of langs) {
    await draw(st, page, main(lang).pin)
    const [x, y] = centre(await page.locator('#main').boundingBox())
    await draw(st, page, main(lang).pin_last)
    const at = await page.evaluate(([x, y]) => document.elementFromPoint(x, y)?.closest('button')?.id, [x, y])
    assert.equal(at, 'main', `${lang}: under the finger`)
    assert.equal(await page.locator('#last-yes').evaluate((e) => e.classList.contains('main')), false, lang)
  }
  await guardOver(page)
  let from = st.heard()
  await page.locator('#main').click()
  await st.command('Visit.Back', from)
  assert.equal((await st.since(from, page)).filter((c) => c.name === 'Visit.Next').length, 0)
  from = st.heard()
  await page.locator('#last-yes').click()
  await st.command('Visit.Next', from)
  await ctx.close()
})

test('a card that cannot be used: money first, then what to do; try again or another way', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('card_problem', 'en', { identify: identify('en', { problem: { what: 'removed', retry: true } }), can_next: true, can_back: true, cancel: 'leave' }))
  await guardOver(page)
  const said = await page.locator('.message').allInnerTexts()
  assert.match(said[0], /^No money was taken/)
  let from = st.heard()
  await page.locator('#main').click()
  await st.command('Visit.Next', from)
  from = st.heard()
  await page.locator('#back').click()
  await st.command('Visit.Back', from)
  await draw(st, page, at('card_problem', 'en', { identify: identify('en', { problem: { what: 'pin_blocked', retry: false } }), can_back: true, cancel: 'leave' }))
  await guardOver(page)
  assert.equal(await page.locator('#back').count(), 0)
  assert.match((await page.locator('.message').allInnerTexts())[1], /registration centre/)
  from = st.heard()
  await page.locator('#main').click()
  await st.command('Visit.Back', from)
  await ctx.close()
})

test('the control code is read from left to right in every language', async () => {
  const { page, ctx } = await open(b, st)
  for (const lang of langs) {
    await draw(st, page, main(lang).phone)
    const code = page.locator('.control-code .code')
    assert.equal(await code.textContent(), '4821')
    const xs = await code.locator('span').evaluateAll((all) => all.map((e) => e.getBoundingClientRect().x))
    assert.deepEqual(xs, [...xs].sort((p, q) => p - q), lang)
    assert.match(plain(await page.locator('.remaining').innerText()), /104/, lang)
  }
  await ctx.close()
})

test('who is signed in stands on the screen, with a way out that is a money command like every other', async () => {
  const { page, ctx } = await open(b, st)
  for (const name of ['services_signed_in', 'form_signed_in', 'list']) {
    await draw(st, page, main('en')[name])
    const words = await page.locator('.signed-in').innerText()
    assert.match(words, /Gülnarə Rüstəm qızı Əliyeva/)
    assert.match(words, /High level/)
    await guardOver(page)
    const from = st.heard()
    assert.equal(await page.locator('#cancel').innerText(), 'Sign out')
    await page.locator('#cancel').click()
    assert.match((await st.command('Visit.Cancel', from)).key, /^\d+-\d+-\d+$/)
  }
  await draw(st, page, at('query', 'en', { person: person({ level: 'low' }), cancel: 'sign_out', wait: { for: 'central', slow: false, can_leave: false } }))
  assert.equal(await page.locator('#cancel').innerText(), 'Sign out', 'while one waits, too')
  assert.match(await page.locator('.signed-in').innerText(), /Basic level/)
  await ctx.close()
})

test('an ending asks for the card until it is out, and the money comes first', async () => {
  const { page, ctx } = await open(b, st)
  const end = (card_in) => at('farewell', 'en', { card_in, can_next: true, outcome: outcome({ money: 'none', reason: 'signed_out', slip: 'none', reference: '', qr: undefined, paid: azn(0) }) })
  const s = end(true)
  await draw(st, page, s)
  assert.equal(await page.locator('h1').innerText(), 'No money was taken')
  assert.equal(await page.locator('.take-card').getAttribute('role'), 'alert')
  assert.equal(await page.locator('.take-card').innerText(), 'Please take your card')
  st.show({ ...s, visit: { ...s.visit, card_in: false } })
  await page.locator('.take-card').waitFor({ state: 'detached' })
  await ctx.close()
})

test('a restart during a sign-in says that it ended, and not that everything was kept', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('method', 'en', { identify: identify('en', { restarted: true, methods: [] }), resumed: true, can_back: true }))
  const said = await page.locator('.message').allInnerTexts()
  assert.equal(said.length, 1)
  assert.match(said[0], /ended your sign-in/)
  await ctx.close()
})

test('a list of records: own dates, codes from left to right, and further pages', async () => {
  const { page, ctx } = await open(b, st)
  const dates = { az: '22 noyabr 2026, 14:05', en: '22 November 2026, 14:05', de: '22. November 2026, 14:05', ar: '22 نوفمبر 2026، 14:05', fa: '22 نوامبر 2026، 14:05', ru: '22 ноября 2026 г., 14:05' }
  for (const [lang, date] of Object.entries(dates)) {
    await draw(st, page, main(lang).list)
    const first = page.locator('.record').first()
    assert.equal(plain(await first.locator('.label').innerText()), date)
    assert.equal(await first.locator('.code').evaluate((e) => getComputedStyle(e).direction), 'ltr')
    assert.match(await first.locator('.money').innerText(), /40[.,]00/)
  }
  const rows = Array.from({ length: 30 }, (_, i) => ({ title: `R${i}`, detail: '', at: '2026-11-22T14:05', code: '' }))
  await draw(st, page, at('list', 'en', { list: { rows }, can_back: true }))
  const seen = () => page.locator('.record').evaluateAll((all) => all.filter((e) => e.checkVisibility({ visibilityProperty: true })).map((e) => e.querySelector('b').textContent))
  const all = []
  await guardOver(page)
  for (;;) {
    all.push(...(await seen()))
    const more = page.locator('.pager button').last()
    if ((await more.getAttribute('aria-disabled')) === 'true') break
    await more.click()
  }
  assert.deepEqual(all, rows.map((r) => r.title), 'every record once, in order')
  await ctx.close()
})
