// The cover over a screen whose daemon is not heard. It takes every touch, so that
// none lands on a stale control, and all its words are in the page from the start.

import type { Phase } from '../link/link'
import { always } from '../i18n/always'
import { language } from '../i18n'
import { locales } from '../i18n/locale'
import type { Lang, State } from '../wire.gen'
import { Code, Quoted } from './basic'
import { Mark, Shield } from './icons'

export function Cover({ phase, s }: { phase: Phase; s: State | undefined }) {
  const lang: Lang = language.value ?? 'az'
  const words = always[lang]
  const text = phase === 'elsewhere' ? words.elsewhere : phase === 'not_here' ? words.notHere : words.moment
  const money = phase === 'moment' || phase === 'call'
  return (
    <section class="cover" role="alertdialog" aria-modal="true" aria-labelledby="cover-title" lang={lang} dir={locales[lang].dir}>
      {money ? <Shield /> : <Mark />}
      <h1 id="cover-title">{text}</h1>
      {money && <div class="working" aria-hidden="true"><i /><i /><i /></div>}
      {phase === 'call' && (
        <>
          <p>{words.call}</p>
          {s && (
            <Quoted
              rows={[
                [words.machine, <Code>{s.terminal.number}</Code>],
                [words.phone, <Code>{s.terminal.phone}</Code>],
              ]}
            />
          )}
        </>
      )}
    </section>
  )
}
