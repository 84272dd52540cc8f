// The small parts of which every screen is made.

import type { ComponentChildren, JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { money, t } from '../i18n'
import { wink } from '../secret'
import { tick } from '../sound'
import { pressable } from '../touch'
import type { Amount } from '../wire.gen'

export interface ButtonProps {
  readonly act: () => void
  readonly kind?: 'main' | 'outline' | 'tool' | 'choice' | 'key'
  readonly icon?: JSX.Element | undefined
  readonly iconAfter?: JSX.Element | undefined
  /** The name for those who do not see it; needed when there is no text. */
  readonly name?: string | undefined
  readonly disabled?: boolean
  readonly pressed?: boolean | undefined
  readonly escape?: boolean
  /** A key of a secret: it does not show that it is pressed, and every such key feels the same. */
  readonly quiet?: boolean
  readonly id?: string
  readonly lang?: string
  readonly dir?: 'ltr' | 'rtl'
  readonly class?: string
  readonly children?: ComponentChildren
}

function feelSecret(): void {
  tick()
  wink()
}

/** A button that acts on release; sliding off cancels. */
export function Button(p: ButtonProps) {
  return (
    <button
      type="button"
      id={p.id}
      class={`button ${p.kind ?? 'outline'} ${p.class ?? ''}`}
      aria-label={p.name}
      aria-pressed={p.pressed}
      aria-disabled={p.disabled ? true : undefined}
      data-escape={p.escape ? '' : undefined}
      lang={p.lang}
      dir={p.dir}
      {...pressable(p.act, p.quiet ? feelSecret : p.kind === 'key' ? tick : undefined, p.quiet)}
    >
      {p.icon}
      {p.children !== undefined && <span class="words">{p.children}</span>}
      {p.iconAfter}
    </button>
  )
}

/** An amount as an element of its own: always left to right. */
export function Money({ of, short = false }: { of: Amount; short?: boolean }) {
  return <bdi dir="ltr" class="money">{money(of, short)}</bdi>
}

/** The largest amount of a screen; a long one is written smaller, never cut. */
export function Huge({ of }: { of: Amount }) {
  const size = money(of).length
  return <p class={size > 13 ? 'huge longer' : size > 9 ? 'huge long' : 'huge'}><Money of={of} /></p>
}

/** A number, reference or phone as it is dictated: always left to right. */
export function Code({ children }: { children: string }) {
  return <bdi dir="ltr" class="code">{children}</bdi>
}

/** The notes that are taken, as small notes. */
export function Notes({ of, label }: { of: readonly Amount[]; label: string }) {
  return (
    <div class="notes">
      <h2 class="label">{label}</h2>
      <ul>
        {of.map((a) => <li key={`${a.minor}${a.currency}`}><Money of={a} short /></li>)}
      </ul>
    </div>
  )
}

export type Tone = 'good' | 'calm' | 'care' | 'bad'

/** A message with its sign: colour is never the only one. */
export function Message({ tone, icon, children }: { tone: Tone; icon: JSX.Element; children: ComponentChildren }) {
  return (
    <div class={`message ${tone}`}>
      {icon}
      <p>{children}</p>
    </div>
  )
}

/** What to quote when calling: the machine's number and the phone. */
export function Quoted({ rows }: { rows: readonly (readonly [label: string, value: ComponentChildren])[] }) {
  return (
    <dl class="quoted">
      {rows.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** A QR code from its rows of '0' and '1' modules, with its quiet zone of four (ISO/IEC 18004). */
export function QR({ rows }: { rows: readonly string[] }) {
  const path = useMemo(() => {
    let d = ''
    rows.forEach((row, y) => {
      for (const run of row.matchAll(/1+/g)) d += `M${run.index + 4} ${y + 4}h${run[0].length}v1h-${run[0].length}z`
    })
    return d
  }, [rows])
  const size = rows.length + 8
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t('ref.qr')}>
      <rect class="qr-ground" width={size} height={size} />
      <path class="qr-modules" d={path} />
    </svg>
  )
}
