// What service mode asks of the daemon. The daemon decides whether it may be done,
// and answers an act that touches money or an alarm with a question first.

import { back, once } from '../app'
import { asciiDigits } from '../keyboard/layouts'
import { nameServiceAct, nameServiceLeave, nameServiceLogin, type Act, type DeviceID } from '../wire.gen'

export const signIn = (person: string) => once(nameServiceLogin, { person })
export const act = (device: DeviceID, name: Act) => once(nameServiceAct, { device, act: name })
export const actConfirmed = (device: DeviceID, name: Act) => once(nameServiceAct, { device, act: name, confirm: true })
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
