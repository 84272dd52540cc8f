// How the page behaves towards the daemon and the finger.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixture } from './fixture.js'
import { at, azn, form, langs, main, quote } from './states.js'
import { draw, guardOver, open, token } from './stage.js'

const { st, b } = await fixture()

/** In the page: a tap on a place, done in the moment in which a screen appears there. */
function tapAtOnce([x, y, seq]) {
  globalThis.tap = () => {
    for (const type of ['pointerdown', 'pointerup']) {
      const how = { bubbles: true, clientX: x, clientY: y, pointerId: 7, pointerType: 'touch', isPrimary: true }
      document.elementFromPoint(x, y).dispatchEvent(new PointerEvent(type, how))
    }
  }
  new MutationObserver((_, me) => {
    if (document.querySelector('.screen')?.dataset.seq !== seq) return
    me.disconnect()
    globalThis.tap()
    globalThis.tapped = true
  }).observe(document.body, { subtree: true, attributes: true, childList: true })
}

test('the token is in no address and no storage, and a reload works', async () => {
  const { page, noise, ctx } = await open(b, st)
  const requests = []
  page.on('request', (r) => requests.push(r.url()))
  const s = main('az').pay
  await draw(st, page, s)
  for (let i = 0; i < 2; i++) {
    assert.equal(page.url(), `${st.origin}/`)
    const stored = await page.evaluate(async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, window.name])
    assert.deepEqual(stored, [0, 0, '', 0, ''])
    await page.reload()
    await draw(st, page, s)
  }
  assert.match(await page.locator('.huge').textContent(), /3,40/)
  assert.deepEqual(requests.filter((u) => u.includes(token)), [])
  assert.deepEqual(noise, [])
  await ctx.close()
})

test('a lost link is covered, takes no touch, and comes back', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, main('ru').pay)
  st.alive(false)
  await page.locator('.cover').waitFor()
  assert.equal(await page.locator('.cover h1').textContent(), 'Один момент. Ваши деньги в сохранности.')
  assert.equal(await page.locator('.screen').evaluate((e) => e.inert), true)
  const from = st.heard()
  await page.mouse.click(540, 1650)
  st.alive(true)
  await page.locator('.cover').waitFor({ state: 'detached' })
  assert.deepEqual(await st.since(from, page), [])
  await ctx.close()
})

test('a second page is told that the screen is open elsewhere, and takes over when it is free', async () => {
  const first = await open(b, st)
  await draw(st, first.page, main('az').services)
  const second = await open(b, st)
  await second.page.locator('.cover h1', { hasText: 'başqa pəncərədə' }).waitFor()
  await first.ctx.close()
  await second.page.locator('.screen[data-step=services]').waitFor()
  assert.equal(await second.page.locator('.cover').count(), 0)
  await second.ctx.close()
})

test('a touch too early, a touch that slides off and a double tap', async () => {
  const { page, ctx } = await open(b, st)
  const s = main('az').quote
  const spot = async () => {
    const r = await page.locator('#main').boundingBox()
    return [r.x + r.width / 2, r.y + r.height / 2]
  }
  const nexts = async (from) => (await st.since(from, page)).filter((c) => c.name === 'Visit.Next').length
  await draw(st, page, s)
  let from = st.heard()
  const [x, y] = await spot()
  // The screen changes under the finger: the touch was meant for the old one.
  await guardOver(page)
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.evaluate(tapAtOnce, [x, y, String(s.step_seq + 500)]) // and as soon as the new one is there
  await draw(st, page, { ...s, step_seq: s.step_seq + 500 })
  await page.mouse.up()
  assert.equal(await page.evaluate(() => globalThis.tapped), true)
  assert.equal(await nexts(from), 0)

  await guardOver(page)
  await page.evaluate(() => globalThis.tap())
  assert.equal(await nexts(from), 1, 'the same tap acts when the screen has been there for a while')

  from = st.heard()
  await page.mouse.move(x, y)
  await page.mouse.down()
  assert.equal(await page.locator('#main').evaluate((e) => e.hasAttribute('data-pressed')), true, 'the touch shows at once')
  await page.mouse.move(x, 300)
  await page.mouse.up()
  assert.equal(await nexts(from), 0)

  await page.mouse.dblclick(x, y)
  const c = await st.command('Visit.Next', from)
  assert.equal(c.step_seq, s.step_seq + 500)
  assert.ok((await nexts(from)) <= 2) // the daemon refuses the second one: its step is gone
  await ctx.close()
})

