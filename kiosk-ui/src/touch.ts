// How a touch becomes an act: on release, inside the control, and only if the
// screen was already there when the finger came down.
//
// The browser's own click is not enough on a touch panel: a finger that slides a few
// millimetres on a large button gives no click at all, which is how a trembling hand
// fails. A click without a pointer (Enter, an assistive device) counts as it is.

/** Touches are ignored for so long after a new screen appears (milliseconds). */
export const guardTime = 300

export class Guard {
  private until = -Infinity

  /** A new screen appeared. */
  changed(now: number): void {
    this.until = now + guardTime
  }

  /** Whether a touch that began then may act. */
  allows(downAt: number): boolean {
    return downAt >= this.until
  }
}

export const guard = new Guard()

interface Held {
  readonly el: HTMLElement
  readonly at: number
}

const held = new Map<number, Held>()

function inside(el: Element, x: number, y: number): boolean {
  const r = el.getBoundingClientRect()
  return x >= r.left && x < r.right && y >= r.top && y < r.bottom
}

function showPressed(el: Element, pressed: boolean): void {
  el.toggleAttribute('data-pressed', pressed)
}

function release(e: PointerEvent): Held | undefined {
  const h = held.get(e.pointerId)
  held.delete(e.pointerId)
  if (h) showPressed(h.el, false)
  return h
}

function enabled(el: HTMLElement): boolean {
  return el.isConnected && !(el as HTMLButtonElement).disabled && el.getAttribute('aria-disabled') !== 'true'
}

/**
 * The handlers of a control that acts on release. A quiet one is a key of a secret:
 * it never shows that it is pressed and takes no focus from a finger, so that neither
 * an eye nor the document can tell it from its neighbours.
 */
export function pressable(act: () => void, feel: () => void = () => {}, quiet = false) {
  const show = quiet ? () => {} : showPressed
  return {
    onPointerDown(e: PointerEvent) {
      e.stopPropagation()
      const el = e.currentTarget as HTMLElement
      if (e.button !== 0 || !enabled(el)) return
      held.set(e.pointerId, { el, at: e.timeStamp })
      show(el, true)
      feel()
    },
    onPointerMove(e: PointerEvent) {
      const h = held.get(e.pointerId)
      if (h && h.el === e.currentTarget) show(h.el, inside(h.el, e.clientX, e.clientY))
    },
    onPointerUp(e: PointerEvent) {
      const h = release(e)
      if (!h || h.el !== e.currentTarget || !enabled(h.el)) return
      if (inside(h.el, e.clientX, e.clientY) && guard.allows(h.at)) act()
    },
    onMouseDown(e: MouseEvent) {
      if (quiet) e.preventDefault() // no focus
    },
    onPointerLeave(e: PointerEvent) {
      // a mouse that leaves; a finger is captured and stays
      const h = held.get(e.pointerId)
      if (h && e.pointerType === 'mouse') show(h.el, false)
    },
    onPointerCancel(e: PointerEvent) {
      release(e)
    },
    onClick(e: MouseEvent) {
      e.stopPropagation()
      const el = e.currentTarget as HTMLElement
      if (e.detail !== 0 || !enabled(el) || !guard.allows(e.timeStamp)) return
      if (quiet) feel() // it is the only answer that such a key gives
      act()
    },
  }
}
