// axe on the drawn page, with the rules of WCAG 2.0 to 2.2, A and AA, and the AAA
// figure for contrast (ui.md, section 7).

import { AxeBuilder } from '@axe-core/playwright'

export async function axe(page, what, faults) {
  const found = await new AxeBuilder({ page })
    .setLegacyMode(true) // the page has no frames, and a second page for the report costs time
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa'])
    .options({ rules: { 'color-contrast-enhanced': { enabled: true }, 'target-size': { enabled: true } } })
    .analyze()
  const looked = new Set([...found.passes, ...found.incomplete].map((r) => r.id))
  for (const rule of ['color-contrast-enhanced', 'button-name', 'html-has-lang']) if (!looked.has(rule)) faults.push(`${what}: axe did not look at ${rule}`)
  for (const v of found.violations) faults.push(`${what}: ${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)
}
