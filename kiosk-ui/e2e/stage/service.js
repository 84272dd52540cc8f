// Situations of service mode, for states.js: the way in, the desk of who has signed
// in, and each member of each list of the wire that it can show. The people are made up.

import { draw, guardOver } from './stage.js'
import { at, azn, list } from './states.js'

/** The languages of service mode; a terminal in another one shows it in English, as the daemon says. */
export const serviceLangs = ['az', 'ru', 'en']
const langOf = (lang) => (serviceLangs.includes(lang) ? lang : 'en')

const empty = { langs: serviceLangs, doors: [], holds: [], alarms: [], devices: [], doubts: [], faults: [], can_leave: false }

export const login = (more = {}) => ({ person: '', length: 0, min: 4, max: 8, can_send: false, checking: false, wait_s: 0, ...more })

const acts = {
  acceptor: ['self_test'], printer: ['test_page', 'paper_changed'], card_reader: ['self_test'], panel: ['lamp_test', 'clear_tamper'], central: ['ping'],
  cassette: ['new_cassette'], terminal: ['out_of_service', 'back'],
}
const details = {
  acceptor: 'CashCode SM-2073-AZ, serial 21K904417', printer: 'VKP80III, 2.04, 0009134', card_reader: 'Generic EMV Smartcard Reader 00 00',
  panel: 'kiosk panel board, 1.4, 3A-0017', central: '14 records to send', cassette: '', terminal: '',
}
const twice = new Set(['clear_tamper', 'new_cassette'])
const device = (id, more = {}) => ({
  id, state: 'online', cause: '', detail: details[id], acts: acts[id].map((act) => ({ act, twice: twice.has(act), available: act !== 'back' && act !== 'clear_tamper' })), ...more,
})
export const devices = (more = {}) => list('deviceIDs').map((id) => device(id, more[id]))

const doors = (more = {}) =>
  list('serviceInputs').filter((i) => i !== 'proximity').map((input) => ({ input, state: more[input] ?? (input === 'service_door' ? 'active' : 'rest') }))

const counters = (more = {}) => ({
  period: 41, open: true, notes: [100, 500, 1000, 2000, 5000, 10000, 20000].map((v, i) => ({ value: azn(v), count: [214, 187, 96, 55, 31, 8, 2][i] })),
  totals: [azn(643900)], count: 593, in_doubt: 1, rejected: 1204, slips: 20418, unsent: 14, ...more,
})

const fault = (i) => ({
  at: `2026-10-${String(30 - i).padStart(2, '0')}T14:05`, device: list('deviceIDs')[i % 5], fault: ['jammed', 'no_paper', 'removed', 'board_lost', 'unreachable'][i % 5],
  detail: ['stacker, motor current too high', '', 'USB 1-1.3', 'no answer for 3 s', 'dial tcp: i/o timeout while the records 20400 to 20414 were being sent'][i % 5],
})
const alarm = (name, more = {}) => ({ alarm: name, at: '2026-11-02T09:58', detail: '', persons: [], ...more })

/** A note in doubt; one without a value was not recognised. */
export const doubt = (value, more = {}) => ({
  note: `0193a7b0-${value ?? 0}`, ...(value ? { value: azn(value) } : {}), worth: (value ? [value] : [100, 500, 1000, 2000, 5000, 10000, 20000]).map((v) => azn(v)), at: '2026-11-02T09:31',
  why: 'the unit did not say what became of it', aside: false, acts: ['note_inside', 'note_outside', 'note_aside'].map((act) => ({ act, twice: true, available: !(more.aside && act === 'note_aside') })), ...more,
})

/** The desk of who has signed in. */
export const desk = (more = {}) => ({
  ...empty, person: { number: '101', name: 'Rəşad Məmmədov', role: 'both', since: '2026-11-02T10:00', minutes: 3 }, doors: doors(), holds: ['door', 'service'],
  devices: devices(), counters: counters(), doubts: [doubt(2000)], faults: [0, 1, 2, 3].map(fault), ...more,
})

export const atLogin = (lang, more = {}, visit = {}) => {
  const l = login(more)
  return { ...at('service_login', langOf(lang), { id: '', can_next: l.can_send, can_back: l.person !== '', ...visit }), service: { ...empty, doors: doors(), login: l } }
}
export const atDesk = (lang, more = {}, visit = {}) => ({ ...at('service', langOf(lang), { id: '', can_back: more.confirm !== undefined, ...visit }), service: desk(more) })

export const pinEntry = (more = {}) => ({ person: '101', length: 4, can_send: true, ...more })

