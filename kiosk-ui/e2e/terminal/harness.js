// A whole terminal for the browser's tests: supervisor, bench, central and kioskd as
// real processes on free ports, and a person who stands before it. The person does
// what a person can: reads the screen, touches it, pushes notes in, takes the slip.

import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { panel } from '../stage/stage.js'

const run = promisify(execFile)
const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')
export const pictures = join(root, 'var/test/screens')

/** A faster banknote validator than a real one, so that the tests wait less (milliseconds). */
const quick = { accept_ms: 200, stack_ms: 300, point_of_no_return_ms: 150, return_ms: 200, take_ms: 200 }

/** The printer's line, four times as fast as usual; the bench's paper is faster still. */
const quickPaper = ['--printer-baud', '460800']

/** How long anything may take on a busy machine (milliseconds). */
export const patience = 20_000

/** The pages of those who stand before a terminal now, for what an error tells. */
const pages = new Set()

/** The terminals that run now, for the same. */
const terminals = new Set()

/** What is on every screen and in every journal: a failure on another machine is understood from this alone. */
async function shown() {
  const all = [...pages].map((page) =>
    page.evaluate(() => {
      const top = [...document.querySelectorAll('.screen, .dialog, .cover')].map((e) => `${e.className}${e.inert ? ' (inert)' : ''} ${e.dataset.step ?? ''}: ${e.innerText.replace(/\s+/g, ' ')}`)
      return top.join('\n') || `nothing: ${document.body?.innerText}`
    }))
  const words = await Promise.race([Promise.all(all).catch((e) => [e.message]), sleep(2000, ['the page does not answer'])])
  const lines = await Promise.all([...terminals].map(written))
  return `\nthe screen shows\n${words.join('\nand another\n')}${lines.flat().map((l) => `\n${l}`).join('')}`
}

/** The last records of a terminal's journal, and what its programs warned of. */
async function written({ dir, ctl }) {
  const list = await ctl(['journal', 'list', '--last', '10']).catch((e) => `the journal is not told: ${e.message}`)
  const warned = await Promise.all(['kioskd', 'bench', 'uplink'].map(async (name) => {
    const log = await readFile(join(dir, 'log', `${name}.log`), 'utf8').catch(() => '')
    return log.split('\n').filter((l) => /level=(WARN|ERROR)| (WARN|ERROR) /.test(l)).slice(-4).map((l) => `${name}: ${l}`)
  }))
  return [...list.trim().split('\n').map((l) => l.replace(/ +/g, ' ')), ...warned.flat()]
}

/** Does something that may fail, and tells what the screen showed then. */
async function telling(what, act) {
  try {
    return await act()
  } catch (e) {
    throw new Error(`${what}: ${e.message}${await shown()}`, { cause: e })
  }
}

/** Asks until the answer is true; what is the question in an error. */
export async function until(what, ask, within = patience) {
  const end = Date.now() + within
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`not within ${within / 1000} s: ${what}${await shown()}`)
    await sleep(40)
  }
}

