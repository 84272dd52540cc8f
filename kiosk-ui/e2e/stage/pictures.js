// Pictures of the main screens, for a person to look at:
//   node e2e/stage/pictures.js FOLDER [az,ar,ru] [large|contrast|reach]

import { mkdirSync } from 'node:fs'
import { browser, draw, guardOver, open, stage } from './stage.js'
import { sections } from './service.js'
import { main } from './states.js'

const [folder = 'pictures', languages = 'az,ar,ru', mode] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })
const st = await stage()
const b = await browser()
const { page, noise } = await open(b, st)
for (const lang of languages.split(',')) {
  for (const [name, s] of Object.entries(main(lang))) {
    if (mode && s.visit.id) s.visit.modes[mode === 'time' ? 'more_time' : mode] = true
    await draw(st, page, s)
    await page.screenshot({ path: `${folder}/${lang}-${name}.png`, animations: 'disabled' })
    if (name !== 'service') continue
    for (const section of sections) {
      await guardOver(page)
      await page.locator(`#tab-${section}`).click()
      await page.screenshot({ path: `${folder}/${lang}-${name}-${section}.png`, animations: 'disabled' })
    }
  }
}
if (noise.length > 0) console.error(noise.join('\n'))
await b.close()
await st.close()
