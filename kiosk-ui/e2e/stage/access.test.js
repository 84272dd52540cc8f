// Everyone can use it: axe on every screen, sizes and contrast of every control, and
// everything by keypad alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { axe } from './axe.js'
import { fixture } from './fixture.js'
import { tooSmall, unreachable } from './inspect.js'
import { at, azn, form, langs, list, main, quote, steps } from './states.js'
import { draw, frames, guardOver, open } from './stage.js'

const { st, b } = await fixture()

/** What lies over screens. */
const overlays = {
  help: async (page) => page.locator('#help').click(),
  languages: async (page) => page.locator('#languages').click(),
  confirm: async (page) => page.locator('#cancel').click(),
}

for (const lang of ['az', 'ar', 'ru']) {
  test(`axe finds nothing in ${lang}, and every control and text has its size`, async () => {
    const { page, ctx } = await open(b, st, { reducedMotion: 'reduce' })
    const faults = []
    const visited = new Set()
    const screens = { ...main(lang) }
    for (const keyboard of list('keyboards')) {
      const choices = keyboard === 'none' ? { choices: [{ value: 'a', label: { pattern: 'A' } }, { value: 'b', label: { pattern: 'B' } }] } : {}
      screens[`form, ${keyboard}`] = at('form', lang, { form: form(lang, { keyboard, group: [], problem: 'format', ...choices }), can_next: true, can_back: true })
    }
    screens.warning = at('pay', lang, { cancel: 'leftover', warning: { seconds_left: 20, money_in: true } }, { owed: azn(100), missing: azn(100), open: true })
    const contrast = main(lang)
    for (const name of ['services', 'form', 'quote', 'pay', 'farewell', 'method', 'card', 'card_problem', 'pin_wrong', 'pin_last', 'phone', 'list', 'signed_out']) {
      contrast[name].visit.modes.contrast = true
      screens[`${name}, high contrast`] = contrast[name]
    }
    for (const [name, s] of Object.entries(screens)) {
      visited.add(s.visit.step)
      await draw(st, page, s)
      await axe(page, `${lang}, ${name}`, faults)
      for (const f of await page.evaluate(tooSmall, 3.61)) faults.push(`${lang}, ${name}: ${f}`)
      if (name !== 'pay') continue
      for (const [over, go] of Object.entries(overlays)) {
        s.step_seq += 1000
        await draw(st, page, s)
        await guardOver(page)
        await go(page)
        await page.locator('.dialog').waitFor()
        await axe(page, `${lang}, ${over}`, faults)
        for (const f of await page.evaluate(tooSmall, 3.61)) faults.push(`${lang}, ${over}: ${f}`)
      }
    }
    await ctx.close()
    assert.deepEqual(faults, [])
    assert.deepEqual(steps.filter((x) => !visited.has(x)), [], 'a step that nobody looked at')
  })
}

test('every control is reached by arrow keys, on every screen', async () => {
  const { page, ctx } = await open(b, st)
  const faults = []
  for (const lang of ['az', 'fa']) {
    const screens = { ...main(lang) }
    for (const keyboard of list('keyboards')) screens[`form, ${keyboard}`] = at('form', lang, { form: form(lang, { keyboard, group: [] }), can_next: true, can_back: true, cancel: 'leave' })
    for (const [name, s] of Object.entries(screens)) {
      await draw(st, page, s)
      const missed = await page.evaluate(unreachable)
      if (missed.length > 0) faults.push(`${lang}, ${name}: ${missed.join(', ')}`)
    }
  }
  await ctx.close()
  assert.deepEqual(faults, [])
})

test('a whole visit by keypad alone', async () => {
  const { page, ctx } = await open(b, st)
  const key = async (k) => {
    await page.keyboard.press(k)
    await frames(page)
  }
  const focus = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent)
  const screens = main('az')

  await draw(st, page, screens.services)
  await guardOver(page)
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'a new screen is read from its title')
  for (let i = 0; i < 20 && !(await focus()).startsWith('Bildiriş'); i++) await key('ArrowDown')
  let from = st.heard()
  await key('Enter')
  assert.equal((await st.command('Visit.Service', from)).service, 'pay')

  await draw(st, page, at('form', 'az', { form: form('az', { value: '' }), can_next: true, can_back: true, cancel: 'leave' }))
  await guardOver(page)
  from = st.heard()
  for (const d of '12') await key(d)
  await key('Backspace')
  await st.command('Visit.Input', from)
  assert.deepEqual((await st.since(from, page)).filter((c) => c.name === 'Visit.Input').map((c) => c.value ?? ''), ['1', '12', '1'])
  from = st.heard()
  await key('Escape')
  await st.command('Visit.Back', from)

  await draw(st, page, screens.pay)
  await guardOver(page)
  await key('Escape')
  assert.equal(await focus(), 'cancel', 'leaving is shown, never done by one key')
  await key('F1')
  assert.equal(await focus(), 'close', 'the focus moves into what lies over the screen')
  await guardOver(page)
  await key('Escape')
  assert.equal(await page.locator('.dialog').count(), 0)
  assert.equal(await focus(), 'cancel', 'and back')

  await draw(st, page, screens.farewell)
  await guardOver(page)
  for (let i = 0; i < 20 && (await focus()) !== 'main'; i++) await key('ArrowDown')
  from = st.heard()
  await key('Enter')
  await st.command('Visit.Next', from)
  await ctx.close()
})

test('the focus ring is there, thick and on top', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, main('az').quote)
  await page.keyboard.press('ArrowDown')
  const ring = await page.evaluate(() => {
    const c = getComputedStyle(document.activeElement)
    return { style: c.outlineStyle, width: parseFloat(c.outlineWidth) }
  })
  assert.equal(ring.style, 'solid')
  assert.ok(ring.width >= 4, `${ring.width} px`)
  await ctx.close()
})

test('money is announced, and each language says its own', async () => {
  const { page, ctx } = await open(b, st)
  for (const lang of langs) {
    await draw(st, page, main(lang).pay)
    assert.equal(await page.locator('.main-sum').getAttribute('aria-live'), 'polite')
    assert.equal(await page.locator('.note-line').getAttribute('role'), 'status')
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), [lang, lang === 'ar' || lang === 'fa' ? 'rtl' : 'ltr'])
  }
  await draw(st, page, at('quote', 'az', { quote: quote('az'), warning: { seconds_left: 20, money_in: false } }))
  assert.equal(await page.locator('.dialog').getAttribute('role'), 'alertdialog')
  assert.equal(await page.locator('[aria-live=assertive]').textContent(), '\u206620\u2069 saniyə qalıb')
  await ctx.close()
})