/** All that can be wrong at once: each section is at its fullest. */
export const worst = () => ({
  person: { number: '10100001', name: 'Əbdülkərim Şəmsəddin oğlu Hacıbəyli-Şirvanlı', role: 'both', since: '2026-11-02T10:00', minutes: 214 },
  doors: doors({ safe_door: 'active', cassette: 'fault', tamper: 'active', mains: 'unknown' }), holds: list('serviceHolds'),
  out: { person: '101', why: 'timeout', at: '2026-11-02T09:40' }, alarms: list('alarms').map((a) => alarm(a, { detail: 'at the start: the loop was whole, and is cut now', persons: a === 'tamper' ? ['101'] : [] })),
  devices: devices(Object.fromEntries(list('deviceIDs').map((id, i) => [id, {
    state: list('healths')[1 + (i % 3)], cause: 'jammed, stacker, motor current too high', acts: acts[id].map((act) => ({ act, twice: twice.has(act), available: true })),
  }]))),
  counters: counters({ open: false, totals: [azn(123456789), { minor: 50000, currency: 'USD' }], in_doubt: 12 }),
  doubts: [doubt(), doubt(20000, { aside: true }), doubt(100, { acts: [] }), doubt(5000, { acts: doubt().acts.map((a) => ({ ...a, available: false })) })], faults: Array.from({ length: 20 }, (_, i) => fault(i)),
  result: { n: 3, device: 'panel', act: 'clear_tamper', result: 'failed', detail: 'the signing key cannot be read: open /var/lib/kiosk/slip.key: permission denied' },
})

/** One situation of each screen of service mode. */
export function mainService(lang) {
  return {
    service_login: atLogin(lang),
    service_pin: atLogin(lang, pinEntry()),
    service: atDesk(lang, { result: { n: 1, device: 'printer', act: 'test_page', result: 'ok', detail: 'printed' } }),
    service_ask: atDesk(lang, { confirm: { device: 'cassette', act: 'new_cassette' } }),
    service_warning: atDesk(lang, {}, { warning: { seconds_left: 29, money_in: false } }),
  }
}

/** Every situation of service mode: each member of each list of the wire at least once. */
export function* allService(lang) {
  if (!serviceLangs.includes(lang)) return // it would be the English one again
  for (const problem of list('loginProblems')) {
    yield [`service_login, ${problem}`, atLogin(lang, { problem, wait_s: problem === 'paused' ? 59 : 0 })]
    yield [`service_login, PIN, ${problem}`, atLogin(lang, pinEntry({ length: 0, can_send: false, problem, wait_s: problem === 'paused' ? 1 : 0 }))]
  }
  yield ['service_login, checking', atLogin(lang, pinEntry({ can_send: false, checking: true, length: 8 }), { can_back: false })]
  yield ['service, everything wrong', atDesk(lang, worst())]
  yield ['service, nothing wrong', atDesk(lang, { holds: ['service'], doors: doors({ service_door: 'rest' }), faults: [], can_leave: true })]
  yield ['service, nothing at all', atDesk(lang, { ...empty, counters: undefined })]
  for (const role of list('serviceRoles')) yield [`service, ${role}`, atDesk(lang, { person: { ...desk().person, role } })]
  for (const hold of list('serviceHolds')) yield [`service, hold ${hold}`, atDesk(lang, { holds: [hold], can_leave: true })]
  for (const why of list('outReasons')) {
    const out = { person: why === 'restart' ? '' : '101', why, at: '2026-11-02T09:40' }
    for (const can_leave of [true, false]) yield [`service, out by ${why}, can leave ${can_leave}`, atDesk(lang, { out, holds: ['out', 'service'], can_leave })]
  }
  for (const id of list('deviceIDs')) {
    for (const act of list('acts')) {
      const result = list('actResults')[(acts[id].length + act.length) % 3]
      yield [`service, ${id}, ${act}, ${result}`, atDesk(lang, { result: { n: 1, device: id, act, result, detail: 'no answer' } })]
    }
  }
  for (const act of list('acts')) yield [`service, asked about ${act}`, atDesk(lang, { confirm: act.startsWith('note_') ? { device: 'cassette', act, note: 'n', value: azn(20000) } : { device: Object.keys(acts).find((id) => acts[id].includes(act)), act } })]
}

/** What the sections other than the first one show, for the tests that open them. */
export function* sectionStates(lang) {
  yield ['usual', atDesk(lang)]
  yield ['everything wrong', atDesk(lang, worst())]
  yield ['empty', atDesk(lang, { ...empty, counters: counters({ notes: [], totals: [], count: 0 }) })]
  for (const state of list('healths')) yield [`devices ${state}`, atDesk(lang, { devices: devices(Object.fromEntries(list('deviceIDs').map((id) => [id, { state, cause: state === 'online' ? '' : state }]))) })]
  for (const state of list('serviceContacts')) yield [`contacts ${state}`, atDesk(lang, { doors: list('serviceInputs').map((input) => ({ input, state })) })]
}

export const sections = ['now', 'devices', 'cash', 'doors', 'alarms', 'faults']

/** Opens each section and goes through its pages. */
export async function* everySection(st, page, s) {
  // Tests of behaviour touch these controls with the finger; here it is enough that they act.
  const press = (selector) =>
    page.evaluate(async (selector) => {
      const two = () => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r())))
      const on = () => [...document.querySelectorAll('.pager button')].at(-1)
      ;(selector ? document.querySelector(selector) : on()).click()
      await two()
      return { shown: document.querySelector('[id^=tab-][aria-pressed=true]')?.id, more: on() !== undefined && on().getAttribute('aria-disabled') !== 'true' }
    }, selector)
  await draw(st, page, s)
  await guardOver(page)
  for (const section of sections) {
    let at = await press(`#tab-${section}`)
    if (at.shown !== `tab-${section}`) throw new Error(`the section ${section} did not open, ${at.shown} is shown`)
    for (let n = 1; ; n++) {
      yield `${section} ${n}`
      if (!at.more) break
      at = await press()
    }
  }
}
