// What the compiler holds about texts: every language has every key, and in each
// message the same values as the English one.

import type en from './en'

/** The names of the values of a message. A branch of a plural holds a space or #, which no name does. */
type Names<S extends string> = S extends `${string}{${infer Rest}`
  ? (Rest extends `${infer A}}${string}` ? NameOf<A> : never) | Names<Rest>
  : never

type NameOf<A extends string> = A extends `${infer N},${string}`
  ? Plain<N>
  : Plain<A>

type Plain<N extends string> = N extends `${string} ${string}` | `${string}#${string}` | `${string}{${string}` | '' ? never : N

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

export type Key = keyof typeof en

export type Messages = Readonly<Record<Key, string>>

/** The values that a key's message needs. */
export type NamesOf<K extends Key> = Names<(typeof en)[K]>

/** What T must be to say in another language what R says in English: the same values in each message. */
export type Translation<T, R> = { readonly [K in keyof R]: string } & {
  readonly [K in keyof T]: K extends keyof R ? (Same<Names<T[K] & string>, Names<R[K] & string>> extends true ? string : never) : never
}

/** The values of a message as the arguments of the function that writes it. */
export type ValuesOf<S, A> = [Names<S & string>] extends [never] ? [] : [values: Readonly<Record<Names<S & string>, A>>]

/**
 * Declares a language: a missing key, a key too many, or a message with other
 * values than the English one does not compile.
 */
export function language<const T extends Messages>(
  messages: T & { [K in keyof T]: K extends Key ? (Same<Names<T[K] & string>, NamesOf<K>> extends true ? string : never) : never },
): Messages {
  return messages
}
