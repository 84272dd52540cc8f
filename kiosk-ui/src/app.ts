// The page's only state: the last State of the daemon, the phase of the link, and
// what is open over the screen. Everything on the screen is drawn from these.

import { computed, signal } from '@preact/signals'
import { Draft } from './draft'
import { apply, isLoaded, language, load } from './i18n'
import { Link, mustReload, type Phase, type Socket } from './link/link'
import { kept, rememberReload } from './link/token'
import { openOf, secretRune, wink } from './secret'
import { guard } from './touch'
import {
  type Command, type Field, type Keyboard, langs, type Lang, type Method, type Modes, nameBack, nameCancel, nameCertificate, nameFinish,
  nameInput, nameLanguage, nameMethod, nameModes, nameMoreTime, nameNext, nameSecretKey, nameService, nameSlipAgain, nameStart, nameTouch,
  type SecretRune, type State,
} from './wire.gen'

export const state = signal<State | undefined>(undefined)
export const phase = signal<Phase>('starting')

/** What lies over the screen by the person's own wish; it goes with the step. */
export const overlay = signal<Overlay>('none')
export type Overlay = 'none' | 'help' | 'languages' | 'confirm'

export function setOverlay(o: Overlay): void {
  overlay.value = o
  guard.changed(performance.now())
}

/** Commands that are on their way: a second tap on the same does nothing. */
export const busy = signal<ReadonlySet<string>>(new Set())

const drafts = new Draft()
/** Rises when a draft may have changed, so that fields are drawn again. */
const draftTick = signal(0)

let link: Link | undefined

// Drawing: the first state of a frame at once, so that the work is done when the
// frame begins; of those that follow before it, the newest.

let newest: State | undefined
let drawn: State | undefined
let frame = false

function show(s: State): void {
  newest = s
  if (frame) return
  frame = true
  drawn = s
  requestAnimationFrame(() => {
    frame = false
    if (newest && newest !== drawn) show(newest)
  })
  draw(s)
}

/** Draws what waits for the next frame now: an answer is about the state before it. */
function catchUp(): void {
  if (newest && newest !== drawn) draw((drawn = newest))
}

/** Service mode speaks fewer languages than the terminal, and English for the others. */
function languageOf({ visit, service }: State): Lang {
  const known: readonly string[] = service?.langs ?? langs
  return known.includes(visit.lang) ? visit.lang : service ? 'en' : 'az'
}

function draw(s: State): void {
  const lang = languageOf(s)
  if (!isLoaded(lang)) {
    load(lang).then(() => newest && draw(newest), () => undefined)
  } else if (language.value !== lang) apply(lang)
  const before = state.value
  if (before && (!before.visit.warning !== !s.visit.warning || !before.service?.confirm !== !s.service?.confirm)) guard.changed(performance.now())
  if (before?.step_seq !== s.step_seq || before.visit.id !== s.visit.id) {
    guard.changed(performance.now())
    drafts.clear()
    overlay.value = 'none'
  }
  const root = document.documentElement
  if (s.terminal.pixels_per_mm > 0) root.style.setProperty('--mm', `${s.terminal.pixels_per_mm}px`)
  root.toggleAttribute('data-contrast', s.visit.modes.contrast)
  root.toggleAttribute('data-large', s.visit.modes.large)
  root.toggleAttribute('data-reach', s.visit.modes.reach)
  state.value = s
  wantedModes(s)
}

// The link.

export function startLink(token: string, asset: string): void {
  link = new Link(
    {
      connect: () => new WebSocket(`ws://${location.host}/wire`) as Socket,
      after: (ms, f) => {
        const t = setTimeout(f, ms)
        return () => clearTimeout(t)
      },
      drawn: (f) => void (document.hidden ? f() : requestAnimationFrame(f)),
    },
    { token, asset },
    {
      state(s, first) {
        if (mustReload(s, first, asset, kept(history).reloadedFor)) {
          rememberReload(history, s.asset)
          location.reload()
          return
        }
        show(s)
      },
      phase(p) {
        phase.value = p
        if (p !== 'up') busy.value = new Set()
      },
    },
  )
  link.start()
}

async function send(name: string, extra: Omit<Command, 'step_seq'> = {}): Promise<boolean> {
  const s = state.value
  if (!s || !link) return false
  lastTouch = performance.now()
  return link.command(name, { step_seq: s.step_seq, ...extra })
}

