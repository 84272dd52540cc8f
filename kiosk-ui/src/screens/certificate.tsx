// Choose one of the card's certificates. One that cannot be used says why.

import { chooseCertificate } from '../app'
import { day, sentence, t } from '../i18n'
import { Button } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Warn } from '../parts/icons'
import { Party } from '../parts/identity'
import { Pages } from '../parts/pages'
import type { Certificate as Cert, State } from '../wire.gen'

export function Certificate({ s }: { s: State }) {
  const { identify, title } = s.visit
  return (
    <Frame
      s={s}
      title={title ? sentence(title) : t('cert.title')}
      tall
      touch={<Pages list>{(identify?.certificates ?? []).map((c) => <Choice key={c.id} of={c} />)}</Pages>}
      backText={t('method.other')}
      class="certificate"
    >
      {identify && <Party of={identify} />}
    </Frame>
  )
}

function Choice({ of: c }: { of: Cert }) {
  const usable = !c.problem
  return (
    <Button
      kind="choice" class="service" act={() => void chooseCertificate(c.id)} disabled={!usable}
      icon={usable ? undefined : <Warn />} iconAfter={usable ? <ArrowOn /> : undefined}
    >
      <b><bdi>{c.holder}</bdi></b>
      <small><bdi>{c.issuer}</bdi></small>
      <small>{c.problem ? t(`trouble.${c.problem}`) : t('cert.until', { date: day(c.valid_until) })}</small>
    </Button>
  )
}
