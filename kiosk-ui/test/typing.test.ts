import { describe, expect, it } from 'vitest'
import { Draft } from '../src/draft'
import { capital, digitPad, erase, groups, latin, letters, press, scripts, zwnj } from '../src/keyboard/layouts'
import { langs, type Keyboard } from '../src/wire.gen'

const field = (keyboard: Keyboard, max_len = 0) => ({ keyboard, max_len })
const typeAll = (keyboard: Keyboard, keys: string, max = 0) => [...keys].reduce((t, k) => press(field(keyboard, max), t, k), '')

describe('press', () => {
  const cases: [what: string, keyboard: Keyboard, keys: string, max: number, want: string][] = [
    ['digits take digits only', 'digits', '12a3 -4', 0, '1234'],
    ['native digits become 0-9', 'digits', '١٢۳', 0, '123'],
    ['a full field takes no more', 'digits', '12345', 3, '123'],
    ['codes are capitals, the language-neutral way', 'latin', '5vbk5vr', 7, '5VBK5VR'],
    ['the Azerbaijani i and ı are I in a code', 'latin', 'fin1ıİ', 0, 'FIN1II'],
    ['a code has no other letters', 'latin', 'AƏ-B', 0, 'AB'],
    ['a number of this country', 'phone', '501234567', 0, '+994501234567'],
    ['with the trunk 0', 'phone', '0501234567', 0, '+994501234567'],
    ['a number of another country', 'phone', '+4930123', 0, '+4930123'],
    ['one + only', 'phone', '+49+30', 0, '+4930'],
    ['text keeps its letters and digits', 'text', 'Ə ı١', 0, 'Ə ı١'],
    ['no space first, none twice', 'text', '  a  b', 0, 'a b'],
    ['choices are not typed', 'none', 'abc', 0, ''],
  ]
  it.each(cases)('%s', (_, keyboard, keys, max, want) => expect(typeAll(keyboard, keys, max)).toBe(want))
})

it('erase takes one character, as a person counts', () => {
  expect(erase('abə')).toBe('ab')
  expect(erase('a😀')).toBe('a')
  expect(erase('')).toBe('')
})

describe('groups for reading', () => {
  const cases: [keyboard: Keyboard, group: number[] | undefined, text: string, want: string[]][] = [
    ['digits', [3, 3, 3], '123027172', ['123', '027', '172']],
    ['digits', [3, 3, 3], '1230', ['123', '0']],
    ['digits', [3], '12345', ['123', '45']],
    ['digits', undefined, '12345', ['12345']],
    ['digits', [0], '12', ['12']],
    ['digits', undefined, '', []],
    ['phone', undefined, '+994501234567', ['+994', '50', '123', '45', '67']],
    ['phone', undefined, '+4930123', ['+4930123']],
  ]
  it.each(cases)('%s %j %s', (keyboard, group, text, want) =>
    expect(groups({ keyboard, ...(group ? { group } : {}) }, text)).toEqual(want))
})

describe('keyboards', () => {
  it('hold every letter of the language once', () => {
    const alphabets: Record<string, string> = {
      az: 'abcçdeəfgğhxıijkqlmnoöprsştuüvyz',
      en: 'abcdefghijklmnopqrstuvwxyz',
      fr: 'abcdefghijklmnopqrstuvwxyzéèàçêâîôûùëïœ',
      es: 'abcdefghijklmnñopqrstuvwxyzáéíóúü',
      de: 'abcdefghijklmnopqrstuvwxyzäöüß',
      it: 'abcdefghijklmnopqrstuvwxyzàèéìòù',
      ru: 'абвгдеёжзийклмнопрстуфхцчшщъыьэюя',
      ar: 'ابتثجحخدذرزسشصضطظعغفقكلمنهويءآأؤإئةى'.replace('آ', ''),
      fa: `آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیءئ${zwnj}`,
    }
    for (const l of langs) {
      const keys = letters[l].flat()
      expect(new Set(keys).size, l).toBe(keys.length)
      for (const letter of alphabets[l]!) expect(keys, `${l} ${letter}`).toContain(letter)
    }
  })

  it('fit the panel: at most thirteen keys of 15 mm in a row', () => {
    for (const layout of [latin, ...langs.map((l) => letters[l])]) for (const row of layout) expect(row.length).toBeLessThanOrEqual(13)
  })

  it('number pads are the same in every language, 1 first', () => expect(digitPad.flat().join('')).toBe('123456789'))

  it('capitals are the language’s own', () => {
    expect(['i', 'ı', 'ə', 'ğ'].map((k) => capital('az', k)).join('')).toBe('İIƏĞ')
    expect(capital('en', 'i')).toBe('I')
    expect(capital('de', 'ß')).toBe('ẞ')
  })

  it('one can always reach Latin letters, the own script first', () => {
    for (const l of langs) {
      expect(scripts(l)[0]).toBe(l)
      expect(scripts(l).length).toBeGreaterThan(1)
      expect(scripts(l).some((s) => letters[s].flat().includes('a'))).toBe(true)
    }
  })
})

describe('a field while it is typed into', () => {
  it('shows a key at once, keeps it while answers come, and then shows the state', () => {
    const d = new Draft()
    const first = d.type('f', '1')
    expect(d.shown('f', '')).toBe('1')
    const second = d.type('f', '12')
    d.answered(first)
    expect(d.shown('f', '1')).toBe('12') // the state of the first key must not flicker
    d.answered(second)
    expect(d.shown('f', '12')).toBe('12')
    expect(d.shown('f', '99')).toBe('99') // from here on the state alone counts
  })

  it('gives way to a state that differs: the daemon has cut the text, or refused it', () => {
    const d = new Draft()
    d.answered(d.type('f', '12'))
    expect(d.shown('f', '1')).toBe('1')
  })

  it('is not ended by the late answer to a text of another screen', () => {
    const d = new Draft()
    const before = d.type('f', '1')
    d.clear()
    d.type('f', '2')
    d.answered(before)
    expect(d.shown('f', '')).toBe('2')
  })

  it('is another field’s text never', () => {
    const d = new Draft()
    d.type('f', '1')
    expect(d.shown('g', '7')).toBe('7')
    d.clear()
    expect(d.shown('f', '')).toBe('')
  })
})
