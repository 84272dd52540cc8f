// Service mode: its sections fit, can be used by everyone and by keypad alone, and
// each touch asks of the daemon what it says.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { axe } from './axe.js'
import { fixture, plain } from './fixture.js'
import { misfits, tooSmall, unreachable } from './inspect.js'
import { atDesk, atLogin, desk, devices, doubt, everySection, pinEntry, sectionStates, serviceLangs, worst } from './service.js'
import { at, azn, main } from './states.js'
import { draw, frames, guardOver, open, unpainted } from './stage.js'

const { st, b } = await fixture()

const press = async (page, id) => {
  await page.locator(`#${id}`).click()
  await frames(page)
}

// English, whose texts are the shortest, in the whole of it only.
for (const lang of process.env.KIOSK_ALL ? serviceLangs : ['az', 'ru']) {
  test(`the sections of service mode fit in ${lang}`, async () => {
    const { page, noise, ctx } = await open(b, st)
    await unpainted(page)
    const faults = []
    for (const [name, s] of sectionStates(lang)) {
      for await (const where of everySection(st, page, s)) for (const m of await page.evaluate(misfits)) faults.push(`${lang}, ${name}, ${where}: ${m}`)
    }
    for (const mm of [4.03, 2.71]) {
      const s = atDesk(lang, worst())
      s.terminal.pixels_per_mm = mm
      for await (const where of everySection(st, page, s)) for (const m of await page.evaluate(misfits)) faults.push(`${lang}, ${mm} pixels in a millimetre, ${where}: ${m}`)
    }
    await ctx.close()
    assert.deepEqual(faults, [])
    assert.deepEqual(noise, [], 'the console must stay empty under the policy')
  })

  test(`axe finds nothing in the sections of service mode in ${lang}, every control has its size, and arrows reach it`, async () => {
    const { page, ctx } = await open(b, st, { reducedMotion: 'reduce' })
    const faults = []
    for (const [name, s] of [['usual', atDesk(lang)], ['everything wrong', atDesk(lang, worst())]]) {
      for await (const where of everySection(st, page, s)) {
        const what = `${lang}, ${name}, ${where}`
        if (where.endsWith(' 1')) await axe(page, what, faults)
        for (const f of await page.evaluate(tooSmall, 3.61)) faults.push(`${what}: ${f}`)
        for (const f of await page.evaluate(unreachable)) faults.push(`${what}: no arrow reaches ${f}`)
      }
    }
    await ctx.close()
    assert.deepEqual(faults, [])
  })
}

test('no customer’s page fetches service mode; its first step does', async () => {
  const chunks = readdirSync(join(dirname(fileURLToPath(import.meta.url)), '../../dist/assets')).filter((f) => /^(service|texts-(az|ru|en))-/.test(f))
  const { page, ctx } = await open(b, st)
  const asked = new Set()
  page.on('request', (r) => asked.add(r.url().split('/').pop()))
  const screens = main('az')
  for (const name of ['attract', 'services', 'form', 'pin', 'pay', 'farewell']) await draw(st, page, screens[name])
  await page.waitForTimeout(500) // the other languages come meanwhile
  assert.deepEqual(chunks.filter((c) => asked.has(c)), [])
  await draw(st, page, screens.service_login)
  assert.equal(chunks.length, 5, 'a script, a style sheet, three languages')
  assert.deepEqual(chunks.filter((c) => !asked.has(c)), [])
  await ctx.close()
})

