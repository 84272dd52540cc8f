// What is owed, before the first note: to whom, for what, the commission, the total,
// and what happens to more money than that.

import { next } from '../app'
import { sentence, t } from '../i18n'
import { Huge, Message, Money } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Slip, Voucher, Note } from '../parts/icons'
import { nameNext, type State } from '../wire.gen'

export function QuoteScreen({ s }: { s: State }) {
  const { quote, title, can_next } = s.visit
  if (!quote) return <Frame s={s} title={t('quote.title')} />
  return (
    <Frame
      s={s}
      title={title ? sentence(title) : t('quote.title')}
      main={can_next ? { text: t('quote.pay'), act: next, icon: <Note />, iconAfter: <ArrowOn />, busy: nameNext } : undefined}
      class="quote"
    >
      <div class="total">
        <p class="label">{t('quote.total')}</p>
        <Huge of={quote.total} />
      </div>
      <dl class="rows">
        {quote.payee && <Row label={t('quote.payee')}><bdi>{sentence(quote.payee)}</bdi></Row>}
        {quote.purpose && <Row label={t('quote.purpose')}><bdi>{sentence(quote.purpose)}</bdi></Row>}
        {(quote.rows ?? []).map((r, i) => <Row key={i} label={sentence(r.label)}><bdi>{sentence(r.value)}</bdi></Row>)}
        <Row label={t('quote.amount')}><Money of={quote.amount} /></Row>
        <Row label={t('quote.commission')}><Money of={quote.commission} /></Row>
      </dl>
      {quote.no_receipt && <Message tone="care" icon={<Slip />}>{t('quote.noreceipt')}</Message>}
      <Message tone="calm" icon={<Voucher />}>{quote.change === 'dispense' ? t('quote.change') : t('quote.nochange')}</Message>
    </Frame>
  )
}

function Row({ label, children }: { label: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}
