import { beforeEach, describe, expect, it } from 'vitest'
import { guard, Guard, guardTime, pressable } from '../src/touch'
import { nearest, type Box } from '../src/nav'
import { pack, paragraphs } from '../src/parts/pages'

describe('the guard of a new screen', () => {
  it('ignores touches that began before it or within 300 ms', () => {
    const g = new Guard()
    expect(g.allows(0)).toBe(true)
    g.changed(1000)
    expect(g.allows(900)).toBe(false) // the finger was down when the screen changed
    expect(g.allows(1000 + guardTime - 1)).toBe(false)
    expect(g.allows(1000 + guardTime)).toBe(true)
  })
})

describe('a touch', () => {
  let acts: number
  let attributes: Map<string, string>
  let el: unknown
  let handlers: ReturnType<typeof pressable>

  const event = (x: number, y: number, more = {}) =>
    ({ pointerId: 1, pointerType: 'touch', button: 0, clientX: x, clientY: y, timeStamp: 5000, detail: 1, currentTarget: el, stopPropagation() {}, ...more }) as unknown as PointerEvent

  beforeEach(() => {
    acts = 0
    guard.changed(0)
    attributes = new Map()
    el = {
      isConnected: true,
      disabled: false,
      getAttribute: (n: string) => attributes.get(n) ?? null,
      toggleAttribute: (n: string, on: boolean) => (on ? attributes.set(n, '') : attributes.delete(n)),
      getBoundingClientRect: () => ({ left: 0, right: 100, top: 0, bottom: 50 }),
    }
    handlers = pressable(() => acts++)
  })

  const pressed = () => attributes.has('data-pressed')

  it('shows at once and acts on release', () => {
    handlers.onPointerDown(event(10, 10))
    expect([pressed(), acts]).toEqual([true, 0])
    handlers.onPointerUp(event(12, 40))
    expect([pressed(), acts]).toEqual([false, 1])
  })

  it('is cancelled by sliding off, and not by trembling inside', () => {
    handlers.onPointerDown(event(10, 10))
    handlers.onPointerMove(event(90, 40))
    expect(pressed()).toBe(true)
    handlers.onPointerMove(event(90, 60))
    expect(pressed()).toBe(false)
    handlers.onPointerUp(event(90, 60))
    expect(acts).toBe(0)
  })

  it('that began before the screen does nothing', () => {
    handlers.onPointerDown(event(10, 10, { timeStamp: 5000 }))
    guard.changed(5001)
    handlers.onPointerUp(event(10, 10))
    expect(acts).toBe(0)
  })

  it.each([['aria-disabled', 'true']])('on a control with %s does nothing', (name, value) => {
    attributes.set(name, value)
    handlers.onPointerDown(event(10, 10))
    handlers.onPointerUp(event(10, 10))
    handlers.onClick(event(0, 0, { detail: 0 }))
    expect([pressed(), acts]).toEqual([false, 0])
  })

  it('is not counted twice with the browser’s click, and Enter counts alone', () => {
    handlers.onPointerDown(event(10, 10))
    handlers.onPointerUp(event(10, 10))
    handlers.onClick(event(10, 10, { detail: 1 }))
    expect(acts).toBe(1)
    handlers.onClick(event(0, 0, { detail: 0 }))
    expect(acts).toBe(2)
  })

  it('that the browser takes away does nothing', () => {
    handlers.onPointerDown(event(10, 10))
    handlers.onPointerCancel(event(10, 10))
    handlers.onPointerUp(event(10, 10))
    expect([pressed(), acts]).toEqual([false, 0])
  })
})

describe('arrows', () => {
  const box = (x: number, y: number, width = 10, height = 10): Box => ({ left: x, right: x + width, top: y, bottom: y + height })
  const grid = [box(0, 0), box(20, 0), box(40, 0), box(0, 20), box(20, 20), box(40, 20), box(0, 60, 50)]
  const cases: [from: number, way: 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight', to: number][] = [
    [0, 'ArrowRight', 1], [1, 'ArrowRight', 2], [2, 'ArrowRight', -1], [2, 'ArrowLeft', 1], [1, 'ArrowDown', 4], [4, 'ArrowUp', 1],
    [3, 'ArrowDown', 6], [5, 'ArrowDown', 6], [6, 'ArrowUp', 4], [0, 'ArrowUp', -1], [6, 'ArrowRight', -1],
  ]
  it.each(cases)('from %i by %s to %i', (from, way, to) => {
    const others = grid.map((b, i) => (i === from ? box(-1000, -1000, 0, 0) : b))
    expect(nearest(grid[from]!, others.map((b, i) => (i === from ? { ...grid[from]! } : b)), way)).toBe(to)
  })
})

describe('pages', () => {
  const cases: [what: string, heights: number[], room: number, want: number[]][] = [
    ['everything fits', [10, 10, 10], 50, [0]],
    ['gaps count', [10, 10, 10], 49, [0, 2]],
    ['one block on each page', [30, 30], 30, [0, 1]],
    ['a block that is higher than a page stands alone', [10, 80, 10], 50, [0, 1, 2]],
    ['nothing', [], 50, [0]],
  ]
  it.each(cases)('%s', (_, heights, room, want) => expect(pack(heights, 10, room)).toEqual(want))

  it('a long text is cut at its paragraphs, a very long one at its sentences', () => {
    expect(paragraphs('a\n\nb\n')).toEqual(['a', 'b'])
    const sentence = 'Bu cümlə kifayət qədər uzundur ki, səhifəyə tək sığsın.'
    expect(paragraphs(Array(8).fill(sentence).join(' '))).toEqual(Array(8).fill(sentence))
  })
})
