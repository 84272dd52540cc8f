// The six sections. Each gives blocks, which are packed into pages.

import type { ComponentChildren } from 'preact'
import { busy } from '../app'
import { moment, money } from '../i18n'
import { Button, Code, Message, Money } from '../parts/basic'
import { Check, Info, Note, Warn } from '../parts/icons'
import { deviceIDs, nameServiceAct, type DeviceID, type ServiceAct, type ServiceAlarm, type ServiceCounters, type ServiceDoubt, type ServiceFault, type ServiceHold, type ServiceMode, type ServiceOut } from '../wire.gen'
import { decide } from './acts'
import { Acts, Contact, Device, Raw, Row } from './parts'
import { keptHolds, num } from './say'
import { w } from './words'

const device = (m: ServiceMode, id: DeviceID) => (m.devices ?? []).find((d) => d.id === id)

/** Why customers are not served, and the terminal as a whole. */
export function now(m: ServiceMode): ComponentChildren[] {
  const kept = keptHolds(m)
  const terminal = device(m, 'terminal')
  return [
    <Message key="say" tone={kept.length > 0 ? 'care' : 'good'} icon={kept.length > 0 ? <Warn /> : <Check />}>{w(kept.length > 0 ? 'now.kept' : 'now.clear')}</Message>,
    ...(m.holds ?? []).map((h) => <Hold key={h} of={h} out={m.out} />),
    // Of out and back only the one that can be done.
    terminal && <Device key="terminal" of={terminal} acts={(terminal.acts ?? []).filter((a) => a.available)} result={m.result} />,
  ]
}

function Hold({ of: h, out }: { of: ServiceHold; out: ServiceOut | undefined }) {
  return <Row tone={h === 'service' ? 'calm' : 'bad'} name={w(`hold.${h}`)}>{h === 'out' && out && <p>{outWords(out)}</p>}</Row>
}

function outWords({ why, person, at }: ServiceOut): string {
  const when = { at: moment(at) }
  switch (why) {
    case 'person':
    case 'timeout':
      return w(`out.${why}`, { ...when, person: { code: person } })
    case 'restart':
      return w('out.restart', when)
    default: {
      const none: never = why
      return none
    }
  }
}

/** The device table; the cassette, the terminal and the tamper alarm have sections of their own. */
export function devices(m: ServiceMode): ComponentChildren[] {
  return (m.devices ?? [])
    .filter((d) => d.id !== 'cassette' && d.id !== 'terminal')
    .map((d) => <Device key={d.id} of={d} acts={(d.acts ?? []).filter((a) => a.act !== 'clear_tamper')} result={m.result} />)
}

/** The cassette, its notes, and what the terminal has counted. */
export function cash(m: ServiceMode): ComponentChildren[] {
  const cassette = device(m, 'cassette')
  const c = m.counters
  return [
    cassette && <Device key="cassette" of={cassette} acts={cassette.acts ?? []} result={m.result} />,
    ...(m.doubts ?? []).map((d) => <Doubt key={d.note} of={d} />),
    ...(c ? counters(c) : []),
  ]
}

/** A note in doubt and what can be said of it; one that was not recognised can be booked as each denomination. */
function Doubt({ of: d }: { of: ServiceDoubt }) {
  const acts = d.acts ?? []
  const resting = busy.value.has(nameServiceAct)
  const button = (a: ServiceAct, minor: number, text: string) => (
    <Button key={`${a.act}${minor}`} act={() => void decide(d, a.act, minor)} disabled={!a.available || resting} id={`${a.act}-${d.note}-${minor}`}>{text}</Button>
  )
  return (
    <Row
      tone={d.aside ? 'care' : 'bad'} name={d.value ? w('doubt.note', { amount: d.value }) : w('doubt.unknown')} word={w(d.aside ? 'doubt.aside' : 'doubt.stands')}
      acts={
        acts.length === 0 ? undefined : (
          <div class="service-acts">
            {acts.flatMap((a) =>
              a.act !== 'note_inside' ? [button(a, 0, w(`act.${a.act}`))]
              : d.value ? [button(a, d.value.minor, w('act.note_inside'))]
              : (d.worth ?? []).map((v) => button(a, v.minor, money(v, true))))}
          </div>
        )
      }
    >
      <p>{moment(d.at)}</p>
      <Raw>{d.why}</Raw>
      {!d.value && acts.some((a) => a.act === 'note_inside') && <p>{w('doubt.worth')}</p>}
      {acts.length > 0 && acts.every((a) => !a.available) && <p>{w('doubt.wait')}</p>}
    </Row>
  )
}

