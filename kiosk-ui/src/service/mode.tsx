// Service mode for who has signed in: one screen with six sections. The sections'
// buttons, the latest result and the way out stand in the same place in all of them.

import { useEffect, useRef, useState } from 'preact/hooks'
import { busy } from '../app'
import { money, t } from '../i18n'
import { Button, Code, Message } from '../parts/basic'
import { Frame, Top } from '../parts/frame'
import { Check, Clock, Door, Info, Person, Warn } from '../parts/icons'
import { Dialog } from '../parts/overlays'
import { Pages } from '../parts/pages'
import { nameBack, nameServiceAct, nameServiceLeave, type Act, type ServiceConfirm, type ServiceMode as Mode, type ServicePerson, type ServiceResult, type State } from '../wire.gen'
import { actConfirmed, actRefused, leave } from './acts'
import { counts, num } from './say'
import { alarms, cash, devices, doors, faults, now } from './sections'
import { w } from './words'
import '../style/service.css'

const sections = { now, devices, cash, doors, alarms, faults } as const
type Section = keyof typeof sections

export function ServiceMode({ s }: { s: State }) {
  const [section, setSection] = useState<Section>('now')
  const h1 = useRef<HTMLHeadingElement>(null)
  useEffect(() => h1.current?.focus({ preventScroll: true }), [])
  const m = s.service
  if (!m?.person) return <Frame s={s} title={t('wait.short')} tools={false} class="wait" />
  return (
    <div class="frame service-mode">
      <Top s={s} />
      <main>
        <div class="read">
          <div class="service-who">
            <h1 ref={h1} tabIndex={-1}>{w('mode.title')}</h1>
            <Who of={m.person} />
          </div>
          <Pages key={section}>{sections[section](m)}</Pages>
        </div>
        <div class="hand">
          <Latest of={m.result} />
          <Tabs of={m} at={section} go={setSection} />
          <div class="actions"><div class="row"><Ways of={m} /></div></div>
        </div>
      </main>
    </div>
  )
}

function Who({ of: p }: { of: ServicePerson }) {
  return (
    <div class="signed-in">
      <Person />
      <div>
        <p><b><bdi>{p.name}</bdi></b> <Code>{p.number}</Code></p>
        <p>{w(`role.${p.role}`)}</p>
        <p>{w('mode.since', { time: { code: p.since.slice(11) }, n: p.minutes })}</p>
      </div>
    </div>
  )
}

/** How the latest act went, in a place that is always there, so that nothing moves under a finger. */
function Latest({ of: r }: { of: ServiceResult | undefined }) {
  return (
    <div class="service-latest" role="status" id="latest">
      {r ? <Outcome of={r} /> : <Message tone="calm" icon={<Info />}>{w('result.none')}</Message>}
    </div>
  )
}

function Outcome({ of: r }: { of: ServiceResult }) {
  const what = { device: w(`device.${r.device}`), act: w(`act.${r.act}`) }
  switch (r.result) {
    case 'running':
      return <Message tone="calm" icon={<Clock />}>{w('result.running', what)}</Message>
    case 'ok':
      return <Message tone="good" icon={<Check />}>{w('result.ok', what)}</Message>
    case 'failed':
      return <Message tone="bad" icon={<Warn />}>{w('result.failed', what)}</Message>
    default: {
      const none: never = r.result
      return none
    }
  }
}

function Tabs({ of: m, at, go }: { of: Mode; at: Section; go: (s: Section) => void }) {
  const wrong = counts(m)
  return (
    <nav class="service-tabs" aria-label={w('mode.sections')}>
      {(Object.keys(sections) as Section[]).map((x) => (
        <Button key={x} kind="tool" act={() => go(x)} pressed={x === at} id={`tab-${x}`}>
          {w(`tab.${x}`)}{wrong[x] > 0 && <> <b>{num(wrong[x])}</b></>}
        </Button>
      ))}
    </nav>
  )
}

/** The ways out. With a door open there is one; who leaves a terminal that is out of service knows that it stays so. */
function Ways({ of: m }: { of: Mode }) {
  const resting = busy.value.has(nameServiceLeave)
  const stays = m.can_leave && m.out !== undefined
  return (
    <>
      {!stays && <Button act={() => void leave(true)} disabled={resting} id="leave-out">{w('leave.out')}</Button>}
      <Button kind="main" act={() => void leave(false)} icon={<Door />} disabled={!m.can_leave || resting} id="main">
        {w(!m.can_leave ? 'leave.doors' : stays ? 'leave.stays' : 'leave')}
      </Button>
    </>
  )
}

/** The acts with a question of their own. */
const asking = ['new_cassette', 'clear_tamper', 'note_inside', 'note_outside', 'note_aside'] as const
const askedOf = (a: Act): (typeof asking)[number] | 'other' => asking.find((x) => x === a) ?? 'other'

function askedText(c: ServiceConfirm, asked: ReturnType<typeof askedOf>): string {
  switch (asked) {
    case 'other':
      return w('ask.other.text', { device: w(`device.${c.device}`), act: w(`act.${c.act}`) })
    case 'note_inside':
      return w('ask.note_inside.text', { amount: c.value ?? '' })
    default:
      return w(`ask.${asked}.text`)
  }
}

/** The second question about an act that touches money or an alarm. The prominent answer is the safe one. */
export function Ask({ s }: { s: State }) {
  const c = s.service!.confirm!
  const asked = askedOf(c.act)
  const name = w(`act.${c.act}`)
  return (
    <Dialog
      role="alertdialog" class="service-ask" title={c.note !== undefined && c.value ? `${w(`ask.${asked}`)} ${money(c.value)}` : w(`ask.${asked}`)}
      buttons={
        <>
          <Button kind="main" act={() => void actRefused()} disabled={busy.value.has(nameBack)} escape id="ask-no">{w('ask.no')}</Button>
          <Button act={() => void actConfirmed(c)} disabled={busy.value.has(nameServiceAct)} id="ask-yes">{w('ask.yes', { act: name })}</Button>
        </>
      }
    >
      <Message tone="care" icon={<Warn />}>
        {askedText(c, asked)}
      </Message>
    </Dialog>
  )
}

/** What comes when the five minutes are over. */
export const warning = (): string => w('warn.text')
