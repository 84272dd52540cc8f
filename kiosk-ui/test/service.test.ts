// Service mode without a browser: its texts, the number of a member of staff, and
// what its screens make of the state.

import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { pluralForms } from '../src/i18n/locale'
import { inspect } from '../src/i18n/message'
import type { Translation } from '../src/i18n/types'
import { openOf } from '../src/secret'
import { isNumber, numberAfter } from '../src/service/acts'
import { counts, deviceTone, deviceWord, doorTone, doorWord } from '../src/service/say'
import az from '../src/service/texts-az'
import en from '../src/service/texts-en'
import ru from '../src/service/texts-ru'
import { load, w } from '../src/service/words'
import { language } from '../src/i18n'
import {
  actResults, acts, alarms, deviceIDs, fieldServicePIN, healths, outReasons, serviceContacts, serviceHolds, serviceInputs, serviceRoles,
  type Health, type Lang, type ServiceDevice, type ServiceLogin, type ServiceMode,
} from '../src/wire.gen'

const all = { az, ru, en }
const keys = Object.keys(en) as (keyof typeof en)[]

describe.each(Object.entries(all))('texts of service mode in %s', (lang, texts: Readonly<Record<string, string>>) => {
  it('have every key and no other', () => expect(Object.keys(texts).sort()).toEqual([...keys].sort()))

  it.each(keys)('%s', (key) => {
    const text = texts[key]!
    expect(text.trim()).toBe(text)
    expect(text).not.toMatch(/^$|[\u2066-\u2069]| {2}/)
    const { names, plurals } = inspect(text)
    expect(names).toEqual(inspect(en[key]).names)
    expect(plurals.length).toBe(inspect(en[key]).plurals.length)
    for (const forms of plurals) expect([...forms].sort()).toEqual([...pluralForms[lang as Lang]].sort())
  })

  it('are another language than English', () => {
    if (lang !== 'en') expect(keys.filter((k) => texts[k] === en[k] && /[a-z]{3}/.test(en[k]))).toEqual(lang === 'az' ? ['device.printer', 'device.terminal'] : [])
  })
})

it('every value of the wire that service mode puts into words has its words', () => {
  const own = new Set<string>(['cassette', 'terminal'])
  const want = [
    ...serviceRoles.map((r) => `role.${r}`), ...serviceHolds.map((h) => `hold.${h}`), ...outReasons.map((r) => `out.${r}`),
    ...deviceIDs.map((d) => `device.${d}`), ...healths.map((h) => `state.${h}`), ...[...own].flatMap((d) => healths.map((h) => `${d}.${h}`)),
    ...acts.map((a) => `act.${a}`), ...actResults.map((r) => `result.${r}`), ...alarms.map((a) => `alarm.${a}`),
    ...serviceInputs.flatMap((i) => [`input.${i}`, `${i}.rest`, `${i}.active`]),
    ...serviceContacts.filter((c) => c !== 'rest' && c !== 'active').map((c) => `contact.${c}`),
  ]
  expect(want.filter((k) => !(k in en))).toEqual([])
})

// What the compiler refuses. These lines are checked by tsc; a missing error is an error.
it('a language with a wrong message does not compile', () => {
  type Held<T> = T extends Translation<T, typeof en> ? true : false
  const missing: Held<{ leave: 'x' }> = false
  const other: Held<Omit<typeof en, 'cash.open'> & { 'cash.open': 'Period {m}' }> = false
  const good: Held<typeof ru> = true
  expect([missing, other, good]).toEqual([false, false, true])
})

describe('the languages', () => {
  beforeAll(load)
  it.each([['az', 'Çıxmaq'], ['ru', 'Выйти'], ['en', 'Leave'], ['de', 'Leave'], ['ar', 'Leave']] as const)('%s', (lang, want) => {
    language.value = lang
    expect(w('leave')).toBe(want)
  })
})

