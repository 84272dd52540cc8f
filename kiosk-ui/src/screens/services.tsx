// Choose a service. One that cannot be had now says why, and cannot be chosen.

import { chooseService } from '../app'
import { sentence, t } from '../i18n'
import { Button, Message } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Card, Warn } from '../parts/icons'
import { Pages } from '../parts/pages'
import type { Service, State, Unavailable } from '../wire.gen'

export function whyKey(why: Unavailable | undefined): `why.${Unavailable}` {
  return why ? `why.${why}` : 'why.central'
}

export function Services({ s }: { s: State }) {
  const services = s.visit.services ?? []
  return (
    <Frame
      s={s}
      title={t('services.title')}
      tall
      touch={<Pages list>{services.map((v) => <ServiceButton key={v.id} service={v} />)}</Pages>}
    >
      {s.visit.person && s.visit.card_in && <Message tone="calm" icon={<Card />}>{t('card.kept_in')}</Message>}
      {services.length === 0 && <p>{t('services.none')}</p>}
    </Frame>
  )
}

function ServiceButton({ service: v }: { service: Service }) {
  return (
    <Button
      kind="choice" class="service" act={() => void chooseService(v.id)} disabled={!v.available}
      icon={v.available ? undefined : <Warn />} iconAfter={v.available ? <ArrowOn /> : undefined}
    >
      <b>{sentence(v.title)}</b>
      {v.available ? v.hint && <small>{sentence(v.hint)}</small> : <small>{t(whyKey(v.why))}</small>}
    </Button>
  )
}
