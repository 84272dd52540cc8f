// Service mode in its plainest form: what the state says, and nothing to touch but
// the way on.

import { next } from '../app'
import { t } from '../i18n'
import { Frame } from '../parts/frame'
import { nameNext, type State } from '../wire.gen'

export function ServiceLogin({ s }: { s: State }) {
  const login = s.service?.login
  return (
    <Frame
      s={s} title={t('wait.short')} class="wait"
      {...(login?.can_send ? { main: { text: t('next'), act: next, busy: nameNext } } : {})}
    />
  )
}

export function ServiceMode({ s }: { s: State }) {
  return <Frame s={s} title={s.service?.person?.name ?? t('wait.short')} class="wait" />
}
