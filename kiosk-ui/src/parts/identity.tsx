// Who is signed in, to whom a person signs in, the dots of a secret, and the card
// that is still in the reader.

import { useEffect } from 'preact/hooks'
import { sentence, t } from '../i18n'
import { call } from '../sound'
import type { Identify, Person } from '../wire.gen'
import { Code, Message } from './basic'
import { CardSlot, Info, Person as PersonSign, Shield } from './icons'

/** On every screen of a signed-in person, in the same place. */
export function SignedIn({ of }: { of: Person }) {
  return (
    <div class="signed-in">
      <PersonSign />
      <p><span class="label">{t('person.in')}</span> <b><bdi>{of.name}</bdi></b></p>
      <p class="level">{t(`level.${of.level}`)}</p>
    </div>
  )
}

/** Before anything is asked for: whom the person signs in to, and its address. */
export function Party({ of }: { of: Identify }) {
  return (
    <div class="party">
      <Shield />
      <p>
        <span class="label">{t('party')}</span>
        <b>{sentence(of.party)}</b>
        <Code>{of.origin}</Code>
      </p>
    </div>
  )
}

/** The terminal restarted: the sign-in that was there is over. */
export function Restarted() {
  return <Message tone="care" icon={<Info />}>{t('restarted')}</Message>
}

/** As many dots as characters were typed; to those who do not see, they are asterisks. */
export function Dots({ count }: { count: number }) {
  return <span class="dots" id="dots" aria-hidden="true">{Array.from({ length: count }, (_, i) => <i key={i} />)}</span>
}

/** Says how many characters there are, never which. */
export function Typed({ count }: { count: number }) {
  return <p class="spoken" aria-live="polite">{t('secret.typed', { n: count })}</p>
}

/** Seconds between two calls for a card that is still in. */
const callAgain = 4

/** The person's card is in the reader: said and sounded until it is out. */
export function TakeCard() {
  useEffect(() => {
    call()
    const timer = setInterval(call, callAgain * 1000)
    return () => clearInterval(timer)
  }, [])
  return (
    <div class="take-card" role="alert">
      <CardSlot state="out" />
      <p>{t('card.take')}</p>
    </div>
  )
}
