// Nobody is here: what the machine does, what it takes, and how to begin.

import { useEffect, useState } from 'preact/hooks'
import { start } from '../app'
import { language, sentence, t } from '../i18n'
import { always } from '../i18n/always'
import { locales } from '../i18n/locale'
import { Button, Code, Message, Notes, Quoted } from '../parts/basic'
import { Tools } from '../parts/frame'
import { ArrowOn, Hero, Info, Mark, Voucher, Warn } from '../parts/icons'
import { Languages } from '../parts/overlays'
import { Pages } from '../parts/pages'
import { pressable } from '../touch'
import type { Lang, State } from '../wire.gen'
import { whyKey } from './services'

/** The languages of the invitation besides the one of the page. */
const invited: readonly Lang[] = ['az', 'en', 'ru']

/** Moves the picture by some pixels once a minute, so that nothing burns in. */
function useDrift(): number {
  const [n, set] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => set((k) => (k + 1) % 9), 60_000)
    return () => clearInterval(timer)
  }, [])
  return n
}

export function Attract({ s }: { s: State }) {
  const drift = useDrift()
  const m = s.terminal
  const words = always[language.value ?? 'az']
  const services = s.visit.services ?? []
  const others = invited.filter((l) => l !== s.visit.lang && (m.langs ?? []).includes(l)).slice(0, 2)
  return (
    <div class="frame attract" data-drift={drift} {...pressable(() => void start())}>
      <header class="top">
        <div class="bar">
          <Mark />
          <p class="owner"><bdi>{m.owner}</bdi></p>
        </div>
      </header>
      <main>
        <div class="read">
          <h1>{t('attract.title')}</h1>
          <Hero />
          <Pages>
            {m.notes && m.notes.length > 0 && <Notes of={m.notes} label={t('attract.takes')} />}
            <Message tone="calm" icon={<Voucher />}>{m.gives_change ? t('attract.change') : t('attract.nochange')}</Message>
            <Message tone="calm" icon={<Info />}>{t('attract.fee')}</Message>
            {(s.devices.card_reader === 'offline' || s.devices.card_reader === 'hardwareError') && (
              <Message tone="care" icon={<Warn />}>{t('attract.reader')}</Message>
            )}
            {services.filter((v) => !v.available).map((v) => (
              <Message key={v.id} tone="care" icon={<Warn />}>
                {sentence(v.title)}
                <br />
                {t(whyKey(v.why))}
              </Message>
            ))}
          </Pages>
        </div>
        <div class="hand">
          <div class="invite">
            <Button kind="main" act={() => void start()} iconAfter={<ArrowOn />} id="main">{words.start}</Button>
            <p aria-hidden="true">
              {others.map((l) => <span key={l} lang={l} dir={locales[l].dir}>{always[l].start}</span>)}
            </p>
          </div>
          <Languages s={s} choose={(l) => void start(l)} mark={false} />
          <div class="foot">
            <Tools s={s} />
            <Quoted rows={[[words.machine, <Code>{m.number}</Code>], [words.phone, <Code>{m.phone}</Code>]]} />
          </div>
        </div>
      </main>
    </div>
  )
}
