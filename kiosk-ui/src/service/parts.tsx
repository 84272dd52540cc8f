// What the sections are made of. A state is always a sign and a word; its colour is
// the third of them.

import type { ComponentChildren, JSX } from 'preact'
import { busy } from '../app'
import { Button, type Tone } from '../parts/basic'
import { Check, Clock, Info, Warn } from '../parts/icons'
import { nameServiceAct, type DeviceID, type ServiceAct, type ServiceDevice, type ServiceDoor, type ServiceResult } from '../wire.gen'
import { act } from './acts'
import { deviceTone, deviceWord, doorTone, doorWord } from './say'
import { w } from './words'

const signs: Readonly<Record<Tone, () => JSX.Element>> = { good: Check, calm: Info, care: Clock, bad: Warn }

interface RowProps {
  readonly tone: Tone
  readonly name: ComponentChildren
  /** The state in a word or two, after the name. */
  readonly word?: ComponentChildren
  readonly acts?: JSX.Element | undefined
  /** Whether there is more than a name and a word. */
  readonly children?: ComponentChildren
}

export function Row({ tone, name, word, acts, children }: RowProps) {
  const Sign = signs[tone]
  return (
    <div class={`service-row ${tone}`}>
      <div class="service-head">
        <Sign />
        <p class="service-name">{name}</p>
        {word !== undefined && <p class="service-word">{word}</p>}
      </div>
      {(children || acts) && (
        <div class="service-more">
          <div class="service-text">{children}</div>
          {acts}
        </div>
      )}
    </div>
  )
}

/** Words of the daemon: English, as they stand in the journal. */
export function Raw({ children }: { children: string }) {
  return children === '' ? null : <p><bdi lang="en">{children}</bdi></p>
}

/** The acts of a device, as many as this person has. */
export function Acts({ device, acts }: { device: DeviceID; acts: readonly ServiceAct[] }) {
  if (acts.length === 0) return null
  return (
    <div class="service-acts">
      {acts.map((a) => (
        <Button key={a.act} act={() => void act(device, a.act)} disabled={!a.available || busy.value.has(nameServiceAct)} id={`act-${device}-${a.act}`}>
          {w(`act.${a.act}`)}
        </Button>
      ))}
    </div>
  )
}

/** One device: how it stands and why, what it says of itself, what can be done, and how that went. */
export function Device({ of: d, acts, result }: { of: ServiceDevice; acts: readonly ServiceAct[]; result: ServiceResult | undefined }) {
  const last = result?.device === d.id ? result.detail : ''
  return (
    <Row tone={deviceTone(d)} name={w(`device.${d.id}`)} word={deviceWord(d)} acts={acts.length > 0 ? <Acts device={d.id} acts={acts} /> : undefined}>
      {(d.cause !== '' || d.detail !== '' || last !== '') && (
        <>
          <Raw>{d.cause}</Raw>
          <Raw>{d.detail}</Raw>
          {last !== '' && <p class="service-last"><bdi lang="en">→ {last}</bdi></p>}
        </>
      )}
    </Row>
  )
}

export function Contact({ of: d }: { of: ServiceDoor }) {
  return <Row tone={doorTone(d)} name={w(`input.${d.input}`)} word={doorWord(d)} />
}