function counters(c: ServiceCounters): ComponentChildren[] {
  const notes = c.notes ?? []
  return [
    <div key="notes" class="service-notes">
      <h2>{w(c.open ? 'cash.open' : 'cash.closed', { n: { code: String(c.period) } })}</h2>
      {notes.length === 0 ? <p>{w('cash.none')}</p> : (
        <ul>
          {notes.map(({ value, count }) => (
            <li key={`${value.minor}${value.currency}`}><Note /><b><Money of={value} short /></b><span>{w('cash.times', { n: count })}</span></li>
          ))}
        </ul>
      )}
    </div>,
    <dl key="sums" class="rows">
      {(c.totals ?? []).map((a) => <Line key={a.currency} name={w('cash.total')}><Money of={a} /></Line>)}
      <Line name={w('cash.count')}>{num(c.count)}</Line>
      <Line name={w('cash.doubt')}>{num(c.in_doubt)}</Line>
    </dl>,
    <dl key="done" class="rows">
      <Line name={w('cash.slips')}><Code>{String(c.slips)}</Code></Line>
      <Line name={w('cash.unsent')}>{num(c.unsent)}</Line>
      <Line name={w('cash.rejected')}>{num(c.rejected)}</Line>
    </dl>,
  ]
}

function Line({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt>{name}</dt><dd>{children}</dd></div>
}

export function doors(m: ServiceMode): ComponentChildren[] {
  const all = m.doors ?? []
  if (all.length === 0) return [<Message key="none" tone="calm" icon={<Info />}>{w('doors.none')}</Message>]
  return all.map((d) => <Contact key={d.input} of={d} />)
}

export function alarms(m: ServiceMode): ComponentChildren[] {
  const all = m.alarms ?? []
  if (all.length === 0) return [<Message key="none" tone="good" icon={<Check />}>{w('alarms.none')}</Message>]
  return all.map((a) => <Alarm key={a.alarm} of={a} m={m} />)
}

function Alarm({ of: a, m }: { of: ServiceAlarm; m: ServiceMode }) {
  const clear = a.alarm === 'tamper' ? (device(m, 'panel')?.acts ?? []).filter((x) => x.act === 'clear_tamper') : []
  return (
    <Row tone="bad" name={w(`alarm.${a.alarm}`)} acts={clear.length > 0 ? <Acts device="panel" acts={clear} /> : undefined}>
      <p>{moment(a.at)}</p>
      <Raw>{a.detail}</Raw>
      {a.alarm === 'tamper' && <p>{w('alarm.two')}</p>}
      {(a.persons ?? []).map((p) => <p key={p}><b>{w('alarm.cleared', { person: { code: p } })}</b></p>)}
    </Row>
  )
}

export function faults(m: ServiceMode): ComponentChildren[] {
  const all = m.faults ?? []
  if (all.length === 0) return [<Message key="none" tone="good" icon={<Check />}>{w('faults.none')}</Message>]
  return all.map((f, i) => <Fault key={i} of={f} />)
}

function Fault({ of: f }: { of: ServiceFault }) {
  const known = (deviceIDs as readonly string[]).includes(f.device) ? (f.device as DeviceID) : undefined
  return (
    <div class="service-fault">
      <p class="label">{moment(f.at)}</p>
      <p><b>{known ? w(`device.${known}`) : <bdi lang="en">{f.device}</bdi>}</b> <bdi lang="en" class="code">{f.fault}</bdi></p>
      <Raw>{f.detail}</Raw>
    </div>
  )
}
