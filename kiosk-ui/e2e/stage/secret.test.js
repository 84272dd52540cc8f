// A PIN and a password at the screen: what the daemon gets, and that neither an eye
// nor the page's own memory can tell what was typed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture } from './fixture.js'
import { identify, pin, secretForm } from './signin.js'
import { at, form, langs, main } from './states.js'
import { draw, frames, guardOver, open } from './stage.js'
import { stringsOf } from './heap.js'

const { st, b } = await fixture()

const onPin = (lang, more = {}, visit = {}) =>
  at('pin', lang, { identify: identify(lang, { pin: pin({ length: 0, can_send: false, ...more }) }), can_back: true, cancel: 'leave', ...visit })
const keys = async (page, from) => (await st.since(from, page)).filter((c) => c.name === 'Secret.Key').map((c) => c.key)

/** The daemon's part: a count that rises and falls. */
const counted = (length, key) => (key === 'clear' ? 0 : Math.max(0, length + (key === 'erase' ? -1 : 1)))
const countPin = { 'Secret.Key': (s, c) => ((s.visit.identify.pin.length = counted(s.visit.identify.pin.length, c.key)), s) }
const countField = (name) => ({ 'Secret.Key': (s, c) => {
  const f = s.visit.form.fields.find((x) => x.name === name)
  f.length = counted(f.length, c.key)
  return s
} })
const dots = (page, n) => page.waitForFunction((n) => document.querySelectorAll('#dots i').length === n, n)
const key = (page, k) => page.locator('.key').filter({ hasText: new RegExp(`^${k.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`) })

test('each key of a PIN goes to the daemon at once, and the screen shows a count', async () => {
  const { page, noise, ctx } = await open(b, st)
  const s = onPin('az')
  await draw(st, page, s)
  await guardOver(page)
  st.react(countPin)
  const from = st.heard()
  for (const k of '7391') await key(page, k).click()
  await dots(page, 4)
  await page.locator('#key-erase').click()
  await dots(page, 3)
  await page.locator('#key-clear').click()
  await dots(page, 0)
  const sent = await st.since(from, page)
  assert.deepEqual(sent.map((c) => c.key), ['7', '3', '9', '1', 'erase', 'clear'])
  for (const c of sent) assert.deepEqual(Object.keys(c).sort(), ['field', 'key', 'name', 'step_seq'])
  for (const c of sent) assert.deepEqual([c.field, c.step_seq], ['pin', s.step_seq])
  assert.deepEqual(noise, [])
  await ctx.close()
})

test('no key of a PIN shows that it is pressed, takes the focus, or changes in the document', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, onPin('az'))
  await guardOver(page)
  const pad = page.locator('.pad')
  const still = await pad.screenshot()
  await page.evaluate(() => {
    window.changes = []
    new MutationObserver((all) => window.changes.push(...all.map((m) => m.target.nodeName))).observe(document.querySelector('.pad'), { subtree: true, attributes: true, childList: true, characterData: true })
  })
  for (const k of ['1', '7', '0']) {
    const r = await key(page, k).boundingBox()
    await page.mouse.move(r.x + r.width / 2, r.y + r.height / 2)
    await page.mouse.down()
    await page.waitForTimeout(60)
    assert.ok(still.equals(await pad.screenshot()), `${k} can be seen`)
    await page.mouse.up()
    await frames(page)
    assert.equal(await page.evaluate(() => document.activeElement.closest('.pad')), null, `${k} has the focus`)
  }
  assert.deepEqual(await page.evaluate(() => window.changes), [])
  await ctx.close()
})

test('every key gives the same answer: the dots wink', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, onPin('az', { length: 3 }))
  await guardOver(page)
  await page.evaluate(() => {
    globalThis.winks = []
    const animate = Element.prototype.animate
    Element.prototype.animate = function (...how) {
      globalThis.winks.push({ id: this.id, how })
      return animate.apply(this, how)
    }
  })
  for (const k of ['2', '8']) {
    const r = await key(page, k).boundingBox()
    await page.mouse.move(r.x + r.width / 2, r.y + r.height / 2)
    const before = await page.evaluate(() => globalThis.winks.length)
    await page.mouse.down()
    assert.equal(await page.evaluate(() => globalThis.winks.length), before + 1, 'the touch is answered at once')
    await page.mouse.up()
  }
  const winks = await page.evaluate(() => globalThis.winks)
  assert.deepEqual(winks.map((w) => w.id), ['dots', 'dots'])
  assert.deepEqual(winks[0], winks[1])
  await ctx.close()
})