test('signing in by touch: the number as a whole, the PIN key by key and nothing of it in the page', async () => {
  const { page, noise, ctx } = await open(b, st)
  await draw(st, page, atLogin('az'))
  await guardOver(page)
  let from = st.heard()
  await page.locator('#main').click({ force: true }) // no number yet
  for (const k of '1019') await page.locator('.pad .key', { hasText: k }).first().click()
  await press(page, 'key-erase')
  assert.equal(await page.locator('#field').innerText(), '101')
  await press(page, 'main')
  assert.equal((await st.command('Service.Login', from)).person, '101')
  assert.deepEqual((await st.since(from, page)).map((c) => c.name), ['Service.Login'], 'the number is not sent before it is whole')

  const s = atLogin('az', pinEntry({ length: 0, can_send: false }))
  await draw(st, page, s)
  assert.match(plain(await page.locator('#field-label').innerText()), /101/)
  await guardOver(page)
  st.react({ 'Secret.Key': (x, c) => ((x.service.login.length += c.key === 'erase' ? -1 : 1), x) })
  from = st.heard()
  for (const k of '7391') await page.locator('.pad .key', { hasText: k }).first().click()
  await page.keyboard.press('5')
  await page.keyboard.press('Backspace')
  await page.waitForFunction(() => document.querySelectorAll('#dots i').length === 4)
  const sent = await st.since(from, page)
  assert.deepEqual(sent.map((c) => [c.name, c.field, c.key, c.step_seq]), ['7', '3', '9', '1', '5', 'erase'].map((k) => ['Secret.Key', 'service_pin', k, s.step_seq]))
  assert.doesNotMatch(await page.evaluate(() => document.documentElement.outerHTML), /7391/)
  assert.equal(await page.locator('#field').innerText(), '')

  await draw(st, page, atLogin('az', pinEntry()))
  await guardOver(page)
  from = st.heard()
  await press(page, 'main')
  await st.command('Visit.Next', from)
  await press(page, 'back')
  await st.command('Visit.Back', from)
  assert.deepEqual(noise, [])
  await ctx.close()
})

test('a wrong PIN, the check and the pause are told; in the pause nothing is sent', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, atLogin('en', pinEntry({ length: 0, can_send: false, problem: 'wrong' })))
  assert.match(await page.locator('#problem[role=alert]').innerText(), /number or the PIN is wrong/)
  await draw(st, page, atLogin('en', pinEntry({ length: 4, can_send: false, checking: true }), { can_back: false }))
  assert.match(await page.locator('#problem').innerText(), /being checked/)
  let from = st.heard()
  await page.keyboard.press('5')
  await frames(page)
  assert.deepEqual(await st.since(from, page), [])
  const s = atLogin('en', { problem: 'paused', wait_s: 42 })
  await draw(st, page, s)
  assert.match(plain(await page.locator('#problem').innerText()), /in 42 seconds/)
  await guardOver(page)
  for (const k of '101') await page.keyboard.press(k)
  from = st.heard()
  await page.locator('#main').click({ force: true })
  await frames(page)
  assert.deepEqual(await st.since(from, page), [])
  st.show({ ...s, service: { ...s.service, login: { ...s.service.login, problem: undefined, wait_s: 0 } } })
  await page.locator('#main:not([aria-disabled])').waitFor()
  assert.equal(await page.locator('#field').innerText(), '101', 'what was typed of the number is kept')
  await ctx.close()
})

test('an act is asked for once; what cannot be done now does nothing; the result stands beside the device', async () => {
  const { page, ctx } = await open(b, st)
  const s = atDesk('en', { devices: devices({ printer: { acts: [{ act: 'test_page', twice: false, available: false }, { act: 'paper_changed', twice: false, available: true }] } }) })
  await draw(st, page, s)
  await guardOver(page)
  await press(page, 'tab-devices')
  const from = st.heard()
  await page.locator('#act-printer-test_page').click({ force: true })
  await page.locator('#act-printer-paper_changed').click()
  const c = await st.command('Service.Act', from)
  assert.deepEqual([c.device, c.act, c.confirm, c.step_seq], ['printer', 'paper_changed', undefined, s.step_seq])
  assert.equal((await st.since(from, page)).length, 1)
  const say = async (result, detail) => {
    st.show({ ...s, service: { ...s.service, result: { n: 2, device: 'central', act: 'ping', result, detail } } })
    await page.locator('#latest', { hasText: { running: 'Under way', ok: 'Done', failed: 'Failed' }[result] }).waitFor()
  }
  await say('running', '')
  await say('failed', 'no answer in 5 s')
  assert.equal(await page.locator('#latest').getAttribute('role'), 'status')
  assert.match(plain(await page.locator('#latest').innerText()), /Central system: Test the link\. Failed\./)
  assert.match(await page.locator('.service-row', { hasText: 'Central system' }).innerText(), /no answer in 5 s/)
  assert.equal(await page.locator('#tab-devices').getAttribute('aria-pressed'), 'true', 'a new state keeps the section')
  await ctx.close()
})

