// How it ended. Every such screen answers in this order: where the money is, what
// happened, what to do now, what to quote.

import type { JSX } from 'preact'
import { chooseLanguage, next, slipAgain } from '../app'
import { sentence, t } from '../i18n'
import { Code, Message, QR, Quoted, type Tone } from '../parts/basic'
import { Frame, type Main } from '../parts/frame'
import { ArrowOn, Check, Clock, Info, Phone, Shield, Slip, SlipSlot, Voucher, Warn } from '../parts/icons'
import { TakeCard } from '../parts/identity'
import { Languages } from '../parts/overlays'
import { nameNext, nameSlipAgain, type Fate, type Outcome, type State } from '../wire.gen'

/** The words and the sign of each fate of the money. */
function fateOf(o: Outcome): { text: string; tone: Tone; icon: JSX.Element } {
  switch (o.money) {
    case 'none':
      return { text: t('fate.none'), tone: 'calm', icon: <Shield /> }
    case 'held':
      return { text: t('fate.held'), tone: 'calm', icon: <Shield /> }
    case 'returned':
      return { text: t('fate.returned'), tone: 'calm', icon: <Shield /> }
    case 'posted':
      return { text: t('fate.posted', { amount: o.paid }), tone: 'good', icon: <Check /> }
    case 'pending':
      return { text: t('fate.pending', { amount: o.paid }), tone: 'care', icon: <Clock /> }
    case 'leftover':
      return { text: t('fate.leftover', { amount: o.leftover }), tone: 'care', icon: <Voucher /> }
    case 'doubt':
      return { text: t('fate.doubt'), tone: 'care', icon: <Warn /> }
    default: {
      const none: never = o.money
      return none
    }
  }
}

/** Fates after which money is somewhere: they say what to do, whatever the cause was. */
const moneyFates = ['held', 'posted', 'pending', 'leftover', 'doubt'] as const satisfies readonly Fate[]
type MoneyFate = (typeof moneyFates)[number]

function isMoneyFate(f: Fate): f is MoneyFate {
  return (moneyFates as readonly Fate[]).includes(f)
}

// The blocks of the screen; null is no block. The rest of an overpayment and notes
// in doubt are fates of their own beside the main one.

function leftover(o: Outcome): JSX.Element | null {
  if (o.money === 'leftover' || o.leftover.minor <= 0) return null
  return <Message tone="care" icon={<Voucher />}>{t('also.leftover', { amount: o.leftover })}</Message>
}

function doubt(o: Outcome): JSX.Element | null {
  if (o.money === 'doubt' || o.in_doubt === 0) return null
  return <Message tone="care" icon={<Warn />}>{t('also.doubt', { n: o.in_doubt })}</Message>
}

function what(o: Outcome): JSX.Element | null {
  if (o.text) return <p class="what">{sentence(o.text)}</p>
  return o.reason === '' ? null : <p class="what">{t(`why.${o.reason}`)}</p>
}

function now(o: Outcome): JSX.Element | null {
  if (isMoneyFate(o.money)) {
    // Without paper the receipt cannot be the proof; the number on the screen is.
    if (o.money === 'posted' && (o.slip === 'not_printed' || o.slip === 'unknown')) return null
    return <Message tone="calm" icon={<Info />}>{t(`do.${o.money}`)}</Message>
  }
  return o.reason === '' ? null : <Message tone="calm" icon={<Info />}>{t(`act.${o.reason}`)}</Message>
}

function paper(o: Outcome): JSX.Element | null {
  switch (o.slip) {
    case 'none':
      return null
    case 'printing':
      return (
        <div class="printing">
          <Message tone="calm" icon={<Slip />}>{t('slip.printing')}</Message>
          <div class="working" aria-hidden="true"><i /><i /><i /></div>
        </div>
      )
    case 'printed':
      return <div class="paper"><SlipSlot /><p>{t('slip.printed')}</p></div>
    case 'not_printed':
      return <Message tone="care" icon={<Warn />}>{t('slip.not_printed')}</Message>
    case 'unknown':
      return <Message tone="care" icon={<Warn />}>{t('slip.unknown')}</Message>
    default: {
      const none: never = o.slip
      return none
    }
  }
}

function again(o: Outcome): Main | undefined {
  if (o.again === '') return undefined
  return { text: t(`slip.again.${o.again}`), act: slipAgain, icon: <Slip />, busy: nameSlipAgain }
}

function quoted(s: State, o: Outcome): JSX.Element {
  return (
    <div class="quote-card">
      {o.qr && o.qr.length > 0 && <QR rows={o.qr} />}
      <div>
        {o.reference !== '' && (
          <>
            <p class="label">{t('ref')}</p>
            <p class="reference"><Code>{o.reference}</Code></p>
          </>
        )}
        <Quoted rows={[[t('help.machine'), <Code>{s.terminal.number}</Code>], [t('help.phone'), <Code>{s.terminal.phone}</Code>]]} />
      </div>
    </div>
  )
}

/** The ending of a visit, or of a question that has no payment behind it. */
export function Ending({ s }: { s: State }) {
  const o = s.visit.outcome
  if (!o) return <Frame s={s} title={t('wait.short')} />
  const fate = fateOf(o)
  return (
    <Frame
      s={s}
      title={fate.text}
      sign={fate.icon}
      main={s.visit.can_next ? { text: t('done'), act: next, iconAfter: <ArrowOn />, busy: nameNext } : undefined}
      beside={again(o)}
      class={`ending ${fate.tone}`}
    >
      {s.visit.card_in && <TakeCard />}
      {what(o)}
      {leftover(o)}
      {doubt(o)}
      {o.slip !== 'none' && <div aria-live="polite">{paper(o)}</div>}
      {now(o)}
      {quoted(s, o)}
    </Frame>
  )
}

/** The terminal cannot serve: a designed screen, in every language. */
export function OutOfService({ s }: { s: State }) {
  const o = s.visit.outcome
  const reason = o?.reason ?? ''
  return (
    <Frame
      s={s} title={t('out.title')} sign={<Warn />} tools={false} class="out care"
      touch={<Languages s={s} choose={(l) => void chooseLanguage(l)} />}
    >
      {reason !== '' && <p class="what">{t(`why.${reason}`)}</p>}
      {o?.text && <p>{sentence(o.text)}</p>}
      <p>{t('act.E-CASSETTE-FULL')}</p>
      <Message tone="calm" icon={<Phone />}>{t('help.text')}</Message>
      <Quoted
        rows={[
          [t('help.machine'), <Code>{s.terminal.number}</Code>],
          [t('help.phone'), <Code>{s.terminal.phone}</Code>],
        ]}
      />
      <Quoted rows={[[t('help.owner'), <bdi>{s.terminal.owner}</bdi>], [t('help.address'), <bdi>{s.terminal.address}</bdi>]]} />
    </Frame>
  )
}