describe('the number of a member of staff', () => {
  it.each([
    ['10', '1', '101'], ['', '٣', '3'], ['', 'a', ''], ['1', ' ', '1'], ['1', 'Enter', '1'], ['12345678', '9', '12345678'], ['12', 'Backspace', '1'], ['', 'Backspace', ''],
  ])('%j and %j are %j', (before, key, after) => expect(numberAfter(before, key)).toBe(after))

  it.each([['', false], ['1', false], ['12', true], ['12345678', true], ['123456789', false], ['1a', false]])('%j whole: %s', (s, want) => expect(isNumber(s)).toBe(want))
})

describe('where typed characters go at the sign-in', () => {
  const login: ServiceLogin = { person: '101', length: 0, min: 4, max: 8, can_send: false, checking: false, wait_s: 0 }
  it('to the PIN of the number that was given', () => expect(openOf('service_login', undefined, login)).toEqual({ field: fieldServicePIN, keyboard: 'digits' }))
  it('nowhere secret while the number is asked for', () => expect(openOf('service_login', undefined, { ...login, person: '' })).toBeUndefined())
  it('nowhere while the PIN is being checked', () => expect(openOf('service_login', undefined, { ...login, checking: true })).toBeUndefined())
})

describe('what a state is called', () => {
  beforeAll(async () => {
    await load()
    language.value = 'en'
  })
  const device = (id: ServiceDevice['id'], state: Health): ServiceDevice => ({ id, state, cause: '', detail: '', acts: [] })

  it('a cassette and a terminal are not online', () => {
    expect([device('printer', 'online'), device('cassette', 'online'), device('cassette', 'starting'), device('terminal', 'offline')].map(deviceWord)).toEqual(
      ['works', 'in place, confirmed', 'in place, not confirmed', 'out of service'])
    expect(healths.map((h) => deviceTone(device('printer', h)))).toEqual(['good', 'bad', 'care', 'bad'])
  })

  it('each contact has its own pair of words, and one word for what cannot be known', () => {
    expect(serviceInputs.map((input) => doorWord({ input, state: 'active' }))).toEqual(['open', 'open', 'out', 'cut', 'tilted', 'too hot', 'lost', 'somebody'])
    expect(new Set(serviceInputs.map((input) => doorWord({ input, state: 'unknown' }))).size).toBe(1)
    expect(doorTone({ input: 'proximity', state: 'active' })).toBe('calm')
    expect(doorTone({ input: 'tamper', state: 'active' })).toBe('bad')
  })

  it('a section’s button tells how much is wrong in it; what ends with service mode is not', () => {
    const m = {
      holds: ['door', 'service'], doors: [{ input: 'service_door', state: 'active' }, { input: 'proximity', state: 'active' }, { input: 'tilt', state: 'rest' }],
      devices: [device('printer', 'offline'), device('central', 'starting'), device('cassette', 'offline'), device('terminal', 'offline'), device('panel', 'online')],
      alarms: null, faults: [], langs: [], can_leave: false,
    } as unknown as ServiceMode
    expect(counts(m)).toEqual({ now: 1, devices: 2, cash: 1, doors: 1, alarms: 0, faults: 0 })
  })
})

describe('the chunk', () => {
  beforeEach(() => void vi.resetModules())

  it('is fetched once, and again after a failure', async () => {
    let fetched = 0
    vi.doMock('../src/service/service', () => ({
      load: async () => {
        if (++fetched === 1) throw new Error('no daemon')
      },
    }))
    const lazy = await import('../src/lazy')
    const settle = () => new Promise((r) => setTimeout(r, 20))
    lazy.needService()
    lazy.needService()
    await settle()
    expect([fetched, lazy.serviceMode.value]).toEqual([1, undefined])
    lazy.needService()
    await settle()
    lazy.needService()
    await settle()
    expect(fetched).toBe(2)
    expect(lazy.serviceMode.value).toBeDefined()
    vi.doUnmock('../src/service/service')
  })
})
