// Choose how to sign in. A way that cannot be had now says why.

import type { JSX } from 'preact'
import { chooseMethod } from '../app'
import { sentence, t } from '../i18n'
import { Button } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Bank, Card, Lock, Mobile, Warn } from '../parts/icons'
import { Party, Restarted } from '../parts/identity'
import { Pages } from '../parts/pages'
import type { Method as Way, MethodChoice, State } from '../wire.gen'

const signs: Readonly<Record<Way, () => JSX.Element>> = { esign_card: Card, asan_imza: Mobile, fin_password: Lock, bsxm: Bank }

export function Method({ s }: { s: State }) {
  const { identify, title } = s.visit
  return (
    <Frame
      s={s}
      title={title ? sentence(title) : t('method.title')}
      tall
      touch={<Pages list>{(identify?.methods ?? []).map((m) => <Choice key={m.method} of={m} />)}</Pages>}
      class="method"
    >
      {identify?.restarted && <Restarted />}
      {identify && <Party of={identify} />}
    </Frame>
  )
}

function Choice({ of: { method, available, why } }: { of: MethodChoice }) {
  const Sign = signs[method]
  return (
    <Button
      kind="choice" class="service" act={() => void chooseMethod(method)} disabled={!available} id={`method-${method}`}
      icon={available ? <Sign /> : <Warn />} iconAfter={available ? <ArrowOn /> : undefined}
    >
      <b>{t(`method.${method}`)}</b>
      <small>{available ? t(`method.${method}.hint`) : t(`missing.${why ?? 'no_central'}`)}</small>
    </Button>
  )
}
