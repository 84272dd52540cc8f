import { describe, expect, it } from 'vitest'
import { format, inspect, MessageError, pluralForm } from '../src/i18n/message'
import { pluralForms } from '../src/i18n/locale'
import { langs, type Lang, type Val } from '../src/wire.gen'

const bare = (s: string) => s.replace(/[\u2066-\u2069]/g, '')

describe('format', () => {
  const cases: [what: string, lang: Lang, pattern: string, values: Record<string, Val>, want: string][] = [
    ['plain text', 'en', 'Take your slip.', {}, 'Take your slip.'],
    ['apostrophes are text', 'fr', 'L’écran n\'est pas {x}', { x: { str: 'là' } }, 'L’écran n\'est pas \u2068là\u2069'],
    ['a word stands in a first-strong isolate', 'ar', 'أ {x} ب', { x: { str: 'Baku 1' } }, 'أ \u2068Baku 1\u2069 ب'],
    ['a code stands in a left-to-right isolate', 'ar', '{x}', { x: { code: 'K7-1' } }, '\u2066K7-1\u2069'],
    ['an amount too, with its no-break space', 'ar', '{x}', { x: { money: { minor: 123450, currency: 'AZN' } } }, '\u20661,234.50\u00a0AZN\u2069'],
    ['a number is written in the language’s way', 'de', '{x}', { x: { num: 12345 } }, '\u206612.345\u2069'],
    ['a missing value leaves no name behind', 'en', 'a{x}b', {}, 'a\u2068\u2069b'],
    ['a plural', 'ru', '{n, plural, one {# рубль} few {# рубля} many {# рублей} other {# рубля}}', { n: { num: 22 } }, '\u206622\u2069 рубля'],
    ['an exact number wins', 'en', '{n, plural, =0 {none} one {# note} other {# notes}}', { n: { num: 0 } }, 'none'],
    ['a value inside a branch', 'en', '{n, plural, one {# for {who}} other {# of {who}}}', { n: { num: 2 }, who: { str: 'A' } }, '\u20662\u2069 of \u2068A\u2069'],
    ['# outside a plural is text', 'en', 'No. # {x}', { x: { num: 1 } }, 'No. # \u20661\u2069'],
  ]
  it.each(cases)('%s', (_, lang, pattern, values, want) => expect(format(lang, pattern, values)).toBe(want))

  it.each([
    '{', '}', 'a } b', '{}', '{A}', '{x y}', '{n, plural}', '{n, plural,}', '{n, plural, one {#}}', '{n, select, a {b}}',
    '{n, plural, other {{m, plural, other {#}}}}', '{n, plural, some {#} other {#}}', '{n, plural, other {#}', '{n, plural, other #}', 'x'.repeat(5000),
  ])('refuses %s', (pattern) => expect(() => format('en', pattern, {})).toThrow(MessageError))

  it('never fails in any other way, whatever the pattern is', () => {
    const parts = ['{', '}', 'n', ',', 'plural', ' ', 'other', '#', '=1', 'one', 'ə']
    let seed = 7
    const next = (n: number) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n
    for (let i = 0; i < 5000; i++) {
      const pattern = Array.from({ length: next(14) }, () => parts[next(parts.length)]).join('')
      try {
        format('ar', pattern, { n: { num: next(30) } })
      } catch (e) {
        if (!(e instanceof MessageError)) throw new Error(`${pattern}: ${String(e)}`)
      }
    }
  })
})

describe('plurals', () => {
  const want: Record<Lang, string> = {
    //   0     1    2     3     5     11    21   22    101  1000000
    az: 'other one other other other other other other other other',
    en: 'other one other other other other other other other other',
    de: 'other one other other other other other other other other',
    fa: 'one one other other other other other other other other',
    fr: 'one one other other other other other other other many',
    es: 'other one other other other other other other other many',
    it: 'other one other other other other other other other many',
    ru: 'many one few few many many one few one many',
    ar: 'zero one two few few many many many other other',
  }
  const numbers = [0, 1, 2, 3, 5, 11, 21, 22, 101, 1_000_000]
  it.each(langs)('%s', (lang) => {
    expect(numbers.map((n) => pluralForm(lang, n)).join(' ')).toBe(want[lang])
    // The table of the forms that a message must carry is the one of the language.
    expect([...new Intl.PluralRules(lang).resolvedOptions().pluralCategories].sort()).toEqual([...pluralForms[lang]].sort())
  })

  it('writes the number in every form', () => {
    const pattern = '{n, plural, zero {z} one {o #} two {t} few {f #} many {m #} other {x #}}'
    expect(numbers.map((n) => bare(format('ar', pattern, { n: { num: n } })))).toEqual(
      ['z', 'o 1', 't', 'f 3', 'f 5', 'm 11', 'm 21', 'm 22', 'x 101', 'x 1,000,000'])
  })
})

it('inspect names what a pattern asks for', () => {
  expect(inspect('{b} {n, plural, one {# {a}} other {#}}')).toEqual({ names: ['a', 'b', 'n'], plurals: [['one', 'other']] })
})
