// What lies over a screen: the warning that time runs out, help, the languages, and
// the question before a payment is stopped. While one is open the screen below is
// inert; the focus moves in, and back when it closes.

import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { busy, cancel, chooseLanguage, moreTime, setOverlay } from '../app'
import { t } from '../i18n'
import { locales } from '../i18n/locale'
import { call } from '../sound'
import { langs, nameMoreTime, type Lang, type State } from '../wire.gen'
import { Button, Code, Message, Quoted } from './basic'
import { Check, Clock, Cross, Phone, Shield, Warn } from './icons'
import { Pages } from './pages'

export function Dialog(p: { role: 'dialog' | 'alertdialog'; title: string; class: string; children: ComponentChildren; buttons: ComponentChildren }) {
  const box = useRef<HTMLElement>(null)
  // Before the browser takes the focus from the screen below, which is inert now.
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null
    const first = box.current?.querySelector<HTMLElement>('button:not([aria-disabled])')
    ;(first ?? box.current)?.focus({ preventScroll: true })
    return () => {
      requestAnimationFrame(() => before?.isConnected && before.focus({ preventScroll: true }))
    }
  }, [])
  return (
    <section ref={box} class={`dialog ${p.class}`} role={p.role} aria-modal="true" aria-labelledby="dialog-title" tabIndex={-1}>
      <h1 id="dialog-title">{p.title}</h1>
      <Pages>{p.children}</Pages>
      <div class="dialog-buttons">{p.buttons}</div>
    </section>
  )
}

/** Shown over everything, from 20 s before the end; announced at 20, 10 and 5. Text: what comes then, if no visit ends. */
export function Warning({ s, text }: { s: State; text?: string | undefined }) {
  const w = s.visit.warning!
  const spoken = w.seconds_left > 10 ? 20 : w.seconds_left > 5 ? 10 : 5
  const [said, say] = useState('')
  useEffect(() => {
    call()
    say(t('warn.left', { n: Math.min(spoken, w.seconds_left) }))
  }, [spoken])
  return (
    <Dialog
      role="alertdialog" class="warning" title={t('warn.title')}
      buttons={<Button kind="main" act={moreTime} icon={<Clock />} disabled={busy.value.has(nameMoreTime)} id="more-time">{t('warn.more')}</Button>}
    >
      <p class="seconds" aria-hidden="true"><bdi dir="ltr">{String(w.seconds_left)}</bdi></p>
      <p class="seconds-words" aria-hidden="true">{t('warn.left', { n: w.seconds_left })}</p>
      <p class="spoken" aria-live="assertive">{said}</p>
      {w.money_in
        ? <Message tone="good" icon={<Shield />}>{t('warn.money')}</Message>
        : <Message tone="calm" icon={<Shield />}>{text ?? t('warn.nomoney')}</Message>}
    </Dialog>
  )
}

export function HelpDialog({ s }: { s: State }) {
  const m = s.terminal
  return (
    <Dialog
      role="dialog" class="help" title={t('help')}
      buttons={<Button kind="main" act={() => setOverlay('none')} icon={<Cross />} escape id="close">{t('close')}</Button>}
    >
      <Message tone="calm" icon={<Phone />}>{t('help.text')}</Message>
      <Quoted
        rows={[
          [t('help.machine'), <Code>{m.number}</Code>],
          [t('help.phone'), <Code>{m.phone}</Code>],
          ...(m.hours ? [[t('help.hours'), <bdi>{m.hours}</bdi>] as const] : []),
        ]}
      />
      <Quoted rows={[[t('help.owner'), <bdi>{m.owner}</bdi>], [t('help.address'), <bdi>{m.address}</bdi>]]} />
    </Dialog>
  )
}

export function LanguagesDialog({ s }: { s: State }) {
  return (
    <Dialog
      role="dialog" class="languages-dialog" title={t('lang.title')}
      buttons={<Button act={() => setOverlay('none')} icon={<Cross />} escape id="close">{t('close')}</Button>}
    >
      <Languages s={s} choose={(l) => void chooseLanguage(l)} />
    </Dialog>
  )
}

/** Before a payment with money in is stopped: it cannot be undone. */
export function ConfirmDialog({ s }: { s: State }) {
  return (
    <Dialog
      role="alertdialog" class="confirm" title={t('confirm.title')}
      buttons={
        <>
          <Button kind="main" act={() => setOverlay('none')} escape id="confirm-no">{t('confirm.no')}</Button>
          <Button act={() => (setOverlay('none'), void cancel())} id="confirm-yes">{t('confirm.yes')}</Button>
        </>
      }
    >
      <Message tone="care" icon={<Warn />}>{t('confirm.text', { amount: s.money.held })}</Message>
    </Dialog>
  )
}

/** Each language by its own name, in its own script and direction. */
export function Languages({ s, choose, mark = true }: { s: State; choose: (l: Lang) => void; mark?: boolean }) {
  const offered = (s.service?.langs ?? s.terminal.langs ?? []).filter((l) => (langs as readonly string[]).includes(l))
  return (
    <div class="languages">
      {(offered.length > 0 ? offered : langs).map((l) => (
        <Button
          key={l} kind="choice" act={() => choose(l)} lang={l} dir={locales[l].dir} id={`lang-${l}`}
          pressed={mark ? s.visit.lang === l : undefined}
          {...(mark && s.visit.lang === l ? { icon: <Check /> } : {})}
        >
          {locales[l].name}
        </Button>
      ))}
    </div>
  )
}