test('the PIN pad is the same in every language, and its characters are asterisks to those who do not see', async () => {
  const { page, ctx } = await open(b, st)
  const places = () => page.locator('.pad .key').evaluateAll((all) => all.map((k) => `${k.textContent}${k.id}`))
  await draw(st, page, onPin('az'))
  const first = await places()
  assert.equal(first.join(' '), '1 2 3 4 5 6 7 8 9 key-clear 0 key-erase')
  for (const lang of langs) {
    await draw(st, page, onPin(lang, { length: 5 }))
    assert.deepEqual(await places(), first, lang)
    const x = async (k) => (await key(page, k).boundingBox()).x
    assert.ok((await x('1')) < (await x('3')), lang)
    const spoken = (await page.locator('.answer .spoken').textContent()).replace(/[\u2066-\u2069]/g, '')
    assert.match(spoken, /5/)
    assert.equal(await page.locator('#field').innerText(), '')
  }
  await draw(st, page, onPin('en', { length: 5 }))
  assert.equal(await page.locator('.answer .spoken').textContent(), '\u20665\u2069 asterisks')
  assert.equal(await page.locator('input, textarea, [contenteditable]').count(), 0, 'nothing that a browser could fill in or remember')
  await ctx.close()
})

test('a keypad types a PIN too; a held key counts once; nothing is typed under a warning or without a link', async () => {
  const { page, ctx } = await open(b, st)
  const s = onPin('fa')
  await draw(st, page, s)
  st.react(countPin)
  let from = st.heard()
  await page.keyboard.press('7')
  await page.keyboard.insertText('x')
  await page.keyboard.down('3')
  for (let i = 0; i < 3; i++) await page.keyboard.down('3') // repeats
  await page.keyboard.up('3')
  await page.evaluate(() => dispatchEvent(new KeyboardEvent('keydown', { key: '۹' })))
  await page.keyboard.press('a')
  await page.keyboard.press('Backspace')
  await dots(page, 2)
  assert.deepEqual(await keys(page, from), ['7', '3', '9', 'erase'])

  st.react({})
  const warned = onPin('fa', {}, { warning: { seconds_left: 20, money_in: false } })
  await draw(st, page, warned)
  from = st.heard()
  await page.keyboard.press('5')
  await frames(page)
  assert.deepEqual(await keys(page, from), [])

  await draw(st, page, onPin('fa'))
  from = st.heard()
  st.alive(false)
  await page.locator('.cover').waitFor()
  for (const k of '7391') await page.keyboard.press(k)
  st.alive(true)
  await page.locator('.cover').waitFor({ state: 'detached' })
  await page.waitForTimeout(300)
  assert.deepEqual(await keys(page, from), [], 'a key that nobody heard is lost')
  await ctx.close()
})

test('a password: letters, capitals and signs, one key at a time, and never a value', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('form', 'ar', { form: secretForm('ar', 'password', { length: 0 }), can_next: true, can_back: true, cancel: 'leave' }))
  await guardOver(page)
  st.react(countField('password'))
  const from = st.heard()
  await key(page, 'z').click()
  await page.locator('#key-shift').click()
  await key(page, 'Q').click()
  await page.locator('#key-signs').click()
  for (const k of ['7', '\\', '"', '~']) await key(page, k).click()
  await page.locator('#key-space').click()
  await dots(page, 7)
  const still = await page.locator('.keyboard').screenshot()
  const r = await key(page, '7').boundingBox()
  await page.mouse.move(r.x + 5, r.y + 5)
  await page.mouse.down()
  await page.waitForTimeout(60)
  assert.ok(still.equals(await page.locator('.keyboard').screenshot()))
  await page.mouse.move(5, 5)
  await page.mouse.up()
  const sent = await st.since(from, page)
  assert.deepEqual(sent.map((c) => [c.name, c.field, c.key]), ['z', 'Q', '7', '\\', '"', '~', ' '].map((k) => ['Secret.Key', 'password', k]))
  assert.equal(await page.locator('#field').innerText(), '')
  await ctx.close()
})