test('typing shows at once, sends the whole text, and the state wins', async () => {
  const { page, ctx } = await open(b, st)
  const s = at('form', 'az', { form: form('az', { value: '' }), can_next: true })
  await draw(st, page, s)
  await guardOver(page)
  const from = st.heard()
  for (const k of '1230') await page.locator('.pad .key', { hasText: k }).first().click()
  assert.equal(await page.locator('#field').innerText(), '123\n0')
  await page.locator('#key-erase').click()
  assert.deepEqual((await st.since(from, page)).filter((c) => c.name === 'Visit.Input').map((c) => c.value), ['1', '12', '123', '1230', '123'])
  const other = structuredClone(s)
  other.visit.form.fields[0].value = '999'
  st.show(other)
  await page.waitForFunction(() => document.querySelector('#field').textContent === '999')
  await ctx.close()
})

test('no key is lost where frames are late', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('form', 'az', { form: form('az', { value: '', group: [] }), can_next: true }))
  await guardOver(page)
  await page.evaluate(() => {
    const real = globalThis.requestAnimationFrame
    globalThis.requestAnimationFrame = (f) => setTimeout(() => real(f), 1500) // a machine that hardly gets to draw
  })
  const from = st.heard()
  for (const k of '1234') {
    await page.evaluate((k) => [...document.querySelectorAll('.pad .key')].find((x) => x.textContent === k).click(), k)
    await page.waitForTimeout(400) // the answer is here, and no frame
  }
  assert.deepEqual((await st.since(from, page)).filter((c) => c.name === 'Visit.Input').map((c) => c.value), ['1', '12', '123', '1234'])
  await ctx.close()
})

test('a payment with money in is stopped only after a question that says what happens', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, main('en').pay)
  await guardOver(page)
  const from = st.heard()
  await page.locator('#cancel').click()
  await page.locator('.confirm').waitFor()
  assert.match(await page.locator('.confirm').innerText(), /AZN\s15\.00/)
  await guardOver(page)
  await page.locator('#confirm-no').click()
  assert.equal(await page.locator('.confirm').count(), 0)
  assert.deepEqual((await st.since(from, page)).filter((c) => c.name === 'Visit.Cancel'), [])
  await guardOver(page)
  await page.locator('#cancel').click()
  await guardOver(page)
  await page.locator('#confirm-yes').click()
  const c = await st.command('Visit.Cancel', from)
  assert.match(c.key, /^\d+-\d+-\d+$/, 'a money command has its key')
  await ctx.close()
})

test('attract: one touch starts, a language starts in it, a setting starts with it', async () => {
  const { page, ctx } = await open(b, st)
  const s = main('az').attract
  await draw(st, page, s)
  await guardOver(page)
  let from = st.heard()
  await page.mouse.click(540, 500)
  assert.equal((await st.command('Visit.Start', from)).lang, undefined)
  from = st.heard()
  await page.locator('#lang-fa').click()
  assert.equal((await st.command('Visit.Start', from)).lang, 'fa')
  assert.equal((await st.since(from, page)).filter((c) => c.name === 'Visit.Start').length, 1)
  from = st.heard()
  const begun = main('az').language
  st.react({ 'Visit.Start': () => begun })
  await page.locator('.tools button').first().click()
  assert.deepEqual((await st.command('Visit.Modes', from)).modes, { contrast: false, large: true, reach: false, more_time: false })
  await ctx.close()
})

test('warning, language and help', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, at('quote', 'de', { quote: quote('de'), warning: { seconds_left: 19, money_in: false }, can_next: true }))
  await guardOver(page)
  let from = st.heard()
  await page.locator('#more-time').click()
  await st.command('Visit.MoreTime', from)
  await draw(st, page, main('de').quote)
  await guardOver(page)
  await page.locator('#languages').click()
  await guardOver(page)
  from = st.heard()
  await page.locator('#lang-ru').click()
  assert.equal((await st.command('Visit.Language', from)).lang, 'ru')
  assert.equal(await page.locator('.dialog').count(), 0)
  await guardOver(page)
  await page.locator('#help').click()
  const words = await page.locator('.dialog').innerText()
  for (const part of ['0417', '+994 12 565 00 00', '09:00–18:00']) assert.ok(words.includes(part), part)
  await ctx.close()
})

