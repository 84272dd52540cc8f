// axe on the drawn page, with the rules of WCAG 2.0 to 2.2, A and AA, and the AAA
// figure for contrast (ui.md, section 7).

import axeCore from 'axe-core'

const options = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'],
  rules: { 'color-contrast-enhanced': { enabled: true }, 'target-size': { enabled: true } },
  resultTypes: ['violations'], // of the others one node is told
}

// axe is put into a page once and not for each look: it is half a megabyte, and takes
// ten times longer to arrive than it then looks.
const equipped = new WeakSet()

export async function axe(page, what, faults) {
  if (!equipped.has(page)) {
    await page.evaluate(`${axeCore.source}; undefined`)
    equipped.add(page)
  }
  const found = await page.evaluate(async (options) => {
    // What appears is not there yet for axe: it begins with no opacity. What never ends is no such thing.
    const appearing = document.getAnimations().filter((a) => Number.isFinite(a.effect.getComputedTiming().endTime))
    await Promise.all(appearing.map((a) => a.finished.catch(() => undefined)))
    const r = await globalThis.axe.run(document, options)
    return { looked: [...r.passes, ...r.incomplete].map((x) => x.id), violations: r.violations.map((x) => ({ id: x.id, at: x.nodes.map((n) => n.target.join(' ')) })) }
  }, options)
  const looked = new Set(found.looked)
  for (const rule of ['color-contrast-enhanced', 'button-name', 'html-has-lang']) if (!looked.has(rule)) faults.push(`${what}: axe did not look at ${rule}`)
  for (const v of found.violations) faults.push(`${what}: ${v.id}: ${v.at.join(', ')}`)
}
