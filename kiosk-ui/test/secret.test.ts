// The keys of a secret: what fits, that each leaves the page once and at once, and
// that nothing of them stays.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { allSigns, capital, letters, secretScripts } from '../src/keyboard/layouts'
import { Link } from '../src/link/link'
import { clearKey, eraseKey, openOf, pinField, secretRune } from '../src/secret'
import { guard, pressable } from '../src/touch'
import { contract, langs, nameInput, nameSecretKey, nameTouch, type Envelope, type Field, type Keyboard, type State } from '../src/wire.gen'

describe('what a key means', () => {
  const cases: [what: string, keyboard: Keyboard, keys: string[], want: (string | undefined)[]][] = [
    ['digits only for a PIN', 'digits', ['0', '9', 'a', '-', ' ', ''], ['0', '9', undefined, undefined, undefined, undefined]],
    ['native digits are 0-9', 'digits', ['٣', '۷'], ['3', '7']],
    ['capitals for codes, the language-neutral way', 'latin', ['a', 'ı', 'İ', 'ə', '7'], ['A', 'I', 'I', undefined, '7']],
    ['a password may be of anything that is written', 'text', ['a', 'A', 'Ə', '"', '\\', ' ', '٣', '\u0007', 'Enter'], ['a', 'A', 'Ə', '"', '\\', ' ', '٣', undefined, undefined]],
    ['names of keys are no characters', 'text', [eraseKey, clearKey], [undefined, undefined]],
    ['choices are not typed', 'none', ['1'], [undefined]],
  ]
  it.each(cases)('%s', (_, keyboard, keys, want) => expect(keys.map((k) => secretRune(keyboard, k))).toEqual(want))
})

describe('where typed characters go', () => {
  const field = { name: 'password', keyboard: 'text', secret: true } as Field
  it('to the PIN on its step', () => expect(openOf('pin', undefined)).toEqual({ field: pinField, keyboard: 'digits' }))
  it('to a secret field of a form', () => expect(openOf('form', field)).toEqual({ field: 'password', keyboard: 'text' }))
  it('nowhere secret otherwise', () => {
    expect(openOf('form', { ...field, secret: false })).toBeUndefined()
    expect(openOf('form', undefined)).toBeUndefined()
    expect(openOf('pin_last', undefined)).toBeUndefined()
  })
})

describe('the keyboard of a password', () => {
  it('holds every character of ASCII', () => {
    const keys = new Set([...letters.en.flat().flatMap((k) => [k, capital('en', k)]), ...allSigns.flat(), ' '])
    for (let c = 0x20; c < 0x7f; c++) expect(keys, String.fromCharCode(c)).toContain(String.fromCharCode(c))
    expect(allSigns.flat().length).toBe(new Set(allSigns.flat()).size)
    for (const row of allSigns) expect(row.length).toBeLessThanOrEqual(13)
  })

  it('is Latin first in every language, and the own script is there', () => {
    for (const l of langs) {
      expect(secretScripts(l)[0]).toBe('en')
      expect(secretScripts(l)).toContain(l)
    }
  })
})

describe('a key of a secret under the finger', () => {
  it('acts once for a touch, does not show it, and takes no focus', () => {
    let acts = 0
    let feels = 0
    let prevented = 0
    const attributes: string[] = []
    const el = {
      isConnected: true,
      disabled: false,
      getAttribute: () => null,
      toggleAttribute: (n: string, on: boolean) => on && attributes.push(n),
      getBoundingClientRect: () => ({ left: 0, right: 100, top: 0, bottom: 50 }),
    }
    const event = (detail: number) =>
      ({ pointerId: 1, pointerType: 'touch', button: 0, clientX: 9, clientY: 9, timeStamp: 5000, detail, currentTarget: el, stopPropagation() {}, preventDefault: () => prevented++ }) as unknown as PointerEvent
    guard.changed(0)
    const on = pressable(() => acts++, () => feels++, true)
    on.onPointerDown(event(1))
    on.onPointerMove(event(1))
    on.onPointerUp(event(1))
    on.onMouseDown(event(1))
    on.onClick(event(1))
    expect([acts, feels, prevented, attributes]).toEqual([1, 1, 1, []])
    on.onClick(event(0)) // Enter on the focused key
    expect([acts, feels, attributes]).toEqual([2, 2, []])
  })
})

// The page without a browser: its socket, and the few things of a document that it touches.

