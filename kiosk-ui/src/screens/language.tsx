// Choose a language: each by its own name.

import { chooseLanguage } from '../app'
import { t } from '../i18n'
import { Frame } from '../parts/frame'
import { Languages } from '../parts/overlays'
import type { State } from '../wire.gen'

export function Language({ s }: { s: State }) {
  return <Frame s={s} title={t('lang.title')} touch={<Languages s={s} choose={(l) => void chooseLanguage(l)} />} tall class="language" />
}
