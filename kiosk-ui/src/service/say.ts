// How the daemon's states are said: the word and the tone of each.

import { value } from '../i18n'
import type { Tone } from '../parts/basic'
import type { ActResult, Health, ServiceContact, ServiceDevice, ServiceDoor, ServiceHold, ServiceMode } from '../wire.gen'
import { w } from './words'

const healthTone: Readonly<Record<Health, Tone>> = { online: 'good', starting: 'care', offline: 'bad', hardwareError: 'bad' }

export const deviceTone = (d: ServiceDevice): Tone => healthTone[d.state]

/** A cassette and the terminal as a whole are no devices that work or do not. */
export function deviceWord(d: ServiceDevice): string {
  switch (d.id) {
    case 'cassette':
    case 'terminal':
      return w(`${d.id}.${d.state}`)
    default:
      return w(`state.${d.state}`)
  }
}

const contactTone: Readonly<Record<ServiceContact, Tone>> = { rest: 'good', active: 'bad', fault: 'bad', unknown: 'care' }

/** Somebody in front of the terminal is no fault. */
export const doorTone = (d: ServiceDoor): Tone => (d.input === 'proximity' && d.state === 'active' ? 'calm' : contactTone[d.state])

export const doorWord = ({ input, state }: ServiceDoor): string => (state === 'rest' || state === 'active' ? w(`${input}.${state}`) : w(`contact.${state}`))

export const resultTone: Readonly<Record<ActResult, Tone>> = { running: 'care', ok: 'good', failed: 'bad' }

/** Holds that do not end by leaving. */
export const keptHolds = (m: ServiceMode): readonly ServiceHold[] => (m.holds ?? []).filter((h) => h !== 'service')

/** How many things in a section are not as they should be; on its button. */
export function counts(m: ServiceMode): Readonly<Record<'now' | 'devices' | 'cash' | 'doors' | 'alarms' | 'faults', number>> {
  const devices = (m.devices ?? []).filter((d) => deviceTone(d) !== 'good')
  return {
    now: keptHolds(m).length,
    devices: devices.filter((d) => d.id !== 'cassette' && d.id !== 'terminal').length,
    cash: devices.filter((d) => d.id === 'cassette').length + (m.doubts ?? []).length,
    doors: (m.doors ?? []).filter((d) => doorTone(d) !== 'good' && doorTone(d) !== 'calm').length,
    alarms: (m.alarms ?? []).length,
    faults: (m.faults ?? []).length,
  }
}

export const num = (n: number): string => value({ num: n })
