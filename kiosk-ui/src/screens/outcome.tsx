// How it ended. Every such screen answers in this order: where the money is, what
// happened, what to do now, what to quote.

import type { JSX } from 'preact'
import { chooseLanguage, next } from '../app'
import { sentence, t } from '../i18n'
import { Code, Message, QR, Quoted, type Tone } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Check, Clock, Info, Phone, Shield, Slip, SlipSlot, Voucher, Warn } from '../parts/icons'
import { Languages } from '../parts/overlays'
import { nameNext, type Amount, type Fate, type Outcome, type State } from '../wire.gen'

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

/** The fate of the part that is not the main one: the rest of an overpayment, notes in doubt. */
function Also({ o }: { o: Outcome }) {
  return (
    <>
      {o.money !== 'leftover' && o.leftover.minor > 0 && <p>{t('also.leftover', { amount: o.leftover as Amount })}</p>}
      {o.money !== 'doubt' && o.in_doubt > 0 && <p>{t('also.doubt', { n: o.in_doubt })}</p>}
    </>
  )
}

function What({ o }: { o: Outcome }) {
  if (o.text) return <p class="what">{sentence(o.text)}</p>
  return o.reason === '' ? null : <p class="what">{t(`why.${o.reason}`)}</p>
}

function Now({ o }: { o: Outcome }) {
  if (isMoneyFate(o.money)) {
    // Without paper the receipt cannot be the proof; the number on the screen is.
    if (o.money === 'posted' && (o.slip === 'not_printed' || o.slip === 'unknown')) return null
    return <Message tone="calm" icon={<Info />}>{t(`do.${o.money}`)}</Message>
  }
  return o.reason === '' ? null : <Message tone="calm" icon={<Info />}>{t(`act.${o.reason}`)}</Message>
}

function Paper({ o }: { o: Outcome }) {
  switch (o.slip) {
    case 'none':
      return null
    case 'printing':
      return <Message tone="calm" icon={<Slip />}>{t('slip.printing')}</Message>
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

function Quote({ s, o }: { s: State; o: Outcome }) {
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
      main={s.visit.can_next ? { text: t('done'), act: next, iconAfter: <ArrowOn />, busy: nameNext } : undefined}
      class={`ending ${fate.tone}`}
    >
      <div class="fate-line">
        {fate.icon}
        <div><What o={o} /><Also o={o} /></div>
      </div>
      <Paper o={o} />
      <Now o={o} />
      <Quote s={s} o={o} />
    </Frame>
  )
}

/** The terminal cannot serve: a designed screen, in every language. */
export function OutOfService({ s }: { s: State }) {
  const o = s.visit.outcome
  const reason = o?.reason ?? ''
  return (
    <Frame
      s={s} title={t('out.title')} tools={false} class="out"
      touch={<Languages s={s} choose={(l) => void chooseLanguage(l)} />}
    >
      <div class="fate-line">
        <Warn />
        <div>
          {reason !== '' && <p class="what">{t(`why.${reason}`)}</p>}
          {o?.text && <p>{sentence(o.text)}</p>}
          <p>{t('act.E-CASSETTE-FULL')}</p>
        </div>
      </div>
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
