// A terminal and a person who signs in, for the tests of the sign-in: real page, real
// daemon, real PC/SC daemon, central's real checks. The bench holds the cards; it is
// asked afterwards what the card has seen.

import assert from 'node:assert/strict'
import { patience, until } from './harness.js'
import { me, stand, t } from './stand.js'

/** Stands for tests with cards: after each, no card is in a reader, and none is verified or has a fault. */
export const standWithCards = () => stand({
  async tidy() {
    await t.bench('network', { mode: 'on' })
    await t.bench('central', { mode: 'normal' })
    await t.bench('pcscd', { action: 'start' }).catch(() => undefined)
    await out()
    await me.leave()
    for (const { name } of (await t.world()).cards) {
      await t.bench('card', { action: 'clear_faults', card: name })
      // Whatever happened, no PIN stays open on any card. One that was just taken out loses its power a moment later.
      await until(`no PIN stays verified on ${name}`, async () => !(await card(name)).verified)
    }
  },
})

export const card = async (name) => (await t.world()).cards.find((c) => c.name === name)
export const put = (name, more) => t.bench('card', { action: 'insert', card: name, ...more })
export const fault = (name, more) => t.bench('card', { action: 'fault', card: name, ...more })
export const tries = (name, pin1) => t.bench('card', { action: 'tries', card: name, pin1 })
export async function out() {
  for (const reader of ['slot', 'token']) await t.bench('card', { action: 'remove', reader }).catch(() => undefined)
}
/** The citizen's operation history at central, newest first. */
export const history = async (fin) => (await (await fetch(`http://${t.central}/demo/v1/history?fin=${fin}`)).json()).entries

/** Comes to the question how to sign in. */
export async function toMethod(lang) {
  await me.available()
  await until('the reader is there', async () => (await t.world()).pcscd.running)
  await me.touch('#main')
  await me.see('language')
  await me.touch(`.screen #lang-${lang}`)
  await me.see('services')
  await me.touch('.screen .service >> nth=1')
  await me.see('method')
  await until('the card can be chosen', async () => me.page.locator('#method-esign_card').isEnabled())
}

/** Comes to the PIN of a card that is put in. */
export async function toPIN(lang, name = 'citizen', method = 'esign_card') {
  await toMethod(lang)
  await me.touch(`#method-${method}`)
  await me.see('card')
  await put(name)
  await me.see('pin')
}

export async function pin(digits = '1234') {
  await me.page.locator('.keyboard').waitFor()
  await me.stood()
  for (const [i, d] of [...digits].entries()) {
    await me.page.locator('.keyboard .key', { hasText: new RegExp(`^${d}$`) }).click()
    await until(`${i + 1} dots`, async () => (await me.page.locator('#field .dots > *').count()) === i + 1)
  }
  await me.touch('#main')
}

/** Types on the screen's keys into a field that shows what was typed. */
export async function fill(text) {
  await me.page.locator('.keyboard').waitFor()
  await me.stood()
  const shown = async () => (await me.page.locator('#field').textContent()).replace(/[\s\u00a0]/g, '')
  for (const [i, k] of [...text].entries()) {
    await me.page.locator('.keyboard .key', { hasText: new RegExp(`^${k}$`) }).first().click()
    await until(`the field shows ${text.slice(0, i + 1)}`, async () => (await shown()).endsWith(text.slice(0, i + 1)))
  }
}

/** Waits for the screen that says why a card cannot be used. */
export async function trouble(title) {
  await me.see('card_problem')
  assert.match(await me.title(), title)
}

/**
 * Does what a screen of trouble offers, as often as it comes, until the step is there:
 * a busy machine may need more than one try until the reader is what it was told to be.
 */
export async function again(step) {
  await until(`${step}, after trouble with a card`, async () => {
    switch (await me.step()) {
      case step:
        return true
      case 'card_problem':
        await me.touch('.screen[data-step=card_problem] #main', 1000).catch(() => undefined)
        break
      case 'method': // the reader was given up
        await me.touch('#method-esign_card:not([aria-disabled=true])', 1000).catch(() => undefined)
    }
    return false
  }, 2 * patience)
}
