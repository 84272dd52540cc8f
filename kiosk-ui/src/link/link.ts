// The link to the daemon: one websocket, the envelope of XFS4IoT 2024-03, the whole
// state downward and commands upward. It never gives up: a lost link is tried again
// for ever. Nothing is replayed after a loss: a command that was on its way counts
// as not done, and the next state says what is true.

import {
  type Command, contract, type Envelope, type Hello, messageVersion, nameBeat, nameHello, nameState, type SecretKey, type State,
} from '../wire.gen'

/** What the cover over the screen says. `up` is no cover. */
export type Phase = 'starting' | 'up' | 'moment' | 'call' | 'elsewhere' | 'not_here'

/** Times of the link in milliseconds (ui.md, section 5). */
export const times = {
  cover: 300, // a shorter loss is not shown
  call: 10_000, // then the phone and the machine's number
  silence: 5_000, // no message for so long is a loss, since a dead socket may never say so
  beat: 2_000,
  firstRetry: 100,
  lastRetry: 2_000,
} as const

/** A second page is told only after this many refusals: a reload overlaps with its own past for a moment. */
const refusalsShown = 4

export interface Socket {
  send(data: string): void
  close(): void
  onopen: (() => void) | null
  onmessage: ((e: { readonly data: unknown }) => void) | null
  onclose: (() => void) | null
}

export interface World {
  connect(): Socket
  /** Runs f after ms; the result stops it. */
  after(ms: number, f: () => void): () => void
  /** Runs f when the browser draws: a page that cannot draw must not look alive. */
  drawn(f: () => void): void
}

export interface Listener {
  /** The whole state; first is true for the first one of a connection. */
  state(s: State, first: boolean): void
  phase(p: Phase): void
}

type Answer = (ok: boolean) => void

export class Link {
  phase: Phase = 'starting'
  private socket: Socket | undefined
  private open = false // the socket is open
  private up = false // and a state has come on it
  private lastID = 0
  private retry: number = times.firstRetry
  private refusals = 0
  private readonly answers = new Map<number, Answer>()
  private stopSilence = () => {}
  private stopBeat = () => {}
  private stopCover = () => {}

  constructor(
    private readonly world: World,
    private readonly hello: Omit<Hello, 'contract'>,
    private readonly listener: Listener,
  ) {}

  start(): void {
    this.coverSoon()
    this.connect()
  }

  /** Sends a command at once or not at all; true when the daemon has carried it out. */
  command(name: string, payload: Command | SecretKey): Promise<boolean> {
    if (!this.up) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.answers.set(this.sendCommand(name, payload), resolve)
    })
  }

  private sendCommand(name: string, payload: unknown): number {
    const id = ++this.lastID
    this.put({ header: { type: 'command', name, version: messageVersion, requestId: id }, payload })
    return id
  }

  private put(m: Envelope): void {
    this.socket?.send(JSON.stringify(m))
  }

  private connect(): void {
    const s = this.world.connect()
    this.socket = s
    s.onopen = () => {
      this.open = true
      this.heard()
      const id = this.sendCommand(nameHello, { ...this.hello, contract } satisfies Hello)
      this.answers.set(id, () => {})
      this.beat()
    }
    s.onmessage = (e) => {
      if (this.socket === s) this.receive(e.data)
    }
    s.onclose = () => this.lost(s)
    this.heard()
  }

  private receive(data: unknown): void {
    let m: Envelope
    try {
      m = JSON.parse(String(data)) as Envelope
    } catch {
      return // not a message; the silence timer runs on
    }
    const h = m?.header
    if (!h) return
    this.heard()
    switch (h.type) {
      case 'unsolicited':
        if (h.name === nameState && m.payload) this.receiveState(m.payload as State)
        break
      case 'acknowledge':
        if (h.status) this.answer(h.requestId, false) // refused: nothing more will come for it
        break
      case 'completion':
        if (h.name === nameHello) this.welcome(h.completionCode)
        this.answer(h.requestId, h.completionCode === undefined || h.completionCode === 'success')
        break
      case 'command':
      case 'event':
        break // this contract has none
    }
  }

  private welcome(code: string | undefined): void {
    if (code === undefined || code === 'success') return
    this.refusals++
    if (this.refusals >= refusalsShown) {
      this.stopCover()
      this.show(code === 'sequenceError' ? 'elsewhere' : 'not_here')
    }
  }

  private receiveState(s: State): void {
    const first = !this.up
    this.up = true
    this.refusals = 0
    this.retry = times.firstRetry
    this.stopCover()
    this.listener.state(s, first)
    this.show('up')
  }

  private answer(id: number | undefined, ok: boolean): void {
    if (id === undefined) return
    const f = this.answers.get(id)
    this.answers.delete(id)
    f?.(ok)
  }

  private heard(): void {
    const s = this.socket
    this.stopSilence()
    this.stopSilence = this.world.after(times.silence, () => s && this.lost(s))
  }

  private beat(): void {
    this.stopBeat = this.world.after(times.beat, () => {
      this.world.drawn(() => {
        if (this.open) this.put({ header: { type: 'unsolicited', name: nameBeat, version: messageVersion } })
      })
      this.beat()
    })
  }

  private lost(s: Socket): void {
    if (this.socket !== s) return // an older socket's late word
    this.socket = undefined
    this.stopSilence()
    this.stopBeat()
    s.onopen = s.onmessage = s.onclose = null
    s.close()
    const wasUp = this.up
    this.open = this.up = false
    this.lastID = 0
    const answers = [...this.answers.values()]
    this.answers.clear()
    for (const f of answers) f(false)
    if (wasUp) this.coverSoon()
    this.world.after(this.retry, () => this.connect())
    this.retry = Math.min(this.retry * 2, times.lastRetry)
  }

  private coverSoon(): void {
    this.stopCover()
    this.stopCover = this.world.after(times.cover, () => {
      this.show('moment')
      this.stopCover = this.world.after(times.call - times.cover, () => this.show('call'))
    })
  }

  private show(p: Phase): void {
    if (this.phase === p) return
    this.phase = p
    this.listener.phase(p)
  }
}

/**
 * Whether the page must load itself anew: the daemon has another page or speaks
 * another contract. Only when nobody is here or the daemon has just started, and
 * only once for the same asset, so that it can never become a loop.
 */
export function mustReload(s: State, first: boolean, ownAsset: string, reloadedFor: string | undefined): boolean {
  const other = s.contract !== contract || s.asset !== ownAsset
  return other && (first || s.visit.step === 'attract') && reloadedFor !== s.asset
}
