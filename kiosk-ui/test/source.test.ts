// Rules of the source that no compiler holds.

import { describe, expect, it } from 'vitest'

const read = (m: Record<string, unknown>) => Object.entries(m as Record<string, string>)
const styles = read(import.meta.glob('../src/style/*.css', { query: '?raw', import: 'default', eager: true }))
const sources = read(import.meta.glob('../src/**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }))
const html = read(import.meta.glob('../index.html', { query: '?raw', import: 'default', eager: true }))

const bare = (css: string) => css.replace(/\/\*[\s\S]*?\*\//g, '')

it('there is something to look at', () => {
  for (const [, css] of styles) expect(css.length).toBeGreaterThan(100)
  expect([styles.length > 5, sources.length > 20, html.length]).toEqual([true, true, 1])
})

describe.each(styles)('%s', (_, css) => {
  it('has logical properties only, so that right-to-left needs no second set', () => {
    const physical = /(^|[\s;{])((margin|padding|border)-(left|right|top|bottom)|(min-|max-)?(width|height)|left|right|top|bottom|float|clear)\s*:/m
    expect(bare(css)).not.toMatch(physical)
    expect(bare(css)).not.toMatch(/text-align:\s*(left|right)/)
    expect(bare(css)).not.toMatch(/border-(top|bottom)-(left|right)-radius/)
  })

  it('has no hover, no capitals by style, no address outside', () => {
    expect(bare(css)).not.toMatch(/:hover|text-transform|letter-spacing|font-style|https?:|data:/)
  })

  it('moves by transform and opacity only', () => {
    for (const [, what] of bare(css).matchAll(/transition:\s*([^;]+);/g)) expect(what!.replace(/\d+ms|,|none|!important/g, '').trim().split(/\s+/).filter((p) => p !== 'transform' && p !== 'opacity' && p !== '')).toEqual([])
  })
})

describe.each(sources)('%s', (name, source) => {
  it('asks the browser’s Intl for plurals only', () => {
    expect(source.replaceAll('Intl.PluralRules', '')).not.toMatch(/\bIntl\.|toLocale(String|UpperCase|LowerCase|DateString|TimeString)/)
  })

  it('stores nothing, opens nothing, writes nothing inline', () => {
    if (name.endsWith('wire.gen.ts')) return
    expect(source).not.toMatch(/localStorage|sessionStorage|indexedDB|document\.cookie|serviceWorker|caches\./)
    expect(source).not.toMatch(/innerHTML|outerHTML|document\.write|\beval\(|new Function|\balert\(|\bprompt\(|\bprint\(|window\.open|target=/)
    expect(source).not.toMatch(/<input|<a\s|onMouseOver|onMouseEnter|onContextMenu|console\./)
  })

  it('can be read in one sitting', () => {
    if (!name.endsWith('wire.gen.ts')) expect(source.split('\n').length).toBeLessThan(500)
  })
})

it('index.html holds nothing inline', () => {
  expect(html[0]![1]).not.toMatch(/\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\ssrc=)/)
})

// The palette: contrast by the formula of WCAG 2.2 (relative luminance).

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number]
  return (x + 0.05) / (y + 0.05)
}

describe.each(['base.css', 'modes.css'])('the palette of %s', (file) => {
  const css = styles.find(([n]) => n.endsWith(file))![1]
  const colour = Object.fromEntries([...css.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6});/g)].map((m) => [m[1], m[2]])) as Record<string, string>
  const text: [string, string][] = [
    ['ink', 'ground'], ['ink', 'card'], ['ink', 'tint'], ['soft', 'ground'], ['soft', 'card'], ['soft', 'tint'], ['brand', 'card'], ['brand', 'ground'],
    ['on-brand', 'brand'], ['good', 'good-tint'], ['care', 'care-tint'], ['bad', 'bad-tint'],
  ]
  it.each(text)('text %s on %s is 7:1', (a, b) => expect(contrast(colour[a]!, colour[b]!)).toBeGreaterThanOrEqual(7))
  it('on the deep ground too', () => {
    const on = file === 'base.css' ? colour['on-brand']! : '#ffffff'
    expect(contrast(on, colour['brand-deep']!)).toBeGreaterThanOrEqual(7)
    expect(contrast(colour['on-deep-soft']!, colour['brand-deep']!)).toBeGreaterThanOrEqual(7)
  })
  const signs: [string, string][] = [
    ['edge-line', 'card'], ['edge-line', 'ground'], ['edge-line', 'tint'], ['focus', 'card'], ['focus', 'ground'], ['focus', 'tint'], ['accent', 'brand-deep'], ['brand', 'ground'],
  ]
  it.each(signs)('border, sign or focus ring %s on %s is 3:1', (a, b) => expect(contrast(colour[a]!, colour[b]!)).toBeGreaterThanOrEqual(3))
})
