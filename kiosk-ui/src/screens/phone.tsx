// The mobile signature: the person compares the code here with the one on the
// phone, and enters the PIN there and only there.

import { sentence, t } from '../i18n'
import { Message } from '../parts/basic'
import { Frame } from '../parts/frame'
import { Clock, Mobile, Warn } from '../parts/icons'
import { Party } from '../parts/identity'
import type { State } from '../wire.gen'

export function Phone({ s }: { s: State }) {
  const { identify, title } = s.visit
  const phone = identify?.phone
  return (
    <Frame s={s} title={title ? sentence(title) : t('phone.title')} backText={t('method.other')} class="phone">
      {phone && (
        <div class="total control-code">
          <p class="label">{t('phone.code')}</p>
          <p class="huge"><bdi dir="ltr" class="code">{[...phone.code].map((c, i) => <span key={i}>{c}</span>)}</bdi></p>
        </div>
      )}
      <Message tone="calm" icon={<Mobile />}>{t('phone.same')}</Message>
      <Message tone="care" icon={<Warn />}>{t('phone.other')}</Message>
      {phone && <div class="remaining" role="timer"><Clock /><p>{t('warn.left', { n: phone.seconds_left })}</p></div>}
      {identify && <Party of={identify} />}
    </Frame>
  )
}