test('the first state is drawn at once; of many in a frame only the newest', async () => {
  const { page, ctx } = await open(b, st)
  const s = main('az').pay
  await draw(st, page, s)
  await page.evaluate(() => {
    window.drawn = 0
    window.frames = 0
    const count = () => {
      window.frames++
      requestAnimationFrame(count)
    }
    new MutationObserver(() => {
      if (window.drawn++ === 0) requestAnimationFrame(count)
    }).observe(document.querySelector('.main-sum'), { subtree: true, characterData: true, childList: true })
  })
  for (let i = 1; i <= 100; i++) st.show({ ...s, money: { ...s.money, missing: azn(340 - i) } })
  await page.waitForFunction(() => document.querySelector('.huge').textContent.startsWith('2,40'))
  const { drawn, frames } = await page.evaluate(() => ({ drawn: window.drawn, frames: window.frames }))
  assert.ok(drawn <= frames + 1, `${drawn} drawings in ${frames} frames`)
  assert.ok(drawn < 60, `${drawn} drawings for 100 states`)
  await ctx.close()
})

test('right to left: order and arrows are mirrored, digits and pads are not', async () => {
  const { page, ctx } = await open(b, st)
  const x = (sel) => page.locator(sel).first().evaluate((e) => e.getBoundingClientRect().x)
  await draw(st, page, main('ar').form)
  assert.ok((await x('#main')) < (await x('#back')), 'the way on is on the left')
  assert.ok((await x('.pad .key >> text=1')) < (await x('.pad .key >> text=3')), 'the pad keeps its order')
  assert.match(await page.locator('#main .turns').evaluate((e) => getComputedStyle(e).transform), /matrix\(-1/)
  assert.equal(await page.locator('#field').evaluate((e) => getComputedStyle(e).direction), 'ltr')
  await ctx.close()
})

test('money and codes are written in Chromium as in the tables', async () => {
  const { page, ctx } = await open(b, st)
  const got = {}
  for (const lang of langs) {
    await draw(st, page, at('pay', lang, {}, { owed: azn(1234550), missing: azn(1234550), held: azn(0), open: true }))
    got[lang] = (await page.locator('.huge').textContent()).replaceAll('\u00a0', 'n').replaceAll('\u202f', 'N')
  }
  assert.deepEqual(got, {
    az: '12.345,50n₼', en: 'AZNn12,345.50', fr: '12N345,50nAZN', es: '12.345,50nAZN', de: '12.345,50nAZN', it: '12.345,50nAZN',
    ar: '12,345.50nAZN', fa: '12,345.50nAZN', ru: '12n345,50nAZN',
  })
  await ctx.close()
})

test('every letter is drawn by our own fonts', async () => {
  const { page, ctx } = await open(b, st)
  const sample = 'ƏəĞğİıŞş₼ЁёЯя№پچژکگی۰۹٠٩“”„«»–’…АБ'
  await draw(st, page, at('present', 'az', { body: { pattern: sample }, can_next: true }))
  const cdp = await ctx.newCDPSession(page)
  await cdp.send('DOM.enable')
  await cdp.send('CSS.enable')
  const { root } = await cdp.send('DOM.getDocument', { depth: -1 })
  const { nodeId } = await cdp.send('DOM.querySelector', { nodeId: root.nodeId, selector: '.present .block p' })
  const { fonts } = await cdp.send('CSS.getPlatformFontsForNode', { nodeId })
  const drawn = fonts.reduce((n, f) => n + f.glyphCount, 0)
  assert.ok(drawn >= [...sample].length - 4, `${drawn} glyphs`) // Arabic letters may join into one
  assert.deepEqual(fonts.filter((f) => !f.isCustomFont).map((f) => f.familyName), [])
  await ctx.close()
})

test('another visit leaves nothing of the last one', async () => {
  const { page, ctx } = await open(b, st)
  const marker = 'GULNARAMARKER'
  await draw(st, page, at('form', 'az', { form: form('az', { keyboard: 'text', group: [], value: marker, max_len: 40 }), can_next: true }))
  assert.ok((await page.content()).includes(marker))
  await draw(st, page, main('az').attract)
  assert.ok(!(await page.content()).includes(marker))
  assert.equal(await page.title(), 'Terminal')
  await ctx.close()
})
