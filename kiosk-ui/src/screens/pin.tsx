// The card's PIN, and the question before the last try. Each key goes to the daemon
// at once; the page knows how many there are and nothing else (secret.ts).

import { back, cancel, next } from '../app'
import { t } from '../i18n'
import { PinPad } from '../keyboard/keyboard'
import { Button, Message } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowBack, Check, Info, Shield, Warn } from '../parts/icons'
import { Dots, Party, Typed } from '../parts/identity'
import { nameBack, nameNext, type PINEntry, type State } from '../wire.gen'

export function Pin({ s }: { s: State }) {
  const { identify } = s.visit
  const pin = identify?.pin
  if (!identify || !pin) return <Frame s={s} title={t('wait.short')} class="wait" />
  // Where a page may have room for one block only, it is the one that is typed into.
  const fieldFirst = s.visit.modes.large
  return (
    <Frame
      s={s}
      title={t('pin.title')}
      touch={<PinPad length={pin.length} />}
      main={{ text: t('pin.sign'), act: next, icon: <Check />, busy: nameNext, disabled: !pin.can_send }}
      backText={t('method.other')}
      class="pin"
    >
      {!fieldFirst && <Party of={identify} />}
      <div class="answer">
        <h2 class="label" id="field-label">{t('pin.of', { holder: pin.holder })}</h2>
        <div
          class={`value ${pin.wrong ? 'wrong' : ''}`} role="textbox" aria-readonly="true" aria-labelledby="field-label" id="field"
          aria-invalid={pin.wrong ? true : undefined} aria-describedby="tries" dir="ltr"
        >
          <Dots count={pin.length} />
          <i class="caret" />
        </div>
        <Typed count={pin.length} />
        <p class="hint">{pin.min === pin.max ? t('pin.exactly', { n: pin.max }) : t('pin.digits', { min: pin.min, max: pin.max })}</p>
      </div>
      <div id="tries" role={pin.wrong ? 'alert' : 'status'}><Tries pin={pin} /></div>
      {fieldFirst && <Party of={identify} />}
    </Frame>
  )
}

function Tries({ pin }: { pin: PINEntry }) {
  if (pin.last) return <Message tone="care" icon={<Warn />}>{t('pin.last')}</Message>
  if (pin.wrong) return <Message tone="bad" icon={<Warn />}>{pin.left < 0 ? t('pin.wrong.unknown') : t('pin.wrong', { n: pin.left })}</Message>
  return <Message tone="calm" icon={<Info />}>{pin.left < 0 ? t('pin.unknown') : t('pin.left', { n: pin.left })}</Message>
}

/** One try is left. The prominent way is the safe one, and stands where the last touch was. */
export function PinLast({ s }: { s: State }) {
  const { identify, can_back, can_next } = s.visit
  return (
    <Frame
      s={s}
      title={t('last.title')}
      sign={<Warn />}
      main={
        can_back
          ? { text: t('last.no'), act: back, icon: <ArrowBack />, busy: nameBack }
          : { text: t('last.no'), act: cancel, icon: <ArrowBack /> }
      }
      back={false}
      touch={can_next && <Button act={next} id="last-yes">{t('last.yes')}</Button>}
      class="pin-last care"
    >
      <p class="what">{t('last.text')}</p>
      <Message tone="calm" icon={<Info />}>{t('last.now')}</Message>
      <Message tone="good" icon={<Shield />}>{t('card.safe')}</Message>
      {identify && <Party of={identify} />}
    </Frame>
  )
}
