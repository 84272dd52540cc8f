// The signature card: put it in, leave it in while it is read, and what is wrong
// when it cannot be used.

import { back, next } from '../app'
import { sentence, t } from '../i18n'
import { Code, Message, Quoted } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowBack, ArrowOn, Card as CardSign, CardSlot, Info, Shield, Warn } from '../parts/icons'
import { Party, Restarted } from '../parts/identity'
import { nameBack, nameNext, type State } from '../wire.gen'

export function Card({ s }: { s: State }) {
  const { identify, title } = s.visit
  const reading = identify?.reading ?? false
  return (
    <Frame s={s} title={reading ? t('card.reading') : title ? sentence(title) : t('card.title')} backText={t('method.other')} class="card">
      {identify?.restarted && <Restarted />}
      <div class="card-slot">
        <CardSlot state={reading ? 'reading' : 'in'} />
        {reading && <div class="working" aria-hidden="true"><i /><i /><i /></div>}
      </div>
      <div role="status">
        {reading
          ? <Message tone="care" icon={<CardSign />}>{t('card.leave')}</Message>
          : <Message tone="calm" icon={<CardSign />}>{t('card.way')}</Message>}
      </div>
      {!reading && <p>{t(identify?.method === 'bsxm' ? 'card.which.bsxm' : 'card.which.esign_card')}</p>}
      {identify && <Party of={identify} />}
    </Frame>
  )
}

/** What happened, that nothing was lost by it, what to do now, and what to quote. */
export function CardProblem({ s }: { s: State }) {
  const { identify, can_back, can_next } = s.visit
  const trouble = identify?.problem
  const what = trouble?.what ?? 'fault'
  const again = trouble?.retry && can_next
  return (
    <Frame
      s={s}
      title={t(`trouble.${what}`)}
      sign={<Warn />}
      main={
        again ? { text: t('card.again'), act: next, iconAfter: <ArrowOn />, busy: nameNext }
        : can_back ? { text: t('method.other'), act: back, icon: <ArrowBack />, busy: nameBack }
        : can_next ? { text: t('next'), act: next, iconAfter: <ArrowOn />, busy: nameNext }
        : undefined
      }
      back={Boolean(again)}
      backText={t('method.other')}
      class="card-problem care"
    >
      <Message tone="good" icon={<Shield />}>{t('card.safe')}</Message>
      <Message tone="calm" icon={<Info />}>{t(`trouble.${what}.do`)}</Message>
      {what === 'unreadable' && <div class="card-slot"><CardSlot state="in" /></div>}
      {identify && <Party of={identify} />}
      <Quoted rows={[[t('help.machine'), <Code>{s.terminal.number}</Code>], [t('help.phone'), <Code>{s.terminal.phone}</Code>]]} />
    </Frame>
  )
}