test('going from question to question opens a secret field without a value', async () => {
  const { page, ctx } = await open(b, st)
  const f = secretForm('az')
  await draw(st, page, at('form', 'az', { form: { ...f, active: 'fin' }, can_next: true, can_back: true, cancel: 'leave' }))
  await guardOver(page)
  st.react({ 'Visit.Input': (s, c) => ((s.visit.form.active = c.field), s) })
  const from = st.heard()
  await page.locator('#main').click()
  await dots(page, 9)
  await page.locator('#back').click()
  await page.waitForFunction(() => !document.getElementById('dots'))
  const inputs = (await st.since(from, page)).filter((c) => c.name === 'Visit.Input')
  assert.deepEqual(inputs.map((c) => [c.field, 'value' in c, c.value]), [['password', false, undefined], ['fin', true, '5VBK5VR']])
  await ctx.close()
})

// What is left after typing: searched for in everything that the page has.

const pinMarker = '7391846205'
const passwordMarker = 'zqjxkvwpfh'

/** Where the markers are found outside of the page's memory: the document, the address, what is stored. */
async function left(page, markers) {
  const outside = await page.evaluate(async () => ({
    document: document.documentElement.outerHTML + [...document.querySelectorAll('*')].map((e) => [...e.getAttributeNames()].map((n) => e.getAttribute(n)).join(' ')).join(' '),
    address: `${location.href} ${document.title} ${document.referrer}`,
    history: JSON.stringify(history.state) + history.length,
    storage: JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, await indexedDB.databases(), await caches.keys(), window.name]),
    selection: String(getSelection()),
    measured: JSON.stringify(performance.getEntries()),
  }))
  return Object.entries(outside).filter(([, text]) => markers.some((m) => text.includes(m))).map(([where]) => where)
}

/** And in the memory too. */
async function traces(page, markers) {
  const memory = [...(await stringsOf(page))].filter((s) => markers.some((m) => s.includes(m))).map((s) => `memory: ${s.slice(0, 80)}`)
  return [...(await left(page, markers)), ...memory]
}

test('after a PIN and a password nothing of them is in the document, the history, the storage or the memory', async () => {
  const { page, noise, ctx } = await open(b, st)

  await draw(st, page, onPin('az'))
  await guardOver(page)
  st.react(countPin)
  const from = st.heard()
  for (const k of pinMarker) await key(page, k).click()
  await dots(page, 10)
  assert.equal((await keys(page, from)).join(''), pinMarker)
  assert.deepEqual(await left(page, [pinMarker]), [], 'while it stands there')
  await page.locator('#key-clear').click()
  await dots(page, 0)
  for (const k of pinMarker) await page.keyboard.press(k)
  await dots(page, 10)
  assert.deepEqual(await traces(page, [pinMarker]), [], 'touched, and typed on a keypad')

  await draw(st, page, at('form', 'az', { form: secretForm('az', 'password', { length: 0 }), can_next: true, can_back: true, cancel: 'leave' }))
  await guardOver(page)
  st.react(countField('password'))
  for (const k of passwordMarker) await key(page, k).click()
  await dots(page, 10)
  assert.deepEqual(await left(page, [passwordMarker]), [], 'while it stands there')
  await page.locator('#key-clear').click()
  await dots(page, 0)
  for (const k of passwordMarker) await page.keyboard.press(k)
  await dots(page, 10)
  assert.deepEqual(await traces(page, [passwordMarker]), [], 'touched, and typed on a keypad')

  st.react({})
  await draw(st, page, main('az').attract)
  assert.deepEqual(await traces(page, [pinMarker, passwordMarker]), [], 'after the visit')
  assert.deepEqual(noise, [])
  await ctx.close()
})

test('the search would find it: an open field leaves its text in the document and in the memory', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('form', 'az', { form: form('az', { value: '', group: [] }), can_next: true }))
  await guardOver(page)
  for (const k of pinMarker) await key(page, k).click()
  await page.waitForFunction((n) => document.querySelector('#field').textContent.length >= n, 10)
  const found = await traces(page, [pinMarker])
  assert.ok(found.includes('document'))
  assert.ok(found.some((f) => f.startsWith('memory')))
  await ctx.close()
})
