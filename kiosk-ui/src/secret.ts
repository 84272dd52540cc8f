// A secret (PIN, password, one-time code) as the page sees it: keys that go to the
// daemon one by one, at once, and a count that comes back in the state. There is no
// variable, no draft, no attribute and no queue in which two of its characters ever
// stand together; when the daemon is not heard, a key is lost and not kept.

import { fieldServicePIN, type Field, type Keyboard, type SecretRune, type ServiceLogin } from './wire.gen'
import { asciiDigits } from './keyboard/layouts'

/** The name under which the daemon takes the keys of a card's PIN. */
export const pinField = 'pin'

/** Keys that are no character. */
export const eraseKey: SecretRune = 'erase'
export const clearKey: SecretRune = 'clear'

/** Where typed characters go while a secret is open. */
export interface Open {
  readonly field: string
  readonly keyboard: Keyboard
}

/** The character of a key for a secret of this keyboard; undefined if it does not fit it. */
export function secretRune(keyboard: Keyboard, key: string): SecretRune | undefined {
  if ([...key].length !== 1) return undefined
  switch (keyboard) {
    case 'digits':
    case 'phone': {
      const digit = asciiDigits(key)
      return /^\d$/.test(digit) ? digit : undefined
    }
    case 'latin': {
      const k = key === 'ı' || key === 'İ' ? 'I' : key.toUpperCase()
      return /^[0-9A-Z]$/.test(k) ? k : undefined
    }
    case 'text':
      return key >= ' ' ? key : undefined
    case 'none':
      return undefined
  }
}

/** What is open for typing: a card's PIN, that of a member of staff, a form's secret field, or no secret. */
export function openOf(step: string, field: Field | undefined, login?: ServiceLogin): Open | undefined {
  if (step === 'pin') return { field: pinField, keyboard: 'digits' }
  if (login?.person && !login.checking) return { field: fieldServicePIN, keyboard: 'digits' }
  return step === 'form' && field?.secret ? { field: field.name, keyboard: field.keyboard } : undefined
}

/** Every key of a secret gives the same answer: the row of dots winks, whichever key it was. */
export function wink(): void {
  document.getElementById('dots')?.animate([{ opacity: 1 }, { opacity: 0.35 }, { opacity: 1 }], 160)
}