describe('from the key to the daemon', () => {
  class Socket {
    static last: Socket
    onopen = () => {}
    onmessage: (e: { data: unknown }) => void = () => {}
    onclose = () => {}
    heard: Envelope[] = []
    constructor() {
      Socket.last = this
    }
    send(data: string) {
      this.heard.push(JSON.parse(data) as Envelope)
    }
    close() {}
    says(payload: State) {
      this.onmessage({ data: JSON.stringify({ header: { type: 'unsolicited', name: 'Screen.State', version: '1.0' }, payload }) })
    }
    keys() {
      return this.heard.filter((m) => m.header.name === nameSecretKey).map((m) => m.payload)
    }
  }

  const modes = { contrast: false, large: false, reach: false, more_time: false }
  const stateOf = (visit: object, step_seq = 7): State =>
    ({ contract, asset: 'A', seq: 1, step_seq, terminal: { pixels_per_mm: 3 }, visit: { id: 'v', lang: 'en', modes, ...visit }, money: {}, devices: {} }) as unknown as State
  const onPin = stateOf({ step: 'pin', identify: { pin: { length: 0 } } })
  const fields = [
    { name: 'fin', value: '5VBK5VR', keyboard: 'latin', secret: false },
    { name: 'password', value: '', keyboard: 'text', secret: true, length: 0 },
  ]

  let app: typeof import('../src/app')

  beforeEach(async () => {
    vi.useFakeTimers()
    vi.resetModules()
    vi.doMock('../src/i18n', () => ({ isLoaded: () => true, language: { value: 'en' }, apply() {}, load: async () => undefined }))
    vi.stubGlobal('WebSocket', Socket)
    vi.stubGlobal('location', { host: 'x' })
    vi.stubGlobal('history', { state: null })
    vi.stubGlobal('requestAnimationFrame', (f: () => void) => (f(), 1))
    vi.stubGlobal('document', { hidden: false, documentElement: { style: { setProperty() {} }, toggleAttribute() {} }, getElementById: () => null })
    app = await import('../src/app')
    app.startLink('T', 'A')
    Socket.last.onopen()
  })

  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
    vi.doUnmock('../src/i18n')
  })

  it('each key is one message, sent at once, with the step that the person saw', () => {
    Socket.last.says(onPin)
    for (const k of '73') app.typeSecret(pinField, 'digits', k)
    app.secretKey(pinField, eraseKey)
    app.secretKey(pinField, clearKey)
    expect(Socket.last.keys()).toEqual(['7', '3', 'erase', 'clear'].map((key) => ({ step_seq: 7, field: 'pin', key })))
  })

  it('a key that does not fit is not sent', () => {
    Socket.last.says(onPin)
    app.typeSecret(pinField, 'digits', 'a')
    expect(Socket.last.keys()).toEqual([])
  })

  it('it counts as a touch: no second message for the idle clock', () => {
    Socket.last.says(onPin)
    vi.advanceTimersByTime(3000)
    app.typeSecret(pinField, 'digits', '7')
    app.touched()
    expect(Socket.last.heard.filter((m) => m.header.name === nameTouch)).toEqual([])
  })

  it('without a link nothing is queued: the key is lost', () => {
    Socket.last.says(onPin)
    const first = Socket.last
    first.onclose()
    for (const k of '7391') app.typeSecret(pinField, 'digits', k)
    vi.advanceTimersByTime(3000)
    expect(Socket.last).not.toBe(first)
    Socket.last.onopen()
    Socket.last.says(onPin)
    vi.advanceTimersByTime(3000)
    expect([first.keys(), Socket.last.keys()]).toEqual([[], []])
  })

  it('before the first state nothing is sent', () => {
    app.secretKey(pinField, '7')
    expect(Socket.last.keys()).toEqual([])
  })

  it('nothing of it stays in the link, answered or not', () => {
    const link = new Link(
      { connect: () => new Socket() as never, after: () => () => {}, drawn: () => {} },
      { token: 'T', asset: 'A' },
      { state() {}, phase() {} },
    )
    link.start()
    Socket.last.onopen()
    Socket.last.says(onPin)
    for (const key of 'ЖЩЮЫ') void link.command(nameSecretKey, { step_seq: 7, field: pinField, key })
    expect(Socket.last.keys().length).toBe(4)
    Socket.last.heard = [] // what this test has heard is not the page's
    const words = new Set<string>()
    const walk = (o: unknown, seen: Set<unknown>) => {
      if (typeof o === 'string') words.add(o)
      if (typeof o !== 'object' || o === null || seen.has(o)) return
      seen.add(o)
      if (o instanceof Map || o instanceof Set) for (const v of [...o.keys(), ...o.values()]) walk(v, seen)
      for (const [k, v] of Object.entries(o)) {
        words.add(k)
        walk(v, seen)
      }
    }
    walk(link, new Set())
    expect(words).toContain('answers')
    expect([...words].join()).not.toMatch(/[ЖЩЮЫ]/)
  })

  it('a secret field is opened without a value, and is never a draft', () => {
    Socket.last.says(stateOf({ step: 'form', form: { fields, active: 'password' } }))
    expect(app.openSecret.value).toEqual({ field: 'password', keyboard: 'text' })
    app.openField(fields[1] as unknown as Field)
    app.openField(fields[0] as unknown as Field)
    const inputs = Socket.last.heard.filter((m) => m.header.name === nameInput).map((m) => m.payload)
    expect(inputs).toEqual([{ step_seq: 7, field: 'password' }, { step_seq: 7, field: 'fin', value: '5VBK5VR' }])
  })
})
