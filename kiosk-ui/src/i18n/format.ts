// Numbers, money, dates and lists in the language's way, without the browser's
// Intl (see locale.ts). Money is a whole count of minor units all the way to its
// digits: no fraction is ever computed.

import type { Amount, Lang } from '../wire.gen'
import { locales } from './locale'

/** Minor-unit digits of every currency that a terminal takes (ISO 4217). */
const decimals = 2

function groupDigits(lang: Lang, digits: string): string {
  const { group, minGrouping } = locales[lang]
  if (digits.length < 3 + minGrouping) return digits
  let out = digits.slice(-3)
  for (let end = digits.length - 3; end > 0; end -= 3) out = digits.slice(Math.max(0, end - 3), end) + group + out
  return out
}

/** A whole number with its separators. */
export function formatNumber(lang: Lang, n: number): string {
  const whole = Math.trunc(n)
  return (whole < 0 ? '-' : '') + groupDigits(lang, String(Math.abs(whole)))
}

/** The number of an amount without its currency: 1.234,50. */
function moneyDigits(lang: Lang, minor: number, short: boolean): string {
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0')
  const fraction = digits.slice(-decimals)
  const whole = groupDigits(lang, digits.slice(0, -decimals))
  const sign = minor < 0 ? '-' : ''
  return sign + whole + (short && fraction === '00' ? '' : locales[lang].decimal + fraction)
}

/**
 * The one function that writes money. Digits are 0-9 in every language. Short
 * leaves out a fraction that is zero: for the names of banknotes only.
 */
export function formatMoney(lang: Lang, a: Amount, short = false): string {
  return locales[lang].money(moneyDigits(lang, a.minor, short), a.currency || 'AZN')
}

/** A Gregorian date in words: 22 noyabr 2026. */
export function formatDate(lang: Lang, d: { readonly year: number; readonly month: number; readonly day: number }): string {
  const l = locales[lang]
  return l.date(d.day, l.months[d.month - 1] ?? '', d.year)
}

const day = /^(\d{4})-(\d{2})-(\d{2})$/
const moment = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})$/

/** A day of the wire (YYYY-MM-DD) in words; what is no day stays as it is. */
export function formatDay(lang: Lang, s: string): string {
  const m = day.exec(s)
  return m ? formatDate(lang, { year: Number(m[1]), month: Number(m[2]), day: Number(m[3]) }) : s
}

/** A moment of the wire (YYYY-MM-DDThh:mm) in words: 22 noyabr 2026, 14:05. */
export function formatMoment(lang: Lang, s: string): string {
  const m = moment.exec(s)
  if (!m) return formatDay(lang, s)
  return formatDay(lang, m[1]!) + (locales[lang].dir === 'rtl' ? '، ' : ', ') + m[2]!
}

/** A list in words: a, b və c. */
export function formatList(lang: Lang, items: readonly string[]): string {
  const { comma, and } = locales[lang]
  if (items.length < 2) return items[0] ?? ''
  return items.slice(0, -1).join(comma) + and + items[items.length - 1]
}