/** Sends a command that a second tap must not repeat. */
export async function once(name: string, extra: Omit<Command, 'step_seq'> = {}): Promise<boolean> {
  if (busy.value.has(name)) return false
  busy.value = new Set([...busy.value, name])
  try {
    return await send(name, extra)
  } finally {
    const left = new Set(busy.value)
    left.delete(name)
    busy.value = left
  }
}

// A key for each act on money, unique over reloads: the daemon does the same key
// only once.
const pageLoad = crypto.getRandomValues(new Uint32Array(2)).join('-')
let acts = 0
const moneyKey = () => `${pageLoad}-${++acts}`

export const start = (lang?: Lang) => once(nameStart, lang ? { lang } : {})
export const chooseLanguage = (lang: Lang) => {
  void load(lang).catch(() => undefined)
  setOverlay('none')
  return once(nameLanguage, { lang })
}
export const chooseService = (service: string) => once(nameService, { service })
export const chooseMethod = (method: Method) => once(nameMethod, { method })
export const chooseCertificate = (certificate: string) => once(nameCertificate, { certificate })
export const next = () => once(nameNext)
export const back = () => once(nameBack)
export const cancel = () => once(nameCancel, { key: moneyKey() })
export const finish = () => once(nameFinish, { key: moneyKey() })
export const slipAgain = () => once(nameSlipAgain, { key: moneyKey() })
export const moreTime = () => once(nameMoreTime)

// The person's choices may be made before the visit has begun: then they wait for it.

let wanted: Modes | undefined

export function toggleMode(mode: keyof Modes): void {
  const s = state.value
  if (!s) return
  const modes = { ...s.visit.modes, [mode]: !s.visit.modes[mode] }
  if (s.visit.id !== '') {
    void once(nameModes, { modes })
    return
  }
  wanted = modes
  void once(nameStart).then((ok) => {
    if (!ok) wanted = undefined // no visit began: the choice must not reach the next person
  })
}

function wantedModes(s: State): void {
  if (!wanted || s.visit.id === '') return
  const modes = wanted
  wanted = undefined
  void once(nameModes, { modes })
}

// The idle clock runs in the daemon; it hears of touches, at most once a second.

let lastTouch = 0

export function touched(): void {
  const s = state.value
  if (!s || (s.visit.id === '' && !s.service) || performance.now() - lastTouch < 1000) return
  void send(nameTouch)
}

// Typing.

/** Takes the keys of a keypad where what is typed is neither a field nor a secret. */
export let ownKeys: ((key: string) => boolean) | undefined

export function takeKeys(f: typeof ownKeys): void {
  ownKeys = f
}

export const activeField = computed(() => {
  const form = state.value?.visit.form
  const fields = form?.fields ?? []
  const at = Math.max(0, fields.findIndex((f) => f.name === form?.active))
  const field = fields[at]
  return field && { field, at, of: fields.length, fields }
})

export function typed(): string {
  void draftTick.value
  const f = activeField.value?.field
  return f ? drafts.shown(f.name, f.value) : ''
}

/** Goes to a field of a form with what is in it already; a secret's text is not here. */
export function openField(f: Field): void {
  if (f.secret) void send(nameInput, { field: f.name })
  else type(f.name, f.value)
}

/** Puts a text into a field; the daemon makes that field the active one. */
export function type(field: string, value: string): void {
  const n = drafts.type(field, value)
  draftTick.value++
  void send(nameInput, { field, value }).then(() => {
    catchUp()
    drafts.answered(n)
    draftTick.value++
  })
}

// Secrets: one key, one message, nothing kept (secret.ts).

/** The secret that is open for typing. */
export const openSecret = computed(() => openOf(state.value?.visit.step ?? '', activeField.value?.field, state.value?.service?.login))

/** Sends one key of a secret. Without a link it is lost, so that none is ever kept. */
export function secretKey(field: string, key: SecretRune): void {
  const s = state.value
  if (!s || !link) return
  lastTouch = performance.now()
  void link.command(nameSecretKey, { step_seq: s.step_seq, field, key })
}

/** A key that was typed on a keypad. */
export function typeSecret(field: string, keyboard: Keyboard, key: string): void {
  const rune = secretRune(keyboard, key)
  if (rune === undefined) return
  wink()
  secretKey(field, rune)
}
