// What service mode asks of the daemon. The daemon decides whether it may be done,
// and answers an act that touches money or an alarm with a question first.

import { back, once } from '../app'
import { asciiDigits } from '../keyboard/layouts'
import { nameServiceAct, nameServiceLeave, nameServiceLogin, type Act, type DeviceID, type ServiceConfirm, type ServiceDoubt } from '../wire.gen'

export const signIn = (person: string) => once(nameServiceLogin, { person })
export const act = (device: DeviceID, name: Act) => once(nameServiceAct, { device, act: name })
/** Decides about a note in doubt; minor is what it is to be booked as, 0 where it is not. */
export const decide = (of: ServiceDoubt, name: Act, minor: number) => once(nameServiceAct, { device: 'cassette', act: name, note: of.note, minor })
export const actConfirmed = ({ device, act, note, value }: ServiceConfirm) =>
  once(nameServiceAct, { device, act, confirm: true, ...(note !== undefined && { note, minor: act === 'note_inside' ? (value?.minor ?? 0) : 0 }) })
/** Takes the question away. */
export const actRefused = back
export const leave = (outOfService: boolean) => once(nameServiceLeave, { out_of_service: outOfService })

// The number of a member of staff (daemon/upkeep/people): it is no secret, and what
// is typed of it stays in the page until it is whole.

const longest = 8

export const isNumber = (s: string): boolean => /^\d{2,8}$/.test(s)

/** The number after a key; a key that does not fit changes nothing. */
export function numberAfter(number: string, key: string): string {
  if (key === 'Backspace') return number.slice(0, -1)
  const digit = asciiDigits(key)
  return /^\d$/.test(digit) && number.length < longest ? number + digit : number
}
