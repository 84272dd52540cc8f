import { beforeEach, describe, expect, it } from 'vitest'
import { Link, mustReload, type Phase, type Socket, times, type World } from '../src/link/link'
import { kept, rememberReload, takeToken } from '../src/link/token'
import { contract, type Envelope, type State } from '../src/wire.gen'

/** A world in which time stands until it is moved. */
class FakeWorld implements World {
  now = 0
  sockets: FakeSocket[] = []
  draws = true
  private timers: { at: number; f: () => void }[] = []

  connect(): Socket {
    const s = new FakeSocket()
    this.sockets.push(s)
    return s
  }

  after(ms: number, f: () => void) {
    const timer = { at: this.now + ms, f }
    this.timers.push(timer)
    return () => void (this.timers = this.timers.filter((t) => t !== timer))
  }

  drawn(f: () => void) {
    if (this.draws) f()
  }

  pass(ms: number) {
    const end = this.now + ms
    for (;;) {
      const due = this.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!due) break
      this.timers = this.timers.filter((t) => t !== due)
      this.now = due.at
      due.f()
    }
    this.now = end
  }

  get socket() {
    return this.sockets[this.sockets.length - 1]!
  }
}

class FakeSocket implements Socket {
  onopen: (() => void) | null = null
  onmessage: ((e: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  sent: Envelope[] = []
  closed = false
  send(data: string) {
    this.sent.push(JSON.parse(data) as Envelope)
  }
  close() {
    this.closed = true
  }
  says(m: unknown) {
    this.onmessage?.({ data: typeof m === 'string' ? m : JSON.stringify(m) })
  }
  names() {
    return this.sent.map((m) => m.header.name)
  }
}

const state = (more = {}): State => ({ contract, asset: 'A', seq: 1, step_seq: 1, visit: { step: 'pay' }, ...more }) as State
const unsolicited = (name: string, payload?: unknown) => ({ header: { type: 'unsolicited', name, version: '1.0' }, payload })
const completion = (name: string, requestId: number, completionCode = 'success') => ({ header: { type: 'completion', name, version: '1.0', requestId, completionCode } })

let w: FakeWorld
let link: Link
let phases: Phase[]
let states: [State, boolean][]

beforeEach(() => {
  w = new FakeWorld()
  phases = []
  states = []
  link = new Link(w, { token: 'T', asset: 'A' }, { state: (s, first) => states.push([s, first]), phase: (p) => phases.push(p) })
})

function goUp() {
  w.socket.onopen?.()
  w.socket.says(completion('Screen.Hello', 1))
  w.socket.says(unsolicited('Screen.State', state()))
}

describe('the link', () => {
  it('says hello first, and is up with the first state', () => {
    link.start()
    w.socket.onopen?.()
    expect(w.socket.sent).toEqual([
      { header: { type: 'command', name: 'Screen.Hello', version: '1.0', requestId: 1 }, payload: { token: 'T', asset: 'A', contract } },
    ])
    w.socket.says(completion('Screen.Hello', 1))
    expect(phases).toEqual([])
    w.socket.says(unsolicited('Screen.State', state()))
    w.socket.says(unsolicited('Screen.State', state({ seq: 2 })))
    expect(phases).toEqual(['up'])
    expect(states.map(([s, first]) => [s.seq, first])).toEqual([[1, true], [2, false]])
  })

  it('beats every two seconds, and not when the page cannot draw', () => {
    link.start()
    goUp()
    for (let i = 0; i < 3; i++) {
      w.pass(times.beat)
      w.socket.says(unsolicited('Screen.Beat'))
    }
    expect(w.socket.names().filter((n) => n === 'Screen.Beat').length).toBe(3)
    w.draws = false
    w.pass(times.beat)
    expect(w.socket.names().filter((n) => n === 'Screen.Beat').length).toBe(3)
  })

  it('covers a loss after 300 ms and shows the phone after 10 s', () => {
    link.start()
    goUp()
    w.socket.onclose?.()
    w.pass(299)
    expect(phases).toEqual(['up'])
    w.pass(1)
    expect(phases).toEqual(['up', 'moment'])
    w.pass(times.call - times.cover)
    expect(phases).toEqual(['up', 'moment', 'call'])
  })

  it('does not show a loss that is over before', () => {
    link.start()
    goUp()
    w.socket.onclose?.()
    w.pass(100)
    goUp()
    w.pass(4000)
    expect(phases).toEqual(['up'])
  })

  it('takes silence for a loss, because a dead socket may never say so', () => {
    link.start()
    goUp()
    const first = w.socket
    w.pass(4000)
    first.says(unsolicited('Screen.Beat'))
    w.pass(4999)
    expect(first.closed).toBe(false)
    w.pass(1)
    expect(first.closed).toBe(true)
    w.pass(300)
    expect(phases).toEqual(['up', 'moment'])
  })

  it('tries again for ever: after 100 ms, doubling to 2 s, and from the start after a success', () => {
    link.start()
    const pauses: number[] = []
    for (let i = 0; i < 8; i++) {
      const before = w.sockets.length
      w.socket.onclose?.()
      const t = w.now
      while (w.sockets.length === before) w.pass(50)
      pauses.push(w.now - t)
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 2000, 2000, 2000])
    goUp()
    const before = w.sockets.length
    w.socket.onclose?.()
    w.pass(100)
    expect(w.sockets.length).toBe(before + 1)
  })

  it('hears nothing more from a socket that it has given up', () => {
    link.start()
    goUp()
    const old = w.socket
    const hear = old.onmessage
    old.onclose?.()
    hear?.({ data: JSON.stringify(unsolicited('Screen.State', state({ seq: 9 }))) })
    expect(states.length).toBe(1)
  })

  it.each([['sequenceError', 'elsewhere'], ['authorizationRequired', 'not_here']])('says %s as "%s", but not for a short overlap with its own past', (code, phase) => {
    link.start()
    for (let i = 1; i <= 4; i++) {
      w.socket.onopen?.()
      w.socket.says(completion('Screen.Hello', 1, code))
      expect(phases.includes(phase as Phase)).toBe(i === 4)
      w.socket.onclose?.()
      w.pass(i < 2 ? 100 : 2000)
    }
    goUp()
    expect(phases[phases.length - 1]).toBe('up')
  })

  it('is not disturbed by what is no message', () => {
    link.start()
    goUp()
    for (const m of ['', 'x', 'null', '[]', '{}', '{"header":null}', '{"header":{"type":"unsolicited","name":"Screen.State"}}']) w.socket.says(m)
    expect(states.length).toBe(1)
    expect(link.phase).toBe('up')
  })
})

describe('a command', () => {
  it('is done when it is completed, and refused otherwise', async () => {
    link.start()
    goUp()
    const a = link.command('Visit.Next', { step_seq: 4 })
    const b = link.command('Visit.Back', { step_seq: 4 })
    const c = link.command('Visit.Touch', { step_seq: 4 })
    expect(w.socket.sent.slice(1).map((m) => [m.header.requestId, m.header.name, m.payload])).toEqual([
      [2, 'Visit.Next', { step_seq: 4 }], [3, 'Visit.Back', { step_seq: 4 }], [4, 'Visit.Touch', { step_seq: 4 }]])
    w.socket.says({ header: { type: 'acknowledge', name: 'Visit.Next', version: '1.0', requestId: 2 } })
    w.socket.says({ header: { type: 'completion', name: 'Visit.Next', version: '1.0', requestId: 2 } })
    w.socket.says(completion('Visit.Back', 3, 'sequenceError'))
    w.socket.says({ header: { type: 'acknowledge', name: 'Visit.Touch', version: '1.0', requestId: 4, status: 'invalidRequestID' } })
    expect(await Promise.all([a, b, c])).toEqual([true, false, false])
  })

  it('is not sent while the link is down, and one on its way counts as not done', async () => {
    expect(await link.command('Visit.Next', { step_seq: 1 })).toBe(false)
    link.start()
    goUp()
    const onItsWay = link.command('Visit.Next', { step_seq: 1 })
    w.socket.onclose?.()
    expect(await onItsWay).toBe(false)
    w.pass(100)
    goUp()
    expect(w.socket.names()).toEqual(['Screen.Hello']) // nothing is replayed
  })
})

describe('another page in the daemon', () => {
  const cases: [what: string, s: State, first: boolean, reloadedFor: string | undefined, want: boolean][] = [
    ['same page', state(), true, undefined, false],
    ['another one, daemon just started', state({ asset: 'B' }), true, undefined, true],
    ['another one, in the middle of a visit', state({ asset: 'B' }), false, undefined, false],
    ['another one, nobody is here', state({ asset: 'B', visit: { step: 'attract' } }), false, undefined, true],
    ['another contract', state({ contract: contract + 1, asset: 'B' }), true, undefined, true],
    ['reloaded for it already: no loop', state({ asset: 'B' }), true, 'B', false],
    ['reloaded for an older one', state({ asset: 'C' }), true, 'B', true],
  ]
  it.each(cases)('%s', (_, s, first, reloadedFor, want) => expect(mustReload(s, first, 'A', reloadedFor)).toBe(want))
})

describe('the token', () => {
  const entry = (state: unknown = null) => ({
    state,
    url: undefined as string | undefined,
    replaceState(s: unknown, _: string, url?: string) {
      this.state = s
      this.url = url
    },
  })

  it('comes from the fragment, leaves the address, and is there after a reload', () => {
    const e = entry()
    expect(takeToken({ hash: '#token=a%2Bb', pathname: '/' }, e)).toBe('a+b')
    expect(e.url).toBe('/')
    expect(takeToken({ hash: '', pathname: '/' }, e)).toBe('a+b')
    rememberReload(e, 'B')
    expect(kept(e)).toEqual({ token: 'a+b', reloadedFor: 'B' })
    expect(takeToken({ hash: '', pathname: '/' }, e)).toBe('a+b')
  })

  it.each([null, 5, 'x', {}, { token: 7, reloadedFor: 8 }])('is empty where nothing was kept: %j', (s) => expect(kept(entry(s))).toEqual({ token: '' }))

  it('is taken as it stands when it is not percent-encoded', () => expect(takeToken({ hash: '#token=100%', pathname: '/' }, entry())).toBe('100%'))
})
