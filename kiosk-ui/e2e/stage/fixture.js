// What every file of tests on the stage begins with: one stage and one browser for
// all of them, and nothing left behind by a test.

import { after, afterEach } from 'node:test'
import { browser, stage } from './stage.js'

/** The stage and the browser of a file of tests: `const { st, b } = await fixture()`. */
export async function fixture() {
  const st = await stage()
  const b = await browser()
  // A failed test leaves no page behind, of which only one may be connected, and no
  // stage that is deaf or answers.
  afterEach(async () => {
    for (const c of b.contexts()) await c.close()
    st.react({})
    st.alive(true)
  })
  after(async () => {
    await b.close()
    await st.close()
  })
  return { st, b }
}

/** A text without the marks that keep the direction of what stands in it. */
export const plain = (s) => s.replace(/[\u2066-\u2069]/g, '')
