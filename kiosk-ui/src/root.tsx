// The whole page: the screen of the step, and what lies over it.

import { Component, type ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { overlay, phase, state } from './app'
import { language, t } from './i18n'
import { needService, serviceMode } from './lazy'
import { Cover } from './parts/cover'
import { Frame } from './parts/frame'
import { ConfirmDialog, HelpDialog, LanguagesDialog, Warning } from './parts/overlays'
import { Attract } from './screens/attract'
import { Card, CardProblem } from './screens/card'
import { Certificate } from './screens/certificate'
import { Form } from './screens/form'
import { Language } from './screens/language'
import { List } from './screens/list'
import { Method } from './screens/method'
import { Ending, OutOfService } from './screens/outcome'
import { Pay } from './screens/pay'
import { Phone } from './screens/phone'
import { Pin, PinLast } from './screens/pin'
import { Present } from './screens/present'
import { QuoteScreen } from './screens/quote'
import { Services } from './screens/services'
import { Waiting } from './screens/wait'
import type { State } from './wire.gen'

function Screen({ s }: { s: State }) {
  const { step, wait } = s.visit
  // A card or central is at work: the step stays, and there is nothing to do on it.
  if (wait && (wait.for === 'card' || wait.for === 'sign_in')) return <Waiting s={s} />
  switch (step) {
    case 'attract':
      return <Attract s={s} />
    case 'language':
      return <Language s={s} />
    case 'services':
      return <Services s={s} />
    case 'present':
      return <Present s={s} />
    case 'form':
      return <Form s={s} />
    case 'query':
    case 'settle':
    case 'submit':
    case 'deliver':
      return <Waiting s={s} />
    case 'quote':
      return <QuoteScreen s={s} />
    case 'pay':
      return <Pay s={s} />
    case 'notice':
    case 'farewell':
      return <Ending s={s} />
    case 'method':
      return <Method s={s} />
    case 'card':
      return <Card s={s} />
    case 'card_problem':
      return <CardProblem s={s} />
    case 'certificate':
      return <Certificate s={s} />
    case 'pin':
      return <Pin s={s} />
    case 'pin_last':
      return <PinLast s={s} />
    case 'phone':
      return <Phone s={s} />
    case 'list':
      return <List s={s} />
    case 'out_of_service':
      return <OutOfService s={s} />
    case 'service_login':
    case 'service':
      return <AtCabinet s={s} />
    default: {
      const none: never = step
      return none
    }
  }
}

/** Service mode comes in its own time: no customer's page holds it. */
function AtCabinet({ s }: { s: State }) {
  const mode = serviceMode.value
  useEffect(needService)
  if (!mode) return <Frame s={s} title={t('wait.short')} tools={false} class="wait loading" />
  return s.visit.step === 'service' ? <mode.ServiceMode s={s} /> : <mode.ServiceLogin s={s} />
}

/** An overlay needs its reason to be there still: a visit, money in, a help number. */
function Over({ s }: { s: State }) {
  const mode = s.service && serviceMode.value
  if (s.visit.warning) return <Warning s={s} text={mode?.warning()} />
  if (mode && s.service?.confirm) return <mode.Ask s={s} />
  switch (overlay.value) {
    case 'none':
      return null
    case 'help':
      return <HelpDialog s={s} />
    case 'languages':
      return <LanguagesDialog s={s} />
    case 'confirm':
      return s.visit.cancel === 'leftover' ? <ConfirmDialog s={s} /> : null
  }
}

export function Root() {
  const s = state.value
  const lang = language.value
  const covered = phase.value !== 'up' && phase.value !== 'starting'
  const drawable = s && lang
  const over = drawable && (s.visit.warning || (s.service?.confirm && serviceMode.value) || (overlay.value !== 'none' && !(overlay.value === 'confirm' && s.visit.cancel !== 'leftover')))
  return (
    <Guarded>
      {drawable && (
        // A new visit or step is a new tree: nothing of the last one is left in it.
        <div key={`${s.visit.id}.${s.step_seq}`} data-step={s.visit.step} data-seq={s.step_seq} class="screen" inert={Boolean(covered || over)}>
          <Screen s={s} />
        </div>
      )}
      {drawable && <div class="over" inert={covered}><Over key={s.step_seq} s={s} /></div>}
      {covered && <Cover phase={phase.value} s={s} />}
    </Guarded>
  )
}

/** A fault in drawing must not leave a white screen: the page loads itself anew. */
class Guarded extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false }

  override componentDidCatch(): void {
    this.setState({ broken: true })
    setTimeout(() => location.reload(), 2000)
  }

  render() {
    return this.state.broken ? <Cover phase="moment" s={undefined} /> : this.props.children
  }
}
