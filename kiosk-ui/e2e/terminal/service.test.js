// Service mode at a whole terminal: a door is opened at the bench, a member of staff
// signs in at the screen and works, and what was done stands in the journal with who
// did it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { misfits } from '../stage/inspect.js'
import { until } from './harness.js'
import { me, stand, t } from './stand.js'

let read = 0 // records that an earlier test has seen
stand({
  async begin() {
    await me.available()
    await forget()
  },
})

/** Waits until a record of a kind with these values has come since the test began. */
const written = (kind, body = {}) =>
  until(`${kind} ${JSON.stringify(body)} is in the journal`, async () =>
    (await t.records(read + 1)).find((r) => r.kind === kind && Object.entries(body).every(([k, v]) => JSON.stringify(r.body[k]) === JSON.stringify(v))))

/** From here on only later records count. */
const forget = async () => {
  read = (await t.records()).at(-1).seq
}

const door = (action) => t.bench('panel', { action })

/** The number, then the PIN. */
async function signIn(number, pin) {
  await me.see('service_login')
  await me.type(number)
  await me.touch('#main')
  await me.page.locator('.service-login.pin').waitFor()
  await enter(pin)
}

/** Types a PIN, of which the page shows how long it is and nothing else. */
async function enter(pin) {
  await me.page.waitForTimeout(320)
  for (const d of pin) await me.page.locator('.keyboard .key', { hasText: new RegExp(`^${d}$`) }).click()
  await me.touch('#main:not([disabled])')
}

const tab = (name) => me.touch(`#tab-${name}`)

/** Does an act and waits for its end, which the journal has too. */
async function act(who, device, name, result = 'ok') {
  await findAct(device, name)
  await me.touch(`#act-${device}-${name}:not([disabled])`)
  return written('service.act', { person: who, device, act: name, result })
}

/** Turns the section's pages until the act can be touched. */
async function findAct(device, name) {
  const pager = me.page.locator('.pager .button')
  for (let i = 0; i < 8 && !(await me.page.locator(`.block:not(.off) #act-${device}-${name}`).count()); i++) {
    await me.page.waitForTimeout(320)
    await pager.nth(1).click()
  }
}

async function language(lang) {
  await me.touch('#languages')
  await me.touch(`#lang-${lang}`)
  await until(`the page speaks ${lang}`, async () => (await me.page.locator('html').getAttribute('lang')) === lang)
}

/** The person at an open door takes the slip and leaves; the farewell may end by itself meanwhile. */
const goAway = () =>
  until('the person has left', async () => {
    if ((await me.step()) === 'farewell') await me.touch('.screen[data-step=farewell] #main', 1000).catch(() => undefined)
    return (await me.step()) === 'service_login'
  })

const sections = ['now', 'devices', 'cash', 'doors', 'alarms', 'faults']

/** Sections in pictures; nothing may stick out of its place. */
async function pictures(lang, who, which = sections) {
  for (const s of which) {
    await tab(s)
    await me.page.waitForTimeout(100)
    assert.deepEqual(await me.page.evaluate(misfits), [], `${lang}, ${s}`)
    await me.picture(`${lang}-service-${who}-${s}`)
  }
}

test('a door that is opened: an alarm at once, and nobody is served until somebody has signed in', async () => {
  await door('open_service_door')
  await me.see('service_login')
  await me.picture('az-service-number')
  await written('panel.changed', { input: 'service_door', state: 'active' })
  await written('alarm.raised', { alarm: 'door' })
  assert.deepEqual(await me.page.evaluate(misfits), [])
  await door('close_service_door')
  // Closing it does not undo that it was open.
  await me.see('out_of_service')
  await me.picture('az-service-intrusion')
  await door('open_service_door')
  await signIn('101', '2580')
  await me.see('service')
  await written('alarm.cleared', { alarm: 'door', persons: ['101'] })
  await door('close_service_door')
  await written('panel.changed', { input: 'service_door', state: 'rest', person: '101' })
  await me.touch('#main:not([disabled])')
  await written('service.left', { person: '101', why: 'left' })
  await me.available()
  assert.deepEqual(me.noise, [])
})

test('a technician: a wrong PIN, every device, paper, out of service and back', async () => {
  await forget()
  await door('open_service_door')
  await signIn('102', '1111')
  await me.page.locator('#problem[role=alert]').waitFor()
  await me.picture('az-service-wrong-pin')
  assert.equal(await me.step(), 'service_login')
  await enter('3690')
  await me.see('service')
  await written('service.entered', { person: '102', role: 'technician' })

  await pictures('az', 'technician')
  await tab('devices')
  for (const [device, name] of [['acceptor', 'self_test'], ['printer', 'paper_changed'], ['card_reader', 'self_test'], ['central', 'ping'], ['panel', 'lamp_test']]) await act('102', device, name)
  const slips = await t.slips()
  await act('102', 'printer', 'test_page')
  await until('the test page is out', async () => (await t.slips()) === slips + 1)
  await me.picture('az-service-tested')
  await tab('cash')
  assert.equal(await me.page.locator('#act-cassette-new_cassette').count(), 0, 'a technician has no cassette to confirm')

  await tab('now')
  await findAct('terminal', 'out_of_service')
  await me.touch('#act-terminal-out_of_service:not([disabled])')
  await written('service.out', { person: '102', why: 'person' })
  await door('close_service_door')
  await me.page.locator('#main:not([disabled])').waitFor()
  await me.picture('az-service-out')
  await findAct('terminal', 'back')
  await me.touch('#act-terminal-back:not([disabled])')
  await written('service.back', { person: '102' })

  await language('ru')
  await pictures('ru', 'technician', ['now', 'devices'])
  await me.touch('#main:not([disabled])')
  await written('service.left', { person: '102', why: 'left' })
  await me.available()
  assert.deepEqual(me.noise, [])
})

