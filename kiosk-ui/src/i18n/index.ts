// The language in force: the last one whose texts have arrived. The texts of a
// language are a chunk of their own; all nine are fetched soon after the start,
// while the daemon that serves them is certainly there.

import { signal } from '@preact/signals'
import { langs, type Amount, type Lang, type Text, type Val } from '../wire.gen'
import { formatDay, formatMoment, formatMoney } from './format'
import { locales } from './locale'
import { MessageError, type Arg, format, toVal } from './message'
import type { Key, Messages, NamesOf } from './types'

const loaders: Readonly<Record<Lang, () => Promise<{ default: Messages }>>> = {
  az: () => import('./az'),
  en: () => import('./en'),
  fr: () => import('./fr'),
  es: () => import('./es'),
  de: () => import('./de'),
  it: () => import('./it'),
  ar: () => import('./ar'),
  fa: () => import('./fa'),
  ru: () => import('./ru'),
}

const loaded = new Map<Lang, Messages>()
const loading = new Map<Lang, Promise<void>>()

/** The language on the screen; undefined until the first texts are here. */
export const language = signal<Lang | undefined>(undefined)

export function isLoaded(l: Lang): boolean {
  return loaded.has(l)
}

/** Fetches a language's texts; a failure is forgotten, so that the next call tries again. */
export function load(l: Lang): Promise<void> {
  let p = loading.get(l)
  if (!p) {
    p = loaders[l]().then(
      (m) => void loaded.set(l, m.default),
      (e: unknown) => {
        loading.delete(l)
        throw e
      },
    )
    loading.set(l, p)
  }
  return p
}

/** Fetches what is still missing, one language after another. */
export async function loadAll(): Promise<void> {
  for (const l of langs) await load(l).catch(() => undefined)
}

/** Sets the language, its direction and the root's attributes in one go. */
export function apply(l: Lang): void {
  document.documentElement.lang = l
  document.documentElement.dir = locales[l].dir
  language.value = l
}

export type Args<K extends Key> = [NamesOf<K>] extends [never] ? [] : [values: Readonly<Record<NamesOf<K>, Arg>>]

/** Writes a message of the page with its values. */
export function fill(l: Lang, pattern: string, values: Readonly<Record<string, Arg>> = {}): string {
  return format(l, pattern, Object.fromEntries(Object.entries(values).map(([k, v]) => [k, toVal(v)])))
}

/** A text of the page's own in the language in force. */
export function t<K extends Key>(key: K, ...args: Args<K>): string {
  const l = language.value
  const pattern = l && loaded.get(l)?.[key]
  return l && pattern ? fill(l, pattern, args[0] as Readonly<Record<string, Arg>>) : ''
}

/** A sentence of the catalogue, already in the visit's language. */
export function sentence(text: Text): string {
  try {
    return format(language.value ?? 'az', text.pattern, text.values)
  } catch (e) {
    // The bundle's checker refuses such a pattern; if one comes all the same, its
    // words are better than an empty screen.
    if (e instanceof MessageError) return text.pattern
    throw e
  }
}

/** One value of the wire, written as it would be inside a sentence. */
export function value(v: Val): string {
  return format(language.value ?? 'az', '{v}', { v })
}

/** A day or a moment of the wire in the language's words. */
export const day = (s: string): string => formatDay(language.value ?? 'az', s)
export const moment = (s: string): string => formatMoment(language.value ?? 'az', s)

/** An amount for an element of its own (see Money in parts); in sentences it is a value. */
export function money(a: Amount, short = false): string {
  return formatMoney(language.value ?? 'az', a, short)
}
