// Everything can be done with an assistive keypad: arrows move, Enter selects,
// Escape goes back, F1 helps. Digits, letters and the erase key of a keypad type
// into the field that is open.

import { activeField, openSecret, overlay, ownKeys, secretKey, setOverlay, state, touched, type, typed, typeSecret } from './app'
import { erase, press } from './keyboard/layouts'
import { eraseKey, wink } from './secret'

type Direction = 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight'

export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/**
 * The nearest box in a direction; -1 if there is none. What lies straight ahead
 * counts before what lies aside.
 */
export function nearest(from: Box, boxes: readonly Box[], way: Direction): number {
  let best = -1
  let least = Infinity
  const cx = (from.left + from.right) / 2
  const cy = (from.top + from.bottom) / 2
  boxes.forEach((b, i) => {
    const dx = (b.left + b.right) / 2 - cx
    const dy = (b.top + b.bottom) / 2 - cy
    const level = way === 'ArrowLeft' || way === 'ArrowRight'
    const ahead = { ArrowLeft: -dx, ArrowRight: dx, ArrowUp: -dy, ArrowDown: dy }[way]
    if (ahead <= 1) return
    // Overlap across the way means that it is straight ahead.
    const aside = level
      ? Math.max(0, b.top - from.bottom, from.top - b.bottom) + Math.abs(dy) / 8
      : Math.max(0, b.left - from.right, from.left - b.right) + Math.abs(dx) / 8
    const overlap = level ? b.top < from.bottom && b.bottom > from.top : b.left < from.right && b.right > from.left
    if (level && !overlap) return
    const cost = ahead + aside * 3
    if (cost < least) {
      least = cost
      best = i
    }
  })
  return best
}

function controls(): HTMLElement[] {
  const root = document.querySelector('[aria-modal="true"]') ?? document
  return [...root.querySelectorAll<HTMLElement>('button')].filter(
    (b) => b.getAttribute('aria-disabled') !== 'true' && b.checkVisibility({ visibilityProperty: true }) && !b.closest('[inert]'),
  )
}

function move(way: Direction): void {
  const all = controls()
  const from = document.activeElement
  const at = all.indexOf(from as HTMLElement)
  if (at < 0) {
    // From a heading: the first control in reading order, or the last one.
    ;(way === 'ArrowUp' || way === 'ArrowLeft' ? all[all.length - 1] : all[0])?.focus()
    return
  }
  const others = all.filter((b) => b !== from)
  const i = nearest(from!.getBoundingClientRect(), others.map((b) => b.getBoundingClientRect()), way)
  others[i]?.focus()
}

function escape(): void {
  const all = controls()
  const out = all.find((b) => b.dataset['escape'] !== undefined)
  if (out) out.click()
  // Leaving is never one key: the way out is shown and wants a second one.
  else all.find((b) => b.id === 'cancel')?.focus()
}

export function startKeys(): void {
  addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey) return
    touched()
    switch (e.key) {
      case 'ArrowUp':
      case 'ArrowDown':
      case 'ArrowLeft':
      case 'ArrowRight':
        move(e.key)
        break
      case 'Enter':
        if (e.repeat) break // a held key must not run through screens
        return // the browser's own click on the focused control
      case 'Escape':
        if (!e.repeat) escape()
        break
      case 'F1':
        if (state.value) setOverlay(overlay.value === 'help' ? 'none' : 'help')
        break
      default:
        if (!typeKey(e.key, e.repeat)) return
    }
    e.preventDefault()
  })
}

function typeKey(key: string, repeat: boolean): boolean {
  const secret = openSecret.value
  if (secret) {
    if (overlay.value !== 'none' || state.value?.visit.warning) return false
    if (key !== 'Backspace' && ([...key].length !== 1 || key === ' ')) return false
    if (repeat) return true // a held key must not spend a try
    if (key !== 'Backspace') typeSecret(secret.field, secret.keyboard, key)
    else {
      wink()
      secretKey(secret.field, eraseKey)
    }
    return true
  }
  if (ownKeys) return overlay.value === 'none' && !state.value?.visit.warning && ownKeys(key)
  const f = activeField.value?.field
  if (!f || f.keyboard === 'none' || overlay.value !== 'none') return false
  if (key === 'Backspace') type(f.name, erase(typed()))
  else if ([...key].length === 1 && key !== ' ') {
    const text = press(f, typed(), key)
    if (text !== typed()) type(f.name, text)
  } else return false
  return true
}
