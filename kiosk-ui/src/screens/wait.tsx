// Nothing to do but wait: what is going on, and, when it takes long, that the money
// is safe and whether one may go. Shown for asking, the last note, posting, printing,
// a card at work and the check of a sign-in.

import { sentence, t } from '../i18n'
import { Message } from '../parts/basic'
import { Frame } from '../parts/frame'
import { CardSlot, Shield, Slip } from '../parts/icons'
import type { State, Step, WaitFor } from '../wire.gen'

const waitsOf: Readonly<Partial<Record<Step, WaitFor>>> = { query: 'central', settle: 'note', submit: 'posting', deliver: 'printing' }

export function Waiting({ s }: { s: State }) {
  const { wait, body, step } = s.visit
  const what: WaitFor = wait?.for ?? waitsOf[step] ?? 'central'
  return (
    <Frame s={s} title={t(`wait.${what}`)} class="wait">
      {what === 'card' && <div class="card-slot"><CardSlot state="reading" /></div>}
      <div class="working" aria-hidden="true"><i /><i /><i /></div>
      <p aria-live="polite">{body && !wait?.slow ? sentence(body) : wait?.slow ? '' : t('wait.short')}</p>
      {wait?.slow && <Message tone={what === 'central' || what === 'sign_in' ? 'calm' : 'good'} icon={<Shield />}>{t(`wait.${what}.slow`)}</Message>}
      {wait?.can_leave && what === 'posting' && <Message tone="calm" icon={<Slip />}>{t('wait.posting.leave')}</Message>}
    </Frame>
  )
}
