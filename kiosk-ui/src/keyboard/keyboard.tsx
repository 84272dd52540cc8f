// A keyboard of the page's own, chosen by the field and not by the language.

import { useState } from 'preact/hooks'
import { secretKey, type, typed } from '../app'
import { language, t } from '../i18n'
import { locales } from '../i18n/locale'
import { Button } from '../parts/basic'
import { Clear, Digits, Erase, Joiner, LargeText, Shift } from '../parts/icons'
import { clearKey, eraseKey, pinField, secretRune } from '../secret'
import type { Field, Keyboard as Kind, Lang } from '../wire.gen'
import { allSigns, capital, digitPad, erase, hasCapitals, latin, type Layout, letters, press, scripts, secretScripts, signs, zwnj } from './layouts'

/** What the keys of a keyboard do. */
export interface Hand {
  readonly put: (key: string) => void
  readonly erase: () => void
  readonly clear: () => void
  readonly empty: boolean
  /** The keys are those of a secret. */
  readonly quiet: boolean
}

function plain(field: Field): Hand {
  const before = typed()
  return {
    put(key) {
      const after = press(field, typed(), key)
      if (after !== typed()) type(field.name, after)
    },
    erase: () => type(field.name, erase(typed())),
    clear: () => type(field.name, ''),
    empty: before === '',
    quiet: false,
  }
}

function secret(name: string, keyboard: Kind, length: number): Hand {
  return {
    put(key) {
      const rune = secretRune(keyboard, key)
      if (rune !== undefined) secretKey(name, rune)
    },
    erase: () => secretKey(name, eraseKey),
    clear: () => secretKey(name, clearKey),
    empty: length === 0,
    quiet: true,
  }
}

export function Keyboard({ field }: { field: Field }) {
  const hand = field.secret ? secret(field.name, field.keyboard, field.length) : plain(field)
  switch (field.keyboard) {
    case 'digits':
      return <Pad hand={hand} extra={null} />
    case 'phone':
      return <Pad hand={hand} extra={field.secret ? null : '+'} />
    case 'latin':
      return <Latin hand={hand} />
    case 'text':
      return <Free hand={hand} />
    case 'none':
      return null
    default: {
      const none: never = field.keyboard
      return none
    }
  }
}

/** The number pad of a PIN, a card's if nothing else is said: the same in every language and direction. */
export function PinPad({ length, field = pinField }: { length: number; field?: string }) {
  return <Pad hand={secret(field, 'digits', length)} extra={null} />
}

function Key({ hand, k }: { hand: Hand; k: string }) {
  return <Button kind="key" quiet={hand.quiet} act={() => hand.put(k)}>{k}</Button>
}

/** Erase one and Clear all are different keys, apart from Next. */
function ClearKey({ hand, wide = false }: { hand: Hand; wide?: boolean }) {
  return <Button kind="key" class={wide ? 'wide' : ''} quiet={hand.quiet} act={hand.clear} icon={<Clear />} name={t('key.clear')} disabled={hand.empty} id="key-clear" />
}

function EraseKey({ hand, wide = false }: { hand: Hand; wide?: boolean }) {
  return <Button kind="key" class={wide ? 'wide' : ''} quiet={hand.quiet} act={hand.erase} icon={<Erase />} name={t('key.erase')} disabled={hand.empty} id="key-erase" />
}

export function Pad({ hand, extra = null }: { hand: Hand; extra?: string | null }) {
  return (
    <div class="keyboard pad" role="group" aria-label={t('key.board')} dir="ltr">
      {digitPad.map((row) => (
        <div class="keys" key={row.join('')}>{row.map((k) => <Key key={k} hand={hand} k={k} />)}</div>
      ))}
      <div class="keys">
        <ClearKey hand={hand} />
        {extra && hand.empty ? <Key hand={hand} k={extra} /> : null}
        <Key hand={hand} k="0" />
        <EraseKey hand={hand} />
      </div>
    </div>
  )
}

function Rows({ hand, layout, change = (k) => k }: { hand: Hand; layout: Layout; change?: (k: string) => string }) {
  return (
    <>
      {layout.map((row) => (
        <div class="keys" key={row.join('')}>
          {row.map((k) =>
            k === zwnj
              ? <Button key={k} kind="key" quiet={hand.quiet} act={() => hand.put(k)} icon={<Joiner />} name={t('key.joiner')} />
              : <Key key={k} hand={hand} k={change(k)} />,
          )}
        </div>
      ))}
    </>
  )
}

function Latin({ hand }: { hand: Hand }) {
  return (
    <div class="keyboard" role="group" aria-label={t('key.board')} dir="ltr">
      <Rows hand={hand} layout={latin} />
      <div class="keys"><ClearKey hand={hand} wide /><EraseKey hand={hand} wide /></div>
    </div>
  )
}

/** Free text in the person's own script first; a secret in Latin letters first, with every sign that a password may hold. */
function Free({ hand }: { hand: Hand }) {
  const own: Lang = language.value ?? 'az'
  const all = hand.quiet ? secretScripts(own) : scripts(own)
  const [script, setScript] = useState<Lang>(all[0]!)
  const [shift, setShift] = useState(false)
  const [side, setSide] = useState(false)
  const now = all.includes(script) ? script : all[0]!
  const following = all[(all.indexOf(now) + 1) % all.length]!
  const upper = shift && !side && hasCapitals(now)
  return (
    <div class="keyboard" role="group" aria-label={t('key.board')} dir={side ? 'ltr' : locales[now].dir}>
      <Rows hand={hand} layout={side ? (hand.quiet ? allSigns : signs) : letters[now]} change={upper ? (k) => capital(now, k) : (k) => k} />
      <div class="keys">
        {hasCapitals(now) && !side && (
          <Button kind="key" class="wide" act={() => setShift(!shift)} pressed={shift} icon={<Shift />} name={t('key.shift')} id="key-shift" />
        )}
        <Button
          kind="key" class="wide" act={() => setSide(!side)} pressed={side} name={side ? t('key.letters') : t('key.digits')}
          icon={side ? <LargeText /> : <Digits />} id="key-signs"
        />
        <Button kind="key" class="space" quiet={hand.quiet} act={() => hand.put(' ')} name={t('key.space')} id="key-space" />
        <ClearKey hand={hand} wide />
        <EraseKey hand={hand} wide />
      </div>
      <div class="keys">
        <Button kind="key" class="script" act={() => setScript(following)} name={t('key.script', { script: locales[following].name })} lang={following} dir={locales[following].dir} id="key-script">
          {locales[following].name}
        </Button>
      </div>
    </div>
  )
}
