// Read something and go on, or go back.

import { next } from '../app'
import { sentence, t } from '../i18n'
import { Frame } from '../parts/frame'
import { ArrowOn } from '../parts/icons'
import { paragraphs } from '../parts/pages'
import { nameNext, type State } from '../wire.gen'

export function Present({ s }: { s: State }) {
  const { title, body, can_next } = s.visit
  return (
    <Frame
      s={s}
      title={title ? sentence(title) : t('present.title')}
      main={can_next ? { text: t('next'), act: next, iconAfter: <ArrowOn />, busy: nameNext } : undefined}
      class="present"
    >
      {body && paragraphs(sentence(body)).map((p, i) => <p key={i}>{p}</p>)}
    </Frame>
  )
}
