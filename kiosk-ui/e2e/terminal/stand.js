// The terminal of a file of tests, its browser, and who stands before it.

import { after, afterEach, before } from 'node:test'
import { browser } from '../stage/stage.js'
import { person, terminal } from './harness.js'

/** Put there by stand, before the first test. */
export let t, b, me

/**
 * Puts them up for the file. begin follows that at once; tidy leaves everything to the
 * next test as it found it. (Two "before" of a file would run side by side.)
 */
export function stand({ begin, tidy } = {}) {
  before(async () => {
    const both = await Promise.allSettled([terminal(), browser()])
    ;[t, b] = both.map((one) => one.value) // where one is missing, the other is still to be ended
    for (const one of both) if (one.status === 'rejected') throw one.reason
    me = await person(b, t)
    await begin?.()
  })
  afterEach(async () => {
    await tidy?.()
    me.noise.length = 0
  })
  after(async () => {
    await b?.close()
    await t?.stop()
  })
}
