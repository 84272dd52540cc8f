// The texts of service mode in its three languages. They are one fetch with its
// screens, so that a language is there when it is chosen.

import { fill, language } from '../i18n'
import type { Arg } from '../i18n/message'
import type { ValuesOf } from '../i18n/types'
import type { Lang } from '../wire.gen'
import type en from './texts-en'

export type ServiceKey = keyof typeof en

type Texts = Readonly<Record<ServiceKey, string>>

/** The languages of service mode; the daemon says the same in ServiceMode.Langs. */
const loaders = {
  az: () => import('./texts-az'),
  ru: () => import('./texts-ru'),
  en: () => import('./texts-en'),
} satisfies Partial<Record<Lang, () => Promise<{ default: Texts }>>>

const texts = new Map<Lang, Texts>()

export async function load(): Promise<void> {
  await Promise.all(Object.entries(loaders).map(async ([l, from]) => void texts.set(l as Lang, (await from()).default)))
}

/** A text of service mode in the language in force. */
export function w<K extends ServiceKey>(key: K, ...args: ValuesOf<(typeof en)[K], Arg>): string {
  const l = texts.has(language.value!) ? language.value! : 'en'
  return fill(l, texts.get(l)?.[key] ?? '', args[0] as Readonly<Record<string, Arg>>)
}
