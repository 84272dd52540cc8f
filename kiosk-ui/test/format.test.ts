import { describe, expect, it } from 'vitest'
import { formatDate, formatDay, formatList, formatMoment, formatMoney, formatNumber } from '../src/i18n/format'
import { langs, type Lang } from '../src/wire.gen'

const azn = (minor: number) => ({ minor, currency: 'AZN' })

// n is the no-break space, N the narrow one.
const visible = (s: string) => s.replaceAll('\u00a0', 'n').replaceAll('\u202f', 'N')

describe('money', () => {
  const want: Record<Lang, [large: string, four: string, small: string, note: string]> = {
    az: ['12.345,50n₼', '1.234,50n₼', '0,05n₼', '200n₼'],
    en: ['AZNn12,345.50', 'AZNn1,234.50', 'AZNn0.05', 'AZNn200'],
    fr: ['12N345,50nAZN', '1N234,50nAZN', '0,05nAZN', '200nAZN'],
    es: ['12.345,50nAZN', '1234,50nAZN', '0,05nAZN', '200nAZN'],
    de: ['12.345,50nAZN', '1.234,50nAZN', '0,05nAZN', '200nAZN'],
    it: ['12.345,50nAZN', '1234,50nAZN', '0,05nAZN', '200nAZN'],
    ar: ['12,345.50nAZN', '1,234.50nAZN', '0.05nAZN', '200nAZN'],
    fa: ['12,345.50nAZN', '1,234.50nAZN', '0.05nAZN', '200nAZN'],
    ru: ['12n345,50nAZN', '1n234,50nAZN', '0,05nAZN', '200nAZN'],
  }
  it.each(langs)('%s', (lang) => {
    const got = [formatMoney(lang, azn(1234550)), formatMoney(lang, azn(123450)), formatMoney(lang, azn(5)), formatMoney(lang, azn(20000), true)]
    expect(got.map(visible)).toEqual(want[lang])
    expect(got.join('')).toMatch(/^[^٠-٩۰-۹]*$/)
  })

  it('keeps qəpik where there are some, names other currencies, and shows what is below zero', () => {
    expect(visible(formatMoney('az', azn(150), true))).toBe('1,50n₼')
    expect(visible(formatMoney('az', { minor: 2600, currency: 'USD' }))).toBe('26,00nUSD')
    expect(visible(formatMoney('az', azn(-5)))).toBe('-0,05n₼')
    expect(visible(formatMoney('ru', { minor: 0, currency: '' }))).toBe('0,00nAZN')
    expect(visible(formatMoney('az', azn(Number.MAX_SAFE_INTEGER)))).toBe('90.071.992.547.409,91n₼')
  })
})

it('numbers', () => {
  expect(langs.map((l) => visible(formatNumber(l, 1_000_000)))).toEqual(
    ['1.000.000', '1,000,000', '1N000N000', '1.000.000', '1.000.000', '1.000.000', '1,000,000', '1,000,000', '1n000n000'])
})

it('dates are Gregorian, with the language’s own month', () => {
  const d = { year: 2026, month: 7, day: 5 }
  expect(langs.map((l) => formatDate(l, d))).toEqual([
    '5 iyul 2026', '5 July 2026', '5 juillet 2026', '5 de julio de 2026', '5. Juli 2026', '5 luglio 2026', '5 يوليو 2026', '5 ژوئیهٔ 2026', '5 июля 2026 г.'])
  expect(formatDate('az', { year: 2026, month: 11, day: 22 })).toBe('22 noyabr 2026')
})

it('lists', () => {
  expect(langs.map((l) => formatList(l, ['a', 'b', 'c']))).toEqual([
    'a, b və c', 'a, b and c', 'a, b et c', 'a, b y c', 'a, b und c', 'a, b e c', 'a وb وc', 'a، b و c', 'a, b и c'])
  expect(formatList('az', ['a'])).toBe('a')
  expect(formatList('az', [])).toBe('')
})

describe('days and moments of the wire', () => {
  it('are written in the language’s words, with the script’s own comma', () => {
    expect(formatDay('az', '2027-05-14')).toBe('14 may 2027')
    expect(formatMoment('de', '2026-11-22T14:05')).toBe('22. November 2026, 14:05')
    expect(formatMoment('ar', '2026-11-22T14:05')).toBe('22 نوفمبر 2026، 14:05')
  })
  it('a day without a time is a day, and what is neither stays as it is', () => {
    expect(formatMoment('en', '2026-11-22')).toBe('22 November 2026')
    expect([formatDay('en', ''), formatMoment('en', 'soon'), formatMoment('en', '')]).toEqual(['', 'soon', ''])
  })
})