test('an act on money is done at the second yes only, and No takes the question away', async () => {
  const { page, ctx } = await open(b, st)
  const s = atDesk('ru')
  await draw(st, page, s)
  await guardOver(page)
  await press(page, 'tab-cash')
  st.react({
    'Service.Act': (x, c) => ((x.service.confirm = c.confirm ? undefined : { device: c.device, act: c.act }), x),
    'Visit.Back': (x) => ((x.service.confirm = undefined), x),
  })
  // A tap that comes with the question itself was meant for what stood there before.
  await page.evaluate(() => {
    const asked = new MutationObserver(() => {
      const yes = document.getElementById('ask-yes')
      if (!yes) return
      asked.disconnect()
      yes.click()
    })
    asked.observe(document.body, { subtree: true, childList: true })
  })
  let from = st.heard()
  await press(page, 'act-cassette-new_cassette')
  await page.locator('.service-ask').waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.id), 'ask-no', 'the safe answer is the near one')
  await guardOver(page)
  await press(page, 'ask-no')
  await st.command('Visit.Back', from)
  await page.locator('.service-ask').waitFor({ state: 'detached' })
  assert.equal((await st.since(from, page)).filter((c) => c.name === 'Service.Act').length, 1)
  await guardOver(page)
  from = st.heard()
  await press(page, 'act-cassette-new_cassette')
  await page.locator('.service-ask').waitFor()
  await guardOver(page)
  await press(page, 'ask-yes')
  await page.locator('.service-ask').waitFor({ state: 'detached' })
  assert.deepEqual((await st.since(from, page)).map((c) => [c.name, c.device, c.act, c.confirm]), [
    ['Service.Act', 'cassette', 'new_cassette', undefined], ['Service.Act', 'cassette', 'new_cassette', true],
  ])
  await ctx.close()
})

test('a note in doubt: what is said of it goes with its id, money with its value, and at the second yes', async () => {
  const { page, ctx } = await open(b, st)
  const s = atDesk('en', { doubts: [doubt(2000), doubt(undefined, { note: 'u', worth: [azn(500), azn(1000)] }), doubt(5000, { note: 'a', aside: true })] })
  st.react({
    'Service.Act': (x, c) => ((x.service.confirm = c.confirm ? undefined : { device: c.device, act: c.act, note: c.note, ...(c.minor ? { value: azn(c.minor) } : {}) }), x),
  })
  await draw(st, page, s)
  await guardOver(page)
  assert.match(await page.locator('#tab-cash').innerText(), /3/, 'the section says how many')
  await press(page, 'tab-cash')
  const said = async (id, question) => {
    const from = st.heard()
    for (let n = 0; n < 6 && !(await page.locator(`#${id}`).isVisible()); n++) await page.locator('.pager button').last().click()
    await guardOver(page)
    await press(page, id)
    await page.locator('.service-ask').waitFor()
    assert.match(plain(await page.locator('.service-ask').innerText()), question)
    await guardOver(page)
    await press(page, 'ask-yes')
    await page.locator('.service-ask').waitFor({ state: 'detached' })
    await guardOver(page)
    return (await st.since(from, page)).map((c) => [c.device, c.act, c.note, c.minor, c.confirm])
  }
  const { note } = doubt(2000)
  for (const [id, question, what] of [
    [`note_inside-${note}-2000`, /Is the note in the cassette\?[^]*AZN\s20\.00 is booked/, ['note_inside', note, 2000]],
    [`note_outside-${note}-0`, /not in the cassette\?[^]*Nothing is booked/, ['note_outside', note, 0]],
    ['note_inside-u-1000', /AZN\s10\.00 is booked/, ['note_inside', 'u', 1000]],
    ['note_aside-u-0', /looked into the acceptor\?/, ['note_aside', 'u', 0]],
  ]) assert.deepEqual(await said(id, question), [['cassette', ...what, undefined], ['cassette', ...what, true]])
  const from = st.heard()
  await page.locator('#note_aside-a-0').click({ force: true }) // it was laid aside before
  assert.deepEqual(await st.since(from, page), [])
  await ctx.close()
})

