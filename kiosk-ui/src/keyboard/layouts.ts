// The keyboards, drawn in the page. A layout is rows of characters in the order in
// which they stand on the language's usual keyboard, from its reading side.
// Number pads are the same in every language and direction.

import type { Field, Lang } from '../wire.gen'

export type Layout = readonly (readonly string[])[]

/** The zero-width non-joiner, a letter of its own in Persian spelling. */
export const zwnj = '\u200c'

const rows = (...r: string[]): Layout => r.map((s) => s.split(' '))

/** Telephone order: the same in every language. The marked 5 is in the middle. */
export const digitPad: Layout = rows('1 2 3', '4 5 6', '7 8 9')

/** Capital Latin letters and digits, for documents and codes. */
export const latin: Layout = rows('1 2 3 4 5 6 7 8 9 0', 'Q W E R T Y U I O P', 'A S D F G H J K L', 'Z X C V B N M')

/** Digits and the signs that names and addresses need. */
export const signs: Layout = rows('1 2 3 4 5 6 7 8 9 0', '. , - / : ; ( ) №', '@ _ + & " ! ? \' ’')

/** Digits and every sign of ASCII: what a password may hold. */
export const allSigns: Layout = rows('1 2 3 4 5 6 7 8 9 0', '! @ # $ % ^ & * ( ) -', '_ = + [ ] { } \\ | ; :', '\' " , . < > / ? ` ~')

export const letters: Readonly<Record<Lang, Layout>> = {
  az: rows('q ü e r t y u i o p ö ğ', 'a s d f g h j k l ı ə', 'z x c v b n m ç ş w'),
  en: rows('q w e r t y u i o p', 'a s d f g h j k l', 'z x c v b n m'),
  fr: rows('a z e r t y u i o p', 'q s d f g h j k l m', 'w x c v b n é è à', 'ç ê â î ô û ù ë ï œ'),
  es: rows('q w e r t y u i o p', 'a s d f g h j k l ñ', 'z x c v b n m', 'á é í ó ú ü'),
  de: rows('q w e r t z u i o p ü', 'a s d f g h j k l ö ä', 'y x c v b n m ß'),
  it: rows('q w e r t y u i o p', 'a s d f g h j k l', 'z x c v b n m', 'à è é ì ò ù'),
  ar: rows('ض ص ث ق ف غ ع ه خ ح ج', 'ش س ي ب ل ا ت ن م ك ط', 'ئ ء ؤ ر ى ة و ز ظ د ذ', 'أ إ آ ـ'),
  fa: rows('ض ص ث ق ف غ ع ه خ ح ج چ', 'ش س ی ب ل ا ت ن م ک گ', 'ظ ط ژ ز ر ذ د پ و ئ ء', `آ أ ؤ ۀ ${zwnj}`),
  ru: rows('й ц у к е н г ш щ з х ъ', 'ф ы в а п р о л д ж э', 'я ч с м и т ь б ю ё'),
}

/** Languages whose script has capital letters. */
const cased: ReadonlySet<Lang> = new Set(['az', 'en', 'fr', 'es', 'de', 'it', 'ru'])

export function hasCapitals(l: Lang): boolean {
  return cased.has(l)
}

/**
 * The capital of a key in a language's own spelling: in Azerbaijani the capital of
 * i is İ and that of ı is I. Written out, because it must not depend on the
 * browser's locale data.
 */
export function capital(l: Lang, key: string): string {
  if (l === 'az' && key === 'i') return 'İ'
  if (l === 'az' && key === 'ı') return 'I'
  if (key === 'ß') return 'ẞ'
  return key.toUpperCase()
}

/** The keyboards that one can switch between, the person's own first. */
export function scripts(l: Lang): readonly Lang[] {
  return [...new Set<Lang>([l, 'az', l === 'az' ? 'ru' : 'en'])]
}

/** The keyboards of a secret: passwords are mostly written in Latin letters, whatever the language. */
export function secretScripts(l: Lang): readonly Lang[] {
  return [...new Set<Lang>(['en', 'az', l])]
}

const arabicDigits = /[٠-٩۰-۹]/g

/** Any of the digits that people type, as 0-9. */
export function asciiDigits(s: string): string {
  return s.replace(arabicDigits, (d) => String((d.charCodeAt(0) - (d < '۰' ? 0x660 : 0x6f0)) % 10))
}

/** The country's code: a phone number without one is meant to be here. */
const countryCode = '+994'

/**
 * The text of a field after one more key; the same text if the key does not fit it.
 * Codes are capitalised the language-neutral way.
 */
export function press(field: Pick<Field, 'keyboard' | 'max_len'>, text: string, key: string): string {
  let k = asciiDigits(key)
  switch (field.keyboard) {
    case 'digits':
      if (!/^\d$/.test(k)) return text
      break
    case 'phone':
      if (!/^[\d+]$/.test(k) || (k === '+' && text !== '')) return text
      // 050… and 50… are both +994 50…: the trunk 0 is not part of the number.
      if (text === '' && k !== '+') return k === '0' ? countryCode : countryCode + k
      break
    case 'latin':
      k = k === 'ı' ? 'I' : k === 'İ' ? 'I' : k.toUpperCase()
      if (!/^[0-9A-Z]$/.test(k)) return text
      break
    case 'text':
      k = key
      if (k === ' ' && (text === '' || text.endsWith(' '))) return text
      break
    case 'none':
      return text
  }
  const longer = text + k
  return field.max_len > 0 && [...longer].length > field.max_len ? text : longer
}

/** The text without its last character, as a person counts characters. */
export function erase(text: string): string {
  return [...text].slice(0, -1).join('')
}

/**
 * A text in the groups in which it is read: 123 456 789. Numbers beyond the groups
 * form one more. A phone of this country is +994 50 123 45 67 without being told.
 */
export function groups(field: Pick<Field, 'keyboard' | 'group'>, text: string): string[] {
  let sizes = field.group ?? []
  if (sizes.length === 0 && field.keyboard === 'phone' && text.startsWith(countryCode)) sizes = [4, 2, 3, 2, 2]
  if (sizes.length === 0) return text === '' ? [] : [text]
  const chars = [...text]
  const out: string[] = []
  let at = 0
  for (const n of sizes) {
    if (at >= chars.length || n <= 0) break
    out.push(chars.slice(at, at + n).join(''))
    at += n
  }
  if (at < chars.length) out.push(chars.slice(at).join(''))
  return out
}
