import { describe, expect, it } from 'vitest'
import { always } from '../src/i18n/always'
import ar from '../src/i18n/ar'
import az from '../src/i18n/az'
import de from '../src/i18n/de'
import en from '../src/i18n/en'
import es from '../src/i18n/es'
import fa from '../src/i18n/fa'
import fr from '../src/i18n/fr'
import it_ from '../src/i18n/it'
import ru from '../src/i18n/ru'
import { pluralForms } from '../src/i18n/locale'
import { inspect } from '../src/i18n/message'
import { language, type Key, type Messages } from '../src/i18n/types'
import { cardProblems, fates, langs, levels, methodMissings, methods, movings, noteWhats, problems, reasons, slips, unavailables, waitFors, type Lang } from '../src/wire.gen'

const all: Record<Lang, Messages> = { az, en, fr, es, de, it: it_, ar, fa, ru }
const keys = Object.keys(en) as Key[]

describe.each(langs)('texts in %s', (lang) => {
  it('has every key and no other', () => expect(Object.keys(all[lang]).sort()).toEqual([...keys].sort()))

  it.each(keys)('%s', (key) => {
    const text = all[lang][key]
    expect(text.trim()).toBe(text)
    expect(text).not.toBe('')
    expect(text).not.toMatch(/[\u2066-\u2069]| {2}/)
    const { names, plurals } = inspect(text)
    expect(names).toEqual(inspect(en[key]).names)
    expect(plurals.length).toBe(inspect(en[key]).plurals.length)
    for (const forms of plurals) expect([...forms].sort()).toEqual([...pluralForms[lang]].sort())
  })

  it('is another language than English', () => {
    if (lang === 'en') return
    const same = keys.filter((k) => all[lang][k] === en[k])
    // Words that are the same in both: French "Page", Italian "Total"… are few.
    expect(same.length).toBeLessThan(6)
  })

  it('says what must be readable without the daemon', () => {
    for (const text of Object.values(always[lang])) expect(text).not.toBe('')
  })
})

it('every value of the wire that is put into words has its words', () => {
  const want = [
    ...reasons.filter((r) => r !== '').flatMap((r) => [`why.${r}`, `act.${r}`]),
    ...fates.map((f) => `fate.${f}`),
    ...noteWhats.map((n) => `note.${n}`),
    ...movings.map((m) => `moving.${m}`),
    ...problems.map((p) => `problem.${p}`),
    ...unavailables.map((u) => `why.${u}`),
    ...waitFors.flatMap((w) => [`wait.${w}`, `wait.${w}.slow`]),
    ...methods.flatMap((m) => [`method.${m}`, `method.${m}.hint`]),
    ...methodMissings.map((m) => `missing.${m}`),
    ...cardProblems.flatMap((p) => [`trouble.${p}`, `trouble.${p}.do`]),
    ...levels.map((l) => `level.${l}`),
    ...slips.filter((s) => s !== 'none').map((s) => `slip.${s}`),
  ]
  expect(want.filter((k) => !(k in en))).toEqual([])
})

it('the wording rule: no word of the workshop reaches a person', () => {
  const banned = /\b(acceptor|transaction|timeout|oops|failed|error|escrow|stack)/i
  for (const key of keys) expect(en[key], key).not.toMatch(banned)
})

// What the compiler refuses. These lines are checked by tsc; a missing error is an error.
it('a language with a wrong message does not compile', () => {
  // @ts-expect-error a key is missing
  language({ help: 'x' })
  // @ts-expect-error another value than the English message has
  language({ ...(az as typeof en), 'pay.finish': 'x {sum}' } as const)
  // @ts-expect-error the value is missing
  language({ ...(az as typeof en), 'pay.finish': 'x' } as const)
  expect(keys.length).toBeGreaterThan(100)
})