test('leaving: with a door open only out of service; with closed doors either; out of service stays so', async () => {
  const { page, ctx } = await open(b, st)
  const ways = async (s) => {
    await draw(st, page, s)
    await guardOver(page)
    const from = st.heard()
    for (const id of ['leave-out', 'main']) {
      if (await page.locator(`#${id}`).count()) await page.locator(`#${id}`).click({ force: true })
      await frames(page)
    }
    return (await st.since(from, page)).map((c) => [c.name, c.out_of_service])
  }
  assert.deepEqual(await ways(atDesk('en')), [['Service.Leave', true]])
  assert.match(await page.locator('#main').innerText(), /close the doors/)
  assert.deepEqual(await ways(atDesk('en', { can_leave: true })), [['Service.Leave', true], ['Service.Leave', false]])
  const out = { person: '101', why: 'person', at: '2026-11-02T09:40' }
  assert.deepEqual(await ways(atDesk('en', { can_leave: true, out })), [['Service.Leave', false]])
  assert.match(await page.locator('#main').innerText(), /stays out of service/)
  await ctx.close()
})

test('touches keep service mode open, and the warning says what comes', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, atDesk('az'))
  await page.waitForTimeout(1100) // at most one message a second
  let from = st.heard()
  await page.mouse.click(540, 1000) // no control is there
  await st.command('Visit.Touch', from)
  await draw(st, page, main('az').service_warning)
  await guardOver(page)
  assert.match(await page.locator('.dialog').innerText(), /xidmətdən kənarda qalacaq/)
  assert.equal(await page.locator('.dialog').getAttribute('role'), 'alertdialog')
  from = st.heard()
  await press(page, 'more-time')
  await st.command('Visit.MoreTime', from)
  await ctx.close()
})

test('three languages are offered, and any other one falls to English from left to right', async () => {
  const { page, ctx } = await open(b, st)
  await draw(st, page, atDesk('ru'))
  await guardOver(page)
  await press(page, 'languages')
  assert.deepEqual(await page.locator('.languages button').evaluateAll((all) => all.map((x) => x.id)), ['lang-az', 'lang-ru', 'lang-en'])
  const from = st.heard()
  await guardOver(page)
  await press(page, 'lang-az')
  assert.equal((await st.command('Visit.Language', from)).lang, 'az')
  st.show({ ...at('service', 'ar', { id: '' }), service: desk() })
  await page.waitForFunction(() => document.documentElement.lang === 'en')
  assert.equal(await page.evaluate(() => document.documentElement.dir), 'ltr')
  assert.equal(await page.locator('h1').innerText(), 'Service mode')
  await ctx.close()
})

test('service mode by keypad alone', async () => {
  const { page, ctx } = await open(b, st)
  const key = async (k) => {
    await page.keyboard.press(k)
    await frames(page)
  }
  const focus = () => page.evaluate(() => document.activeElement?.id)
  const go = async (id, way) => {
    for (let i = 0; i < 25 && (await focus()) !== id; i++) await key(way)
    assert.equal(await focus(), id)
  }
  await draw(st, page, atLogin('az'))
  await guardOver(page)
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'a new screen is read from its title')
  let from = st.heard()
  for (const k of ['1', '0', '2', 'Backspace', '1', 'x']) await key(k)
  await go('main', 'ArrowDown')
  await key('Enter')
  assert.equal((await st.command('Service.Login', from)).person, '101')

  await draw(st, page, atLogin('az', pinEntry()))
  await guardOver(page)
  from = st.heard()
  await key('Escape')
  await st.command('Visit.Back', from)

  await draw(st, page, atDesk('az'))
  await guardOver(page)
  for (let i = 0; i < 25 && !(await focus()).startsWith('tab-'); i++) await key('ArrowDown')
  await go('tab-now', 'ArrowLeft')
  await go('tab-cash', 'ArrowRight')
  await key('Enter')
  assert.equal(await focus(), 'tab-cash', 'choosing a section keeps the place')
  from = st.heard()
  st.react({ 'Service.Act': (x, c) => ((x.service.confirm = { device: c.device, act: c.act }), x) })
  await go('act-cassette-new_cassette', 'ArrowUp')
  await key('Enter')
  await page.locator('.service-ask').waitFor()
  await guardOver(page)
  assert.equal(await focus(), 'ask-no')
  await key('Escape')
  await st.command('Visit.Back', from)
  await ctx.close()
})
