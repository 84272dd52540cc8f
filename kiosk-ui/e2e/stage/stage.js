// The stage: serves the built page under the daemon's policy and plays any state to
// it. It is no daemon: it decides nothing, and shows what a test puts on it.

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { accept } from './socket.js'

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../dist')

const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.txt': 'text/plain' }

/** The daemon's own (daemon/screen). */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; font-src 'self'; " +
  "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

export const token = 'stage-token'

export async function stage() {
  let state // what is shown
  let seq = 0
  let page // the conversation with the page
  let deaf = false // takes no connection, like a daemon that is away
  const heard = []
  const waiting = []
  const asset = /name="asset" content="([0-9a-f]+)"/.exec(await readFile(join(dist, 'index.html'), 'utf8'))[1]

  const wake = () => {
    for (const w of waiting.splice(0)) w()
  }

  const server = createServer(async (q, r) => {
    const path = normalize(new URL(q.url, 'http://stage').pathname)
    const name = path === '/' ? '/index.html' : path
    r.setHeader('Content-Security-Policy', policy)
    try {
      r.setHeader('Content-Type', types[extname(name)] ?? 'application/octet-stream')
      r.end(await readFile(join(dist, name)))
    } catch {
      r.writeHead(404).end()
    }
  })
  server.on('upgrade', (q, socket) => {
    if (deaf || q.url !== '/wire') return socket.destroy()
    const me = accept(q, socket, {
      message(text) {
        take(me, JSON.parse(text))
        wake()
      },
      close() {
        if (page === me) page = undefined
      },
    })
  })
  const take = (me, m) => {
    const answer = (type, more) => me.send(JSON.stringify({ header: { ...m.header, type, ...more } }))
    if (m.header.name === 'Screen.Beat') return
    if (m.header.name === 'Screen.Hello') {
      const code = m.payload.token !== token ? 'authorizationRequired' : page && page !== me ? 'sequenceError' : 'success'
      answer('completion', { completionCode: code })
      if (code !== 'success') return me.close()
      page = me
      if (state) play()
      return
    }
    heard.push({ name: m.header.name, ...m.payload })
    answer('acknowledge')
    const react = reactions[m.header.name] ?? own[m.header.name]
    if (react) state = { ...react(structuredClone(state), m.payload) }
    if (react) play()
    answer('completion', { completionCode: 'success' })
  }
  const play = () => page?.send(JSON.stringify({ header: { type: 'unsolicited', name: 'Screen.State', version: '1.0' }, payload: { ...state, asset, seq: ++seq } }))
  const beat = setInterval(() => page?.send(JSON.stringify({ header: { type: 'unsolicited', name: 'Screen.Beat', version: '1.0' } })), 2000)
  let reactions = {}
  // What is typed lives in the daemon, and so on the stage.
  const own = {
    'Visit.Input': (x, c) => {
      for (const f of x.visit.form?.fields ?? []) if (f.name === c.field && !f.secret) f.value = c.value ?? ''
      return x
    },
  }

  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const origin = `http://127.0.0.1:${server.address().port}`
  return {
    origin,
    address: `${origin}/#token=${token}`,
    /** How many commands were heard so far: the place from which a test looks at the next ones. */
    heard: () => heard.length,
    /** Shows a state as the daemon would. */
    show(s) {
      state = s
      play()
    },
    /** What the stage does on a command: state -> state. */
    react(map) {
      reactions = map
    },
    /** Waits for a command. */
    async command(name, after = heard.length) {
      for (;;) {
        const c = heard.slice(after).find((h) => h.name === name)
        if (c) return c
        await new Promise((w) => waiting.push(w))
      }
    },
    /**
     * The commands after a place, without the touches that keep a visit awake, once
     * everything that the page has sent so far has come and been answered: what is not
     * among them was not sent.
     */
    async since(after, p) {
      const sent = await p.evaluate(() => globalThis.wire.sent)
      for (const until = Date.now() + 20_000; (page?.received ?? -1) < sent; ) {
        if (Date.now() > until) throw new Error(`the page sent ${sent} messages, ${page ? page.received : 'and none'} came`)
        await Promise.race([new Promise((w) => waiting.push(w)), sleep(100)])
      }
      await p.waitForFunction((n) => globalThis.wire.received >= n, page.sent)
      return heard.slice(after).filter((c) => c.name !== 'Visit.Touch')
    },
    /** The daemon is gone; true brings it back. */
    alive(yes) {
      deaf = !yes
      if (!yes) page?.close()
    },
    async close() {
      clearInterval(beat)
      page?.close()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

/** The terminal's browser: Debian's Chromium at the panel's size. */
export async function browser(options = {}) {
  return chromium.launch({
    executablePath: join(dirname(fileURLToPath(import.meta.url)), 'chromium.sh'),
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-features=Translate', '--mute-audio'],
    ...options,
  })
}

export const panel = { width: 1080, height: 1920 }

/** In the page: counts the messages of its present connection. */
function countMessages() {
  let present
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (data) {
    if (present !== this) {
      const wire = (globalThis.wire = { sent: 0, received: 0 })
      this.addEventListener('message', () => wire.received++)
      present = this
    }
    globalThis.wire.sent++
    return send.call(this, data)
  }
}

/** A page on the stage whose console is kept: it must stay empty. */
export async function open(b, st, context = {}) {
  const ctx = await b.newContext({ viewport: panel, ...context })
  await ctx.addInitScript(countMessages)
  const page = await ctx.newPage()
  const noise = []
  page.on('console', (m) => noise.push(`${m.type()}: ${m.text()}`))
  page.on('pageerror', (e) => noise.push(`error: ${e.message}`))
  await page.goto(st.address)
  return { page, noise, ctx }
}

/**
 * A page that is measured and not looked at need not be painted: without a graphics
 * processor that is the half of its work. Nothing of the layout changes.
 */
export const unpainted = (page) => page.evaluate(() => void (document.documentElement.style.opacity = '0'))

/** Waits until what is shown takes touches (src/touch.ts). */
export const guardOver = (page) => page.waitForTimeout(310)

/** Waits until what was changed has been drawn. */
export const frames = (page) => page.evaluate(() => new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(() => r()))))

/** Shows a state and waits until the page has drawn it, in its language and with its fonts. */
export async function draw(st, page, s) {
  st.show(s)
  const drawn = await page.evaluate(
    async ([step, lang, seq]) => {
      const frame = () => new Promise((r) => requestAnimationFrame(r))
      const until = performance.now() + 30_000
      const there = () => {
        const screen = document.querySelector('.screen')
        return document.documentElement.lang === lang && screen?.dataset.step === step && screen.dataset.seq === seq && !document.querySelector('.cover, .loading')
      }
      while (!there() && performance.now() < until) await frame()
      await document.fonts.ready
      // Pages are measured after the first layout, and once more when a pager has appeared.
      for (let i = 0; i < 2; i++) await frame()
      return there()
    },
    [s.visit.step, s.visit.lang, String(s.step_seq)],
  )
  if (!drawn) throw new Error(`the page did not draw ${s.visit.step} in ${s.visit.lang}`)
}
