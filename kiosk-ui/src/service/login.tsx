// The way in: a number, then the PIN. Of the PIN the page has a count and nothing
// else (secret.ts).

import { useEffect, useRef, useState } from 'preact/hooks'
import { next, takeKeys } from '../app'
import { t } from '../i18n'
import { Pad, PinPad } from '../keyboard/keyboard'
import { Message } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Check, Clock, Info, Warn } from '../parts/icons'
import { Dots, Typed } from '../parts/identity'
import { fieldServicePIN, nameNext, nameServiceLogin, type ServiceLogin as Login, type State } from '../wire.gen'
import { isNumber, numberAfter, signIn } from './acts'
import { Contact } from './parts'
import { w } from './words'
import '../style/service.css'

export function ServiceLogin({ s }: { s: State }) {
  const login = s.service?.login
  if (!login) return <Frame s={s} title={t('wait.short')} tools={false} class="wait" />
  return login.person === '' ? <AskNumber s={s} login={login} /> : <AskPIN s={s} login={login} />
}

function AskNumber({ s, login }: { s: State; login: Login }) {
  const [number, setNumber] = useState('')
  const typed = useRef('')
  const set = (n: string) => {
    typed.current = n
    setNumber(n)
  }
  const put = (key: string) => set(numberAfter(typed.current, key))
  useEffect(() => {
    takeKeys((key) => {
      if (key !== 'Backspace' && numberAfter('', key) === '') return false
      put(key)
      return true
    })
    return () => takeKeys(undefined)
  }, [])
  return (
    <Frame
      s={s} title={w('login.title')} tools={false} class="service-login"
      touch={<Pad hand={{ put, erase: () => put('Backspace'), clear: () => set(''), empty: number === '', quiet: false }} />}
      main={{ text: w('login.on'), act: () => void signIn(number), iconAfter: <ArrowOn />, busy: nameServiceLogin, disabled: !isNumber(number) || login.wait_s > 0 }}
    >
      <div class="answer">
        <h2 class="label" id="field-label">{w('login.number')}</h2>
        <div class="value" role="textbox" aria-readonly="true" aria-labelledby="field-label" aria-describedby="problem" id="field" dir="ltr">
          <bdi>{number}</bdi>
          <i class="caret" />
        </div>
      </div>
      <Problem of={login} />
      <Message tone="calm" icon={<Info />}>{w('login.hint')}</Message>
      {(s.service?.doors ?? []).filter((d) => d.state !== 'rest').map((d) => <Contact key={d.input} of={d} />)}
    </Frame>
  )
}

function AskPIN({ s, login }: { s: State; login: Login }) {
  const wrong = login.problem === 'wrong'
  return (
    <Frame
      s={s} title={w('login.title')} tools={false} class="service-login pin"
      touch={<PinPad length={login.length} field={fieldServicePIN} />}
      main={{ text: w('login.enter'), act: next, icon: <Check />, busy: nameNext, disabled: !login.can_send }}
    >
      <div class="answer">
        <h2 class="label" id="field-label">{w('login.pin', { number: { code: login.person } })}</h2>
        <div
          class={`value ${wrong ? 'wrong' : ''}`} role="textbox" aria-readonly="true" aria-labelledby="field-label" id="field"
          aria-invalid={wrong ? true : undefined} aria-describedby="problem" dir="ltr"
        >
          <Dots count={login.length} />
          <i class="caret" />
        </div>
        <Typed count={login.length} />
        <p class="hint">{t('pin.digits', { min: login.min, max: login.max })}</p>
      </div>
      <Problem of={login} />
    </Frame>
  )
}

function Problem({ of: login }: { of: Login }) {
  return <div id="problem" role={login.problem ? 'alert' : 'status'}>{said(login)}</div>
}

function said({ checking, problem, wait_s }: Login) {
  if (checking) return <Message tone="calm" icon={<Clock />}>{w('login.checking')}</Message>
  switch (problem) {
    case 'wrong':
      return <Message tone="bad" icon={<Warn />}>{w('login.wrong')}</Message>
    case 'paused':
      return <Message tone="bad" icon={<Clock />}>{w('login.paused', { n: wait_s })}</Message>
    case undefined:
      return null
    default: {
      const none: never = problem
      return none
    }
  }
}
