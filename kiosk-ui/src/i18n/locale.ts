// What each language writes in its own way. The tables are ours: the browser's own
// data are incomplete for Azerbaijani, and it would write 1,234.50 for 1.234,50.
// Values are those of CLDR 48, with two rules of this product: amounts use the
// digits 0-9 in every language, and dates are Gregorian everywhere.

import type { Lang } from '../wire.gen'

const nb = '\u00a0' // no-break space
const nnb = '\u202f' // narrow no-break space

export interface Locale {
  /** The language's name in itself. */
  readonly name: string
  readonly dir: 'ltr' | 'rtl'
  readonly group: string
  readonly decimal: string
  /** Digits before the first separator that are needed before one is written. */
  readonly minGrouping: 1 | 2
  /** An amount: n is the number, c the currency. */
  readonly money: (n: string, c: string) => string
  readonly months: readonly string[]
  readonly date: (day: number, month: string, year: number) => string
  /** A list: between items, and before the last one. */
  readonly comma: string
  readonly and: string
}

const after = (n: string, c: string) => n + nb + c
const plainDate = (d: number, m: string, y: number) => `${d} ${m} ${y}`

const gregorian = (s: string): readonly string[] => s.split(' ')

export const locales: Readonly<Record<Lang, Locale>> = {
  az: {
    name: 'Azərbaycan dili', dir: 'ltr', group: '.', decimal: ',', minGrouping: 1,
    money: (n, c) => n + nb + (c === 'AZN' ? '₼' : c),
    months: gregorian('yanvar fevral mart aprel may iyun iyul avqust sentyabr oktyabr noyabr dekabr'),
    date: plainDate, comma: ', ', and: ' və ',
  },
  en: {
    name: 'English', dir: 'ltr', group: ',', decimal: '.', minGrouping: 1,
    money: (n, c) => c + nb + n,
    months: gregorian('January February March April May June July August September October November December'),
    date: plainDate, comma: ', ', and: ' and ',
  },
  fr: {
    name: 'Français', dir: 'ltr', group: nnb, decimal: ',', minGrouping: 1, money: after,
    months: gregorian('janvier février mars avril mai juin juillet août septembre octobre novembre décembre'),
    date: plainDate, comma: ', ', and: ' et ',
  },
  es: {
    name: 'Español', dir: 'ltr', group: '.', decimal: ',', minGrouping: 2, money: after,
    months: gregorian('enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre'),
    date: (d, m, y) => `${d} de ${m} de ${y}`, comma: ', ', and: ' y ',
  },
  de: {
    name: 'Deutsch', dir: 'ltr', group: '.', decimal: ',', minGrouping: 1, money: after,
    months: gregorian('Januar Februar März April Mai Juni Juli August September Oktober November Dezember'),
    date: (d, m, y) => `${d}. ${m} ${y}`, comma: ', ', and: ' und ',
  },
  it: {
    name: 'Italiano', dir: 'ltr', group: '.', decimal: ',', minGrouping: 2, money: after,
    months: gregorian('gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre'),
    date: plainDate, comma: ', ', and: ' e ',
  },
  ar: {
    name: 'العربية', dir: 'rtl', group: ',', decimal: '.', minGrouping: 1, money: after,
    months: gregorian('يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر'),
    date: plainDate, comma: ' و', and: ' و',
  },
  fa: {
    name: 'فارسی', dir: 'rtl', group: ',', decimal: '.', minGrouping: 1, money: after,
    months: gregorian('ژانویهٔ فوریهٔ مارس آوریل مهٔ ژوئن ژوئیهٔ اوت سپتامبر اکتبر نوامبر دسامبر'),
    date: plainDate, comma: '، ', and: ' و ',
  },
  ru: {
    name: 'Русский', dir: 'ltr', group: nb, decimal: ',', minGrouping: 1, money: after,
    months: gregorian('января февраля марта апреля мая июня июля августа сентября октября ноября декабря'),
    date: (d, m, y) => `${d} ${m} ${y} г.`, comma: ', ', and: ' и ',
  },
}

/** The plural forms that a message of the language must carry (CLDR plural rules). */
export const pluralForms: Readonly<Record<Lang, readonly string[]>> = {
  az: ['one', 'other'],
  en: ['one', 'other'],
  de: ['one', 'other'],
  fa: ['one', 'other'],
  fr: ['one', 'many', 'other'],
  es: ['one', 'many', 'other'],
  it: ['one', 'many', 'other'],
  ru: ['one', 'few', 'many', 'other'],
  ar: ['zero', 'one', 'two', 'few', 'many', 'other'],
}