/** What can be asked and done at a running terminal, found by the supervisor's announcement. */
export function places(at) {
  const ask = async (url, body) => {
    const r = await fetch(url, body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
    const text = await r.text()
    if (!r.ok) throw new Error(`${url}: ${r.status} ${text}`)
    return text && JSON.parse(text)
  }
  const world = () => ask(`http://${at.bench}/api/state`)
  return {
    ...at,
    /** An action at the bench. */
    bench: (path, body) => ask(`http://${at.bench}/api/${path}`, body),
    /** Puts an order into central, or alters one. */
    order: (body) => ask(`http://${at.central}/demo/v1/orders`, body),
    /** Everything the bench knows. */
    world,
    /** What lies in the cassette, in qəpik. */
    async cassette() {
      const total = (await world()).validator.cassette_total ?? []
      return total.reduce((sum, a) => sum + a.minor, 0)
    },
    /** How many slips have been cut off. */
    slips: async () => ((await world()).strips ?? []).length,
    /** The payments that central booked for a number. */
    async payments(number) {
      const all = (await ask(`http://${at.central}/demo/v1/state`)).payments ?? []
      return all.filter((p) => p.notification_number === number)
    },
  }
}

/** Puts up a terminal; stop ends it and removes its folder. */
export async function terminal(binDir = process.env.KIOSK_BIN ?? join(root, 'bin'), more = []) {
  const dir = await mkdtemp(join(tmpdir(), 'kiosk-e2e-'))
  const supervisor = spawn(join(binDir, 'supervisor'), ['--dir', dir, '--bin-dir', binDir, '--port-zero', '--quiet', ...quickPaper, ...more], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = []
  supervisor.stderr.on('data', (b) => said.push(b))
  const gone = new Promise((r) => supervisor.once('exit', r))
  const stop = async () => {
    terminals.delete(t)
    supervisor.kill('SIGCONT')
    supervisor.kill('SIGTERM')
    await gone
    await rm(dir, { recursive: true, force: true })
  }
  let at, t
  const lines = createInterface({ input: supervisor.stdout })
  const ready = (async () => {
    for await (const line of lines) {
      if (line.startsWith('{')) at = JSON.parse(line)
      else if (line.includes('is ready')) return true
    }
    return false
  })()
  if (!(await ready)) {
    await stop()
    throw new Error(`the terminal did not start: ${Buffer.concat(said)}`)
  }
  supervisor.stdout.resume()

  t = {
    ...places(at),
    stop,
    /** What kioskctl says of the terminal that runs. */
    ctl: async (args) => (await run(join(binDir, 'kioskctl'), [...args, '--socket', at.socket], { maxBuffer: 1 << 26, timeout: patience })).stdout,
    /** The journal's records from one on. */
    async records(from = 1) {
      const lines = await t.ctl(['--json', 'journal', 'list', '--full', '--from', String(from)])
      return lines.split('\n').filter((l) => l !== '').map((l) => JSON.parse(l).record)
    },
    /** The folder of everything that the terminal keeps. */
    dir,
    pid: async (name) => Number(await readFile(join(dir, `${name}.pid`), 'utf8')),
    /**
     * Ends a program as a power cut would. It stays down until back is called: who
     * would start it again at once is held.
     */
    async kill(name) {
      supervisor.kill('SIGSTOP')
      await stopped(supervisor.pid)
      process.kill(await t.pid(name), 'SIGKILL')
      return { back: () => supervisor.kill('SIGCONT') }
    },
  }
  terminals.add(t)
  await t.bench('validator', { action: 'set_timing', ...quick })
  return t
}

/**
 * Waits until every thread of a process is stopped: a signal stops a thread when that
 * thread next takes it. The state is the first field behind the name (proc_pid_stat(5)).
 */
async function stopped(pid) {
  const at = async (id) => /\) (\w)/.exec(await readFile(`/proc/${pid}/task/${id}/stat`, 'utf8'))?.[1]
  for (const until = Date.now() + 10_000; ; await sleep(2)) {
    const states = await Promise.all((await readdir(`/proc/${pid}/task`)).map(at))
    if (states.every((s) => s === 'T')) return
    if (Date.now() > until) throw new Error(`process ${pid} does not stop: ${states}`)
  }
}

/** Touches are ignored for so long after a new screen or what lies over it, and a little (milliseconds). */
const guard = 320

/** In the page: keeps the time at which another screen, or something over it, was drawn. */
function watchScreen() {
  let was
  globalThis.drawnAt = performance.now()
  new MutationObserver(() => {
    const screen = document.querySelector('.screen')
    const now = `${screen?.dataset.step} ${screen?.dataset.seq} ${screen?.inert} ${document.querySelector('.dialog, .cover')?.className}`
    if (now === was) return
    was = now
    globalThis.drawnAt = performance.now()
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-step', 'data-seq', 'inert'] })
}

/** Somebody before the terminal, in a page whose console is kept. */
export async function person(browser, t) {
  const context = await browser.newContext({ viewport: panel })
  const page = await context.newPage()
  page.setDefaultTimeout(patience)
  const noise = []
  page.on('console', (m) => noise.push(`${m.type()}: ${m.text()}`))
  page.on('pageerror', (e) => noise.push(`error: ${e.message}`))
  await page.addInitScript(watchScreen)
  await page.goto(t.screen_url)
  pages.add(page)

  const screen = (step) => page.locator(step ? `.screen[data-step=${step}]` : '.screen')
  const me = {
    page,
    noise,
    close: () => {
      pages.delete(page)
      return context.close()
    },
    /** The step that is shown. */
    step: () => screen().getAttribute('data-step'),
    /** Waits for a step with nothing over it. */
    async see(step, within = patience) {
      await telling(`${step} is waited for`, () => page.locator(`.screen[data-step=${step}]:not([inert])`).waitFor({ timeout: within }))
    },
    /** Waits until the screen has stood for long enough to be touched. */
    stood: () =>
      page.evaluate(async (guard) => {
        for (let left; (left = globalThis.drawnAt + guard - performance.now()) > 0; ) await new Promise((r) => setTimeout(r, left))
      }, guard),
    /** Touches a control with the finger, once the screen has stood for a moment. */
    async touch(selector, within = patience) {
      await telling(`${selector} is to be touched`, async () => {
        const control = page.locator(selector)
        await control.waitFor({ timeout: within })
        await me.stood()
        await control.click({ timeout: within })
      })
    },
    /** Types on the screen's own keys; whole is what the field shows then. */
    async type(digits, whole = digits) {
      await page.locator('.keyboard').waitFor()
      await me.stood()
      for (const d of digits) await page.locator('.keyboard .key', { hasText: new RegExp(`^${d}$`) }).click()
      await until(`the field shows ${whole}`, async () => (await me.typed()) === whole)
    },
    typed: async () => (await page.locator('#field').textContent()).replace(/\D/g, ''),
    /** Begins, in a language, and comes to the form of the first service. */
    async begin(lang) {
      await me.available()
      await me.touch('#main')
      await me.see('language')
      await me.touch(`.screen #lang-${lang}`)
      await me.see('services')
      await me.touch('.screen .service >> nth=0')
      await me.see('form')
    },
    /** Waits until the first screen offers everything it has. */
    async available() {
      await me.see('attract')
      await until('every service is offered', async () => (await page.locator('.attract .message.care').count()) === 0, 2 * patience)
    },
    /** Comes to the question for money. */
    async pay(lang, number) {
      await me.begin(lang)
      await me.type(number)
      await me.touch('#main')
      await me.see('quote')
      await me.touch('#main')
      await me.see('pay')
    },
    /** Amounts on the screen, in qəpik, whatever the language writes around them. */
    sum: async (selector) => qepik(await page.locator(selector).first().textContent()),
    held: () => me.sum('.two-sums > div:first-child .money'),
    /** Pushes a note in until the machine draws it in; does not wait for what becomes of it. */
    async push(manat) {
      await until('the slot is open', async () => !(await page.locator('.pay').count()) || (await page.locator('.pay .notes li').count()) > 0)
      await until(`the ${manat} manat note is drawn in`, async () => (await t.bench('notes', { denomination: manat })).taken)
    },
    /** Pushes a note in and waits until it is in the sum. */
    async insert(manat) {
      const before = await me.held()
      await me.push(manat)
      await until(`${manat} manat more are shown`, async () => (await me.held()) === before + 100 * manat)
    },
    title: () => page.locator('h1').first().innerText(),
    text: async () => (await page.locator('.screen').innerText()).replace(/[\u2066-\u2069]/g, ''),
    /** The reference on an ending; '' without one. */
    reference: async () => ((await page.locator('.reference').count()) ? page.locator('.reference').innerText() : ''),
    picture: async (name) => {
      await mkdir(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' })
    },
    /** Leaves whatever is shown, so that the next person finds the first screen. */
    async leave() {
      await until('the visit is left', async () => {
        switch (await me.step()) {
          case 'attract':
            return true
          case 'notice':
          case 'farewell': // which may end by itself meanwhile
            await me.touch('.screen:is([data-step=notice], [data-step=farewell]) #main', 1000).catch(() => undefined)
            break
          default: // the screen may change under the finger, so none is waited for long
            if (await page.locator('#confirm-yes').count()) await me.touch('#confirm-yes', 1000).catch(() => undefined)
            else if (await page.locator('.screen:not([inert]) #cancel').count()) await me.touch('#cancel', 1000).catch(() => undefined)
        }
        return false
      }, 2 * patience)
    },
  }
  return me
}

/** The qəpik of an amount as any of the languages writes it: two digits after the mark. */
export function qepik(text) {
  const digits = /\d[\d.,\s\u00a0\u202f]*[.,]\d\d/.exec(text)?.[0]
  if (!digits) throw new Error(`no amount in "${text}"`)
  return Number(digits.replace(/\D/g, ''))
}
