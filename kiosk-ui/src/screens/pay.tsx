// Put notes in. The largest thing is what is still to pay; then what is in, what
// happened to the last note, and which notes are taken. All sums are the daemon's.

import { useEffect } from 'preact/hooks'
import { finish } from '../app'
import { t } from '../i18n'
import { call } from '../sound'
import { Huge, Message, Money, Notes } from '../parts/basic'
import { Frame } from '../parts/frame'
import { Check, Clock, Info, Note, NoteSlot, Voucher, Warn } from '../parts/icons'
import { nameFinish, type Money as Tender, type State } from '../wire.gen'

export function Pay({ s }: { s: State }) {
  const m = s.money
  const enough = m.can_finish
  // With larger text in the part above the controls, the sums are two blocks.
  const apart = s.visit.modes.large && s.visit.modes.reach
  const returning = m.moving === 'returning' || m.moving === 'paused'
  useEffect(() => {
    if (returning) call()
  }, [returning])
  return (
    <Frame
      s={s}
      title={t('pay.title')}
      main={enough ? { text: t('pay.finish', { amount: m.owed }), act: finish, icon: <Check />, busy: nameFinish } : undefined}
      class="pay"
    >
      <Sums m={m} whole={!apart} />
      {apart && <TwoSums m={m} />}
      <div class="note-line" role="status"><Happening m={m} /></div>
      {m.over.minor > 0 && <Message tone="care" icon={<Voucher />}>{t('pay.over', { amount: m.over })}</Message>}
      {m.in_doubt > 0 && <Message tone="care" icon={<Warn />}>{t('pay.doubt', { n: m.in_doubt })}</Message>}
      <div class="slot">
        <NoteSlot out={returning} />
        {(m.accepted ?? []).length > 0 && <Notes of={m.accepted!} label={t('pay.takes')} />}
      </div>
      {m.over.minor === 0 && <Message tone="calm" icon={<Voucher />}>{s.visit.quote?.change === 'dispense' ? t('quote.change') : t('attract.nochange')}</Message>}
    </Frame>
  )
}

function Sums({ m, whole }: { m: Tender; whole: boolean }) {
  const done = m.missing.minor <= 0
  return (
    <div class={done ? 'sums done' : 'sums'}>
      <div class="main-sum" aria-live="polite" aria-atomic="true">
        <p class="label">{done ? t('pay.enough') : t('pay.missing')}</p>
        <Huge of={done ? m.held : m.missing} />
      </div>
      {/* Not a promise of time: how much of the sum is in. */}
      <progress value={Math.min(m.held.minor, m.owed.minor)} max={Math.max(1, m.owed.minor)} aria-label={t('pay.held')} />
      {whole && <TwoSums m={m} />}
    </div>
  )
}

function TwoSums({ m }: { m: Tender }) {
  return (
    <div class="two-sums">
      <div aria-live="polite" aria-atomic="true">
        <p class="label">{t('pay.held')}</p>
        <p class="large"><Money of={m.held} /></p>
        {m.count > 0 && <p class="label">{t('pay.count', { n: m.count })}</p>}
      </div>
      <div>
        <p class="label">{t('pay.owed')}</p>
        <p class="large"><Money of={m.owed} /></p>
      </div>
    </div>
  )
}

/** What is going on with the note: the one in the machine first, then the last one. */
function Happening({ m }: { m: Tender }) {
  if (m.moving) {
    const back = m.moving === 'returning' || m.moving === 'paused'
    return <Message tone={back ? 'care' : 'calm'} icon={back ? <Warn /> : <Clock />}>{t(`moving.${m.moving}`)}</Message>
  }
  if (m.last) {
    switch (m.last.what) {
      case 'taken':
        return <Message key={m.last.n} tone="good" icon={<Check />}>{t('note.taken', { amount: m.last.value })}</Message>
      case 'unreadable':
      case 'refused':
      case 'enough':
      case 'limit':
      case 'returned':
      case 'coupon':
        return <Message key={m.last.n} tone="care" icon={<Note />}>{t(`note.${m.last.what}`)}</Message>
      case 'stuck':
        return <Message key={m.last.n} tone="bad" icon={<Warn />}>{t('note.stuck')}</Message>
      default: {
        const none: never = m.last.what
        return none
      }
    }
  }
  if (!m.open && !m.can_finish) return <Message tone="care" icon={<Clock />}>{t('pay.closed')}</Message>
  return <Message tone="calm" icon={<Info />}>{t('pay.insert')}</Message>
}
