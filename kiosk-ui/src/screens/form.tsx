// Fill in a form, one question at a time. Next on the last question asks the daemon
// to check; what is wrong is named at its field and what was typed is kept.

import { activeField, next, openField, type, typed } from '../app'
import { sentence, t } from '../i18n'
import { groups } from '../keyboard/layouts'
import { Keyboard } from '../keyboard/keyboard'
import { Button, Message } from '../parts/basic'
import { Frame } from '../parts/frame'
import { ArrowOn, Check, Warn } from '../parts/icons'
import { Dots, Typed } from '../parts/identity'
import { Pages } from '../parts/pages'
import { nameNext, type Field, type State } from '../wire.gen'

export function Form({ s }: { s: State }) {
  const active = activeField.value
  const { title, body } = s.visit
  if (!active) return <Frame s={s} title={title ? sentence(title) : t('form.title')} />
  const { field, at, of, fields } = active
  const go = (i: number) => {
    const f = fields[i]
    if (f) openField(f)
  }
  return (
    <Frame
      s={s}
      title={title ? sentence(title) : t('form.title')}
      touch={field.keyboard === 'none' ? <Choices field={field} /> : <Keyboard field={field} key={field.name} />}
      tall={field.keyboard === 'none'}
      main={{
        text: t('next'), iconAfter: <ArrowOn />, busy: nameNext,
        act: () => (at < of - 1 ? go(at + 1) : void next()),
      }}
      onBack={at > 0 ? () => go(at - 1) : undefined}
      class="form"
    >
      {of > 1 && <p class="label">{t('form.at', { at: at + 1, of })}</p>}
      {body && at === 0 && <p>{sentence(body)}</p>}
      <Answer field={field} />
      {field.hint && <p class="hint">{sentence(field.hint)}</p>}
      {field.secret && <p class="hint">{t('secret.hidden')}</p>}
    </Frame>
  )
}

function Answer({ field }: { field: Field }) {
  const label = sentence(field.label)
  const problem = field.problem && (
    <div id="problem" role="alert">
      <Message tone={field.problem === 'unusual' ? 'care' : 'bad'} icon={<Warn />}>{t(`problem.${field.problem}`, { field: label })}</Message>
    </div>
  )
  if (field.keyboard === 'none') return <div><h2 class="label">{label}</h2>{problem}</div>
  const text = field.secret ? '' : typed()
  const free = field.keyboard === 'text' && !field.secret
  return (
    <div class="answer">
      <h2 class="label" id="field-label">{label}</h2>
      <div
        class={`value ${field.problem ? 'wrong' : ''}`} role="textbox" aria-readonly="true" aria-labelledby="field-label" id="field"
        aria-invalid={field.problem ? true : undefined} aria-describedby={field.problem ? 'problem' : undefined}
        aria-required={field.required} dir={free ? 'auto' : 'ltr'}
      >
        {field.secret ? <Dots count={field.length} /> : free ? <bdi>{text}</bdi> : groups(field, text).map((g, i) => <span class="group" key={i}>{g}</span>)}
        <i class="caret" />
      </div>
      {field.secret && <Typed count={field.length} />}
      {problem}
    </div>
  )
}

function Choices({ field }: { field: Field }) {
  const chosen = typed()
  return (
    <Pages list>
      {(field.choices ?? []).map((c) => (
        <Button
          key={c.value} kind="choice" act={() => type(field.name, c.value)} pressed={chosen === c.value}
          icon={chosen === c.value ? <Check /> : undefined}
        >
          {sentence(c.label)}
        </Button>
      ))}
    </Pages>
  )
}
