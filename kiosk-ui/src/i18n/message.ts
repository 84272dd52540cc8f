// Messages: the small part of ICU MessageFormat that this product uses, for the
// page's own texts and for the sentences of the signed catalogue alike.
//
//   {name}                                   a value
//   {n, plural, one {# note} other {# notes}} one of the language's plural forms;
//                                            =0 {none} matches a number exactly;
//                                            # is the number, written in the language's way
//
// A branch may hold {name} but not another plural. There is no quoting: braces are
// never text, and # is text outside a plural. `other` is obligatory. Every value is
// wrapped in an isolate, so that it cannot disturb the direction of the sentence
// (Unicode UAX 9, section 2.4): a word or name in a first-strong one; a number, an
// amount and a code in a left-to-right one.

import type { Amount, Lang, Val } from '../wire.gen'
import { formatMoney, formatNumber } from './format'

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; name: string }
  | { kind: 'number' } // the # of a plural branch
  | { kind: 'plural'; name: string; exact: Map<number, Node[]>; forms: Map<string, Node[]> }

export class MessageError extends Error {}

const lri = '\u2066'
const fsi = '\u2068'
const pdi = '\u2069'

/** What a page's own text takes: a word, a number, money or a code. */
export type Arg = string | number | Amount | { readonly code: string }

export function isolateLtr(s: string): string {
  return lri + s + pdi
}

export function toVal(a: Arg): Val {
  if (typeof a === 'string') return { str: a }
  if (typeof a === 'number') return { num: a }
  if ('code' in a) return { code: a.code }
  return { money: a }
}

const name = /^[a-z_][a-z0-9_]*$/
const maxLength = 4000

class Parser {
  private at = 0
  constructor(private readonly src: string) {}

  parse(): Node[] {
    if (this.src.length > maxLength) throw new MessageError('the message is too long')
    const nodes = this.nodes(false)
    if (this.at < this.src.length) throw new MessageError(`unexpected } at ${this.at}`)
    return nodes
  }

  private nodes(inPlural: boolean): Node[] {
    const out: Node[] = []
    let text = ''
    const flush = () => {
      if (text !== '') out.push({ kind: 'text', text })
      text = ''
    }
    while (this.at < this.src.length) {
      const c = this.src[this.at]
      if (c === '}') break
      if (c === '{') {
        flush()
        out.push(this.placeholder(inPlural))
      } else if (c === '#' && inPlural) {
        flush()
        out.push({ kind: 'number' })
        this.at++
      } else {
        text += c
        this.at++
      }
    }
    flush()
    return out
  }

  private placeholder(inPlural: boolean): Node {
    this.at++
    const id = this.until(/[,}]/).trim()
    if (!name.test(id)) throw new MessageError(`bad name "${id}"`)
    if (this.take() === '}') return { kind: 'value', name: id }
    if (inPlural) throw new MessageError('a plural inside a plural')
    const type = this.until(/[,}]/).trim()
    if (type !== 'plural' || this.take() !== ',') throw new MessageError(`unknown format "${type}"`)
    return this.plural(id)
  }

  private plural(id: string): Node {
    const exact = new Map<number, Node[]>()
    const forms = new Map<string, Node[]>()
    for (;;) {
      this.skipSpace()
      if (this.src[this.at] === '}') {
        this.at++
        break
      }
      const selector = this.until(/[{}]/).trim()
      if (this.take() !== '{') throw new MessageError('a plural branch needs braces')
      const body = this.nodes(true)
      if (this.take() !== '}') throw new MessageError('a plural branch is not closed')
      if (/^=\d{1,9}$/.test(selector)) exact.set(Number(selector.slice(1)), body)
      else if (/^(zero|one|two|few|many|other)$/.test(selector)) forms.set(selector, body)
      else throw new MessageError(`unknown plural form "${selector}"`)
    }
    if (!forms.has('other')) throw new MessageError('a plural needs the form "other"')
    return { kind: 'plural', name: id, exact, forms }
  }

  private until(stop: RegExp): string {
    const from = this.at
    while (this.at < this.src.length && !stop.test(this.src[this.at]!)) this.at++
    if (this.at >= this.src.length) throw new MessageError('the message is not closed')
    return this.src.slice(from, this.at)
  }

  private take(): string | undefined {
    return this.src[this.at++]
  }

  private skipSpace(): void {
    while (/\s/.test(this.src[this.at] ?? '')) this.at++
  }
}

const parsed = new Map<string, Node[]>()
const maxParsed = 1000 // a page runs for a day; the catalogue and the languages are far below this

function parse(pattern: string): Node[] {
  let nodes = parsed.get(pattern)
  if (!nodes) {
    nodes = new Parser(pattern).parse()
    if (parsed.size >= maxParsed) parsed.clear()
    parsed.set(pattern, nodes)
  }
  return nodes
}

const rules = new Map<Lang, Intl.PluralRules>()

export function pluralForm(lang: Lang, n: number): string {
  let r = rules.get(lang)
  if (!r) rules.set(lang, (r = new Intl.PluralRules(lang)))
  return r.select(n)
}

function write(lang: Lang, v: Val | undefined): string {
  if (v?.money) return lri + formatMoney(lang, v.money) + pdi
  if (v?.num !== undefined) return lri + formatNumber(lang, v.num) + pdi
  if (v?.code !== undefined) return lri + v.code + pdi
  return fsi + (v?.str ?? '') + pdi
}

function render(lang: Lang, nodes: readonly Node[], values: Readonly<Record<string, Val>>, n: number): string {
  let out = ''
  for (const node of nodes) {
    switch (node.kind) {
      case 'text':
        out += node.text
        break
      case 'value':
        out += write(lang, values[node.name])
        break
      case 'number':
        out += lri + formatNumber(lang, n) + pdi
        break
      case 'plural': {
        const count = values[node.name]?.num ?? 0
        const body = node.exact.get(count) ?? node.forms.get(pluralForm(lang, count)) ?? node.forms.get('other')!
        out += render(lang, body, values, count)
      }
    }
  }
  return out
}

/**
 * Formats a message; throws MessageError if the pattern is not in the subset.
 */
export function format(lang: Lang, pattern: string, values: Readonly<Record<string, Val>> = {}): string {
  return render(lang, parse(pattern), values, 0)
}

/**
 * What a pattern asks for: its values' names, and the plural forms of each of its
 * plurals. For the tests that hold the nine languages together.
 */
export function inspect(pattern: string): { names: string[]; plurals: string[][] } {
  const names = new Set<string>()
  const plurals: string[][] = []
  const walk = (nodes: readonly Node[]) => {
    for (const n of nodes) {
      if (n.kind === 'value') names.add(n.name)
      if (n.kind === 'plural') {
        names.add(n.name)
        plurals.push([...n.forms.keys()])
        for (const body of [...n.forms.values(), ...n.exact.values()]) walk(body)
      }
    }
  }
  walk(parse(pattern))
  return { names: [...names].sort(), plurals }
}
