// Nothing ever scrolls and nothing is ever cut: what does not fit is on the next
// page. Blocks are packed into pages by their measured height, so this holds in
// every language, text size and panel.

import { type ComponentChildren, type JSX, toChildArray } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { t } from '../i18n'
import { Button } from './basic'
import { ArrowBack, ArrowOn } from './icons'

/** Packs heights into pages: the number of the first block of each. */
export function pack(heights: readonly number[], gap: number, room: number): number[] {
  const starts = [0]
  let used = 0
  heights.forEach((h, i) => {
    const more = used === 0 ? h : used + gap + h
    if (used > 0 && more > room) {
      starts.push(i)
      used = h
    } else {
      used = more
    }
  })
  return starts
}

interface Paged {
  readonly view: JSX.Element
  /** The way to the other pages; null if there are none. */
  readonly pager: JSX.Element | null
}

export function usePages(children: ComponentChildren, list = false): Paged {
  const blocks = toChildArray(children)
  const box = useRef<HTMLDivElement>(null)
  const [starts, setStarts] = useState<readonly number[]>([0])
  const [page, setPage] = useState(0)
  const at = Math.min(page, starts.length - 1)

  useLayoutEffect(() => {
    const el = box.current
    if (!el) return
    const measure = () => {
      const gap = parseFloat(getComputedStyle(el).rowGap) || 0
      // Half a pixel of room for rounding; a block that is there is at least a pixel high.
      const heights = [...el.children].map((c) => Math.max(1, c.getBoundingClientRect().height))
      const now = pack(heights, gap, el.clientHeight + 0.5)
      setStarts((before) => (before.join() === now.join() ? before : now))
    }
    measure()
    const seen = new ResizeObserver(measure)
    seen.observe(el)
    for (const c of el.children) seen.observe(c)
    return () => seen.disconnect()
  })

  const from = starts[at] ?? 0
  const to = starts[at + 1] ?? blocks.length
  const view = (
    <div class="pages-box" ref={box} role={list ? 'list' : undefined}>
      {blocks.map((b, i) => (
        <div
          key={(b as { key?: string | number }).key ?? i}
          class={i >= from && i < to ? 'block' : 'block off'}
          role={list ? 'listitem' : undefined}
        >
          {b}
        </div>
      ))}
    </div>
  )
  const pager = starts.length > 1 ? (
    <div class="pager">
      <Button act={() => setPage(at - 1)} disabled={at === 0} icon={<ArrowBack />}>{t('pages.back')}</Button>
      <p aria-live="polite">{t('pages.at', { at: at + 1, of: starts.length })}</p>
      <Button act={() => setPage(at + 1)} disabled={at === starts.length - 1} iconAfter={<ArrowOn />}>{t('pages.next')}</Button>
    </div>
  ) : null
  return { view, pager }
}

export function Pages({ children, list = false }: { children: ComponentChildren; list?: boolean }) {
  const { view, pager } = usePages(children, list)
  return <div class="pages">{view}{pager}</div>
}

/** A text as blocks: its paragraphs, and the sentences of a very long one. */
export function paragraphs(text: string): string[] {
  return text
    .split(/\n+/)
    .map((p) => p.trim())
    .filter((p) => p !== '')
    .flatMap((p) => (p.length <= 320 ? [p] : (p.match(/[^.!?؟。]+[.!?؟。]*\s*/g) ?? [p]).map((s) => s.trim())))
}
