// A keyboard of the page's own, chosen by the field and not by the language.

import { useState } from 'preact/hooks'
import { type, typed } from '../app'
import { language, t } from '../i18n'
import { locales } from '../i18n/locale'
import { Button } from '../parts/basic'
import { Clear, Digits, Erase, Joiner, LargeText, Shift } from '../parts/icons'
import type { Field, Lang } from '../wire.gen'
import { capital, digitPad, erase, hasCapitals, latin, type Layout, letters, press, scripts, signs, zwnj } from './layouts'

export function Keyboard({ field }: { field: Field }) {
  switch (field.keyboard) {
    case 'digits':
      return <Pad field={field} extra={null} />
    case 'phone':
      return <Pad field={field} extra="+" />
    case 'latin':
      return <Latin field={field} />
    case 'text':
      return <Free field={field} />
    case 'none':
      return null
    default: {
      const none: never = field.keyboard
      return none
    }
  }
}

function put(field: Field, key: string): void {
  const before = typed()
  const after = press(field, before, key)
  if (after !== before) type(field.name, after)
}

function Key({ field, k }: { field: Field; k: string }) {
  return <Button kind="key" act={() => put(field, k)}>{k}</Button>
}

/** Erase one and Clear all are different keys, apart from Next. */
function EraseKeys({ field }: { field: Field }) {
  const empty = typed() === ''
  return (
    <>
      <Button kind="key" class="wide" act={() => type(field.name, '')} icon={<Clear />} name={t('key.clear')} disabled={empty} id="key-clear" />
      <Button kind="key" class="wide" act={() => type(field.name, erase(typed()))} icon={<Erase />} name={t('key.erase')} disabled={empty} id="key-erase" />
    </>
  )
}

function Pad({ field, extra }: { field: Field; extra: string | null }) {
  const empty = typed() === ''
  return (
    <div class="keyboard pad" role="group" aria-label={t('key.board')} dir="ltr">
      {digitPad.map((row) => (
        <div class="keys" key={row.join('')}>{row.map((k) => <Key key={k} field={field} k={k} />)}</div>
      ))}
      <div class="keys">
        <Button kind="key" act={() => type(field.name, '')} icon={<Clear />} name={t('key.clear')} disabled={empty} id="key-clear" />
        {extra && empty ? <Key field={field} k={extra} /> : null}
        <Key field={field} k="0" />
        <Button kind="key" act={() => type(field.name, erase(typed()))} icon={<Erase />} name={t('key.erase')} disabled={empty} id="key-erase" />
      </div>
    </div>
  )
}

function Rows({ field, layout, change = (k) => k }: { field: Field; layout: Layout; change?: (k: string) => string }) {
  return (
    <>
      {layout.map((row) => (
        <div class="keys" key={row.join('')}>
          {row.map((k) =>
            k === zwnj
              ? <Button key={k} kind="key" act={() => put(field, k)} icon={<Joiner />} name={t('key.joiner')} />
              : <Key key={k} field={field} k={change(k)} />,
          )}
        </div>
      ))}
    </>
  )
}

function Latin({ field }: { field: Field }) {
  return (
    <div class="keyboard" role="group" aria-label={t('key.board')} dir="ltr">
      <Rows field={field} layout={latin} />
      <div class="keys"><EraseKeys field={field} /></div>
    </div>
  )
}

function Free({ field }: { field: Field }) {
  const own: Lang = language.value ?? 'az'
  const all = scripts(own)
  const [script, setScript] = useState<Lang>(own)
  const [shift, setShift] = useState(false)
  const [side, setSide] = useState(false)
  const now = all.includes(script) ? script : own
  const following = all[(all.indexOf(now) + 1) % all.length]!
  const upper = shift && !side && hasCapitals(now)
  return (
    <div class="keyboard" role="group" aria-label={t('key.board')} dir={side ? 'ltr' : locales[now].dir}>
      <Rows field={field} layout={side ? signs : letters[now]} change={upper ? (k) => capital(now, k) : (k) => k} />
      <div class="keys">
        {hasCapitals(now) && !side && (
          <Button kind="key" class="wide" act={() => setShift(!shift)} pressed={shift} icon={<Shift />} name={t('key.shift')} id="key-shift" />
        )}
        <Button
          kind="key" class="wide" act={() => setSide(!side)} pressed={side} name={side ? t('key.letters') : t('key.digits')}
          icon={side ? <LargeText /> : <Digits />} id="key-signs"
        />
        <Button kind="key" class="space" act={() => put(field, ' ')} name={t('key.space')} id="key-space" />
        <EraseKeys field={field} />
      </div>
      <div class="keys">
        <Button kind="key" class="script" act={() => setScript(following)} name={t('key.script', { script: locales[following].name })} lang={following} dir={locales[following].dir} id="key-script">
          {locales[following].name}
        </Button>
      </div>
    </div>
  )
}