test('a person in the middle of a payment when the door opens: the money is kept with a slip', async () => {
  await forget()
  const [slips, cassette] = [await t.slips(), await t.cassette()]
  await me.pay('az', '300000002')
  await me.insert(5)
  await door('open_service_door')
  await until('a slip tells of the money', async () => (await t.slips()) === slips + 1)
  assert.equal(await t.cassette(), cassette + 500)
  await me.picture('az-service-door-in-visit')
  await written('alarm.raised', { alarm: 'door' })
  assert.deepEqual(await t.payments('300000002'), [])
  await goAway()
  assert.equal(await t.slips(), slips + 1, 'one slip for one credit')
  await door('close_service_door')
  await me.see('out_of_service') // the next door's question for a number is another one
})

test('a collector: the cassette goes out and an empty one comes in', async () => {
  await forget()
  await door('open_safe_door')
  await signIn('201', '1470')
  await me.see('service')
  await written('service.entered', { person: '201', role: 'collector' })
  await pictures('az', 'collector', ['now', 'cash'])
  assert.equal(await me.page.locator('#act-acceptor-self_test').count(), 0, 'a collector tests no device')
  const inside = await t.cassette()
  await t.bench('validator', { action: 'remove_cassette', bag: 'B-1' })
  const closed = await written('cassette.closed', { person: '201' })
  assert.equal(closed.body.totals.AZN ?? 0, inside, 'with what lay in it')
  await t.bench('validator', { action: 'insert_cassette' })
  await tab('cash')
  await me.touch('#act-cassette-new_cassette:not([disabled])')
  await me.page.locator('#ask-no').waitFor()
  await me.picture('az-service-new-cassette')
  await me.touch('#ask-no')
  await me.see('service')
  assert.equal((await t.records(read + 1)).filter((r) => r.kind === 'cassette.period').length, 0, 'a no opens no period')
  await me.touch('#act-cassette-new_cassette:not([disabled])')
  await me.touch('#ask-yes')
  const opened = await written('cassette.period', { person: '201' })
  assert.equal(opened.body.period, closed.body.period + 1)
  await written('service.act', { person: '201', device: 'cassette', act: 'new_cassette', result: 'ok' })
  await language('ru')
  await tab('cash')
  await me.picture('ru-service-collector-new')
  await door('close_safe_door')
  await me.touch('#main:not([disabled])')
  await written('service.left', { person: '201', why: 'left' })
  await me.available()
  assert.deepEqual(me.noise, [])
})

test('a note in doubt: no notes until a collector has looked and said where it is', async () => {
  await forget()
  const cassette = await t.cassette()
  const equation = async () => JSON.parse((await t.ctl(['--json', 'journal', 'equation'])).trim().split('\n').at(-1)).terms.total?.[0] ?? { stacked: 0, unassigned: 0 }
  const before = await equation()
  await t.bench('validator', { action: 'set_quirks', quirks: { no_counter: true } })
  await me.pay('az', '300000002')
  await until('the note is drawn in', async () => {
    await t.bench('validator', { action: 'insert', value: { minor: 500, currency: 'AZN' }, quality: 'jam_stacker', in_cassette: true })
    return (await t.world()).validator.world.path
  })
  const { body } = await written('note.in_doubt')
  await door('open_safe_door')
  await me.see('farewell')
  assert.match(await me.text(), /əskinas tapılacaq/, 'the person is told that the note will be found and booked')
  await goAway()
  await signIn('201', '1470')
  await me.see('service')
  await tab('cash')
  const inside = `#note_inside-${body.note_id}-500`
  await me.page.locator(`${inside}[aria-disabled]`).waitFor() // the unit may still say it
  await me.picture('az-service-doubt-jam')
  await t.bench('validator', { action: 'clear_jam' })
  await me.page.locator(`${inside}:not([aria-disabled])`).waitFor()
  assert.deepEqual(await me.page.evaluate(misfits), [])
  await me.picture('az-service-doubt')
  await me.touch(inside)
  await me.page.locator('#ask-no').waitFor()
  await me.picture('az-service-doubt-ask')
  await me.touch('#ask-yes')
  await written('note.stacked', { note_id: body.note_id, person: '201' })
  await written('service.act', { person: '201', act: 'note_inside', result: 'ok' })
  assert.equal(await t.cassette(), cassette + 500)
  const after = await equation()
  assert.deepEqual([after.stacked - before.stacked, after.unassigned - before.unassigned, after.in_doubt, after.holds], [500, 500, 0, true])
  await t.bench('validator', { action: 'set_quirks', quirks: {} })
  await door('close_safe_door')
  await me.touch('#main:not([disabled])')
  await written('service.left', { person: '201', why: 'left' })
  await me.available()
  assert.deepEqual(me.noise, [])
})
