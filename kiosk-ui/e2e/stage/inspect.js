// What the browser tests look for in a drawn page. These functions run in the page.

/** Everything that is cut, covers something else or leaves the panel. */
export function misfits() {
  const out = []
  const vw = innerWidth
  const vh = innerHeight
  const seen = (el) => el.checkVisibility({ visibilityProperty: true, opacityProperty: false })
  const name = (el) => `${el.tagName.toLowerCase()}.${el.getAttribute('class') ?? ''} "${(el.textContent ?? '').slice(0, 40)}"`
  const round = (n) => Math.round(n * 10) / 10
  const roots = [...document.querySelectorAll('.screen, .over > *, .cover')]
  const top = roots[roots.length - 1]
  if (!top) return ['nothing is drawn']
  for (const el of top.querySelectorAll('*')) {
    if (!seen(el) || el.closest('.off, .spoken') || (el.closest('svg') && el.tagName !== 'svg')) continue
    const r = el.getBoundingClientRect()
    if (r.width === 0 && r.height === 0) continue
    if (r.left < -4.5 || r.right > vw + 4.5 || r.top < -4.5 || r.bottom > vh + 4.5) out.push(`leaves the panel: ${name(el)} ${[r.left, r.top, r.right, r.bottom].map(round)}`)
    // Half a pixel of rounding, and the descenders of Arabic letters below a tight line.
    if (el.scrollWidth > el.clientWidth + 1 && getComputedStyle(el).display !== 'inline' && el.clientWidth > 0) out.push(`too narrow: ${name(el)} ${el.scrollWidth} in ${el.clientWidth}`)
    if (el.matches('.pages-box, .button, .read, .hand, main, .frame, .dialog, .cover, .touch, .value')) {
      const inner = [...el.children].filter((c) => seen(c) && !c.matches('.off'))
      for (const c of inner) {
        const i = c.getBoundingClientRect()
        if (i.bottom > r.bottom + 1 || i.top < r.top - 1 || i.left < r.left - 1 || i.right > r.right + 1) out.push(`sticks out of ${name(el)}: ${name(c)} by ${round(Math.max(i.bottom - r.bottom, r.top - i.top, i.right - r.right, r.left - i.left))}`)
      }
    }
  }
  // Text over text: leaves of text must not overlap controls.
  const buttons = [...top.querySelectorAll('button')].filter(seen)
  for (let i = 0; i < buttons.length; i++) {
    const a = buttons[i].getBoundingClientRect()
    for (const b of buttons.slice(i + 1).map((x) => x.getBoundingClientRect())) {
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) out.push(`covered: ${name(buttons[i])}`)
    }
  }
  return out
}

/** Controls that are too small or too close, and text that is too small, by ui.md section 7. */
export function tooSmall(mm) {
  const out = []
  const seen = (el) => el.checkVisibility({ visibilityProperty: true })
  const buttons = [...document.querySelectorAll('button')].filter((b) => seen(b) && !b.closest('[inert]'))
  const label = (b) => `${b.className.trim()} "${b.getAttribute('aria-label') ?? b.textContent}"`
  for (const b of buttons) {
    const r = b.getBoundingClientRect()
    const least = b.matches('.key') ? 15 : 20
    if (r.width / mm < least - 0.05 || r.height / mm < least - 0.05) out.push(`${label(b)} is ${(r.width / mm).toFixed(1)} × ${(r.height / mm).toFixed(1)} mm`)
    if (b.matches('.main') && (r.width / mm < 40 || r.height / mm < 20)) out.push(`main action ${label(b)} is too small`)
    for (const other of buttons) {
      if (other === b) continue
      const o = other.getBoundingClientRect()
      const dx = Math.max(0, o.left - r.right, r.left - o.right)
      const dy = Math.max(0, o.top - r.bottom, r.top - o.bottom)
      if (Math.hypot(dx, dy) / mm < 2.95) out.push(`${label(b)} is ${(Math.hypot(dx, dy) / mm).toFixed(1)} mm from ${label(other)}`)
    }
  }
  const walk = document.createTreeWalker(document.querySelector('#root'), NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement
    if (!walk.currentNode.data.trim() || !seen(el) || el.closest('.off, .spoken')) continue
    const capital = (parseFloat(getComputedStyle(el).fontSize) * 0.714) / mm // Noto Sans: capital height 714 of 1000
    if (capital < 7.3) out.push(`text "${walk.currentNode.data.slice(0, 30)}" has capitals of ${capital.toFixed(1)} mm`)
  }
  return [...new Set(out)]
}

/** Controls that no arrow key reaches from the first one. */
export function unreachable() {
  const seen = (el) => el.checkVisibility({ visibilityProperty: true }) && !el.closest('[inert]') && el.getAttribute('aria-disabled') !== 'true'
  const all = [...document.querySelectorAll('button')].filter(seen)
  if (all.length === 0) return []
  const reached = new Set([all[0]])
  const queue = [all[0]]
  while (queue.length > 0) {
    const from = queue.pop()
    for (const key of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']) {
      from.focus()
      dispatchEvent(new KeyboardEvent('keydown', { key }))
      const to = document.activeElement
      if (all.includes(to) && !reached.has(to)) {
        reached.add(to)
        queue.push(to)
      }
    }
  }
  return all.filter((b) => !reached.has(b)).map((b) => b.getAttribute('aria-label') ?? b.textContent)
}

/** Whether there is a way on or out, or a wait that ends by itself. */
export function deadEnd() {
  const ways = [...document.querySelectorAll('.actions button, .touch .choice, .attract, .out .languages button, .dialog button')]
  return ways.length === 0 && !document.querySelector('.wait, .working')
}
