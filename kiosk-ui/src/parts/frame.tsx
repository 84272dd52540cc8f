// The frame of every screen. Its bands stand in the same place everywhere: on top
// the machine, the language and help, with the progress; then the title and what is
// to be read; below what is touched, the actions, and the person's own settings.
// In reach mode everything that is touched lies in the lower part of the panel.

import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { back, busy, cancel, setOverlay, state, toggleMode } from '../app'
import { t } from '../i18n'
import { locales } from '../i18n/locale'
import type { Modes, State } from '../wire.gen'
import { Button, Code, Message } from './basic'
import { ArrowBack, Contrast, Door, Globe, Help, Info, LargeText, Mark, MoreTime, Reach } from './icons'
import { SignedIn } from './identity'
import { usePages } from './pages'

export interface Main {
  readonly text: string
  readonly act: () => void
  readonly icon?: JSX.Element
  readonly iconAfter?: JSX.Element
  readonly busy?: string // the command it sends: while on its way the button rests
  readonly disabled?: boolean
}

interface FrameProps {
  readonly s: State
  readonly title: string
  /** A sign beside the title: the title is then a banner of the screen's tone. */
  readonly sign?: JSX.Element
  /** Blocks to read; what does not fit goes on a further page. */
  readonly children?: ComponentChildren
  /** The blocks are the items of a list. */
  readonly list?: boolean
  /** What is touched above the actions: a keyboard, a list. */
  readonly touch?: ComponentChildren
  /** The touched part takes the room (lists), instead of the read part. */
  readonly tall?: boolean
  readonly main?: Main | undefined
  /** Another thing to do here, beside the main one. */
  readonly beside?: Main | undefined
  /** Another way back than the daemon's. */
  readonly onBack?: (() => void) | undefined
  readonly back?: boolean
  /** What the way back is called where it leads to another way and not to the last screen. */
  readonly backText?: string
  readonly tools?: boolean
  readonly class?: string
}

export function Frame(p: FrameProps) {
  const { visit } = p.s
  const h1 = useRef<HTMLHeadingElement>(null)
  useEffect(() => h1.current?.focus({ preventScroll: true }), [])
  const pages = usePages(p.children, p.list)
  const { reach, large } = visit.modes
  // With larger text the way back has room for its shortest name only.
  const backText = (large ? undefined : p.backText) ?? t('back')
  const goBack = p.onBack ?? (visit.can_back && p.back !== false ? () => void back() : undefined)
  return (
    <div class={`frame ${p.tall ? 'tall' : ''} ${p.class ?? ''}`}>
      <Top s={p.s} />
      <main>
        <div class="read">
          <h1 ref={h1} tabIndex={-1} class={p.sign ? 'banner' : ''}>{p.sign}<span>{p.title}</span></h1>
          {visit.resumed && !visit.identify?.restarted && <Message tone="calm" icon={<Info />}>{t('resumed')}</Message>}
          {p.children !== undefined && <div class="pages">{pages.view}{!reach && pages.pager}</div>}
        </div>
        <div class="hand">
          {reach && pages.pager}
          {p.touch && <div class="touch">{p.touch}</div>}
          <div class="actions">
            <div class="row">
              {goBack && <Button act={goBack} icon={<ArrowBack />} escape id="back">{backText}</Button>}
              {p.beside && <Act of={p.beside} kind="outline" id="beside" />}
              {p.main && <Act of={p.main} kind="main" id="main" />}
            </div>
            <Cancel s={p.s} />
          </div>
          {p.tools !== false && <Tools s={p.s} />}
        </div>
      </main>
    </div>
  )
}

function Act({ of, kind, id }: { of: Main; kind: 'main' | 'outline'; id: string }) {
  const resting = of.disabled || (of.busy !== undefined && busy.value.has(of.busy))
  return <Button kind={kind} act={of.act} icon={of.icon} iconAfter={of.iconAfter} id={id} disabled={resting}>{of.text}</Button>
}

function Cancel({ s }: { s: State }) {
  const { cancel: way, step, wait } = s.visit
  // Signing out is always true to the money: the daemon offers it only while none is in.
  if (wait && !wait.can_leave && way !== 'sign_out') return null
  const props = { class: 'cancel', id: 'cancel' } as const
  switch (way) {
    case 'none':
      return null
    case 'leave':
      return step === 'submit'
        ? <Button {...props} act={cancel}>{t('cancel.submit')}</Button>
        : <Button {...props} class="cancel short" act={cancel}>{t('cancel.leave')}</Button>
    case 'return':
      return <Button {...props} act={cancel}>{t('cancel.return')}</Button>
    case 'leftover':
      return <Button {...props} act={() => setOverlay('confirm')}>{t('cancel.leftover', { amount: s.money.held })}</Button>
    case 'sign_out':
      return <Button {...props} class="cancel short" icon={<Door />} act={cancel}>{t('cancel.sign_out')}</Button>
    default: {
      const none: never = way
      return none
    }
  }
}

export function Top({ s }: { s: State }) {
  const { progress, service } = s.visit
  return (
    <header class="top">
      <div class="bar">
        <Mark />
        <p class="number"><Code>{`№ ${s.terminal.number}`}</Code></p>
        {!s.visit.modes.reach && <LanguageAndHelp s={s} />}
      </div>
      {(progress || service) && (
        <div class="way">
          {progress && (
            <>
              <p>{t('progress', { at: progress.at, of: progress.of })}</p>
              <progress value={progress.at} max={progress.of} aria-label={t('progress', { at: progress.at, of: progress.of })} />
            </>
          )}
        </div>
      )}
      {s.visit.person && <SignedIn of={s.visit.person} />}
    </header>
  )
}

export function LanguageAndHelp({ s }: { s: State }) {
  const name = locales[s.visit.lang]?.name ?? ''
  return (
    <>
      {s.visit.step !== 'language' && (
        <Button kind="tool" act={() => setOverlay('languages')} icon={<Globe />} id="languages" name={`${t('lang.change')}: ${name}`}>
          {name}
        </Button>
      )}
      <Button kind="tool" act={() => setOverlay('help')} icon={<Help />} id="help" name={t('help')}>{t('help')}</Button>
    </>
  )
}

const modes: readonly (readonly [keyof Modes, 'mode.large' | 'mode.contrast' | 'mode.reach' | 'mode.time', () => JSX.Element])[] = [
  ['large', 'mode.large', LargeText],
  ['contrast', 'mode.contrast', Contrast],
  ['reach', 'mode.reach', Reach],
  ['more_time', 'mode.time', MoreTime],
]

/** The person's settings: low on every screen, within everyone's reach. */
export function Tools({ s }: { s: State }) {
  return (
    <nav class="tools" aria-label={t('mode.group')}>
      {modes.map(([mode, key, Icon]) => (
        <Button key={mode} kind="tool" act={() => toggleMode(mode)} pressed={s.visit.modes[mode]} name={t(key)} icon={<Icon />} />
      ))}
      {state.value?.visit.modes.reach && <LanguageAndHelp s={s} />}
    </nav>
  )
}
