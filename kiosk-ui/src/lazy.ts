// Service mode is a chunk of its own, fetched when the daemon shows one of its
// steps. What fails to come is fetched again with the next state.

import { signal } from '@preact/signals'

export const serviceMode = signal<typeof import('./service/service') | undefined>(undefined)

let coming = false

export function needService(): void {
  if (coming) return
  coming = true
  import('./service/service')
    .then(async (m) => {
      await m.load()
      serviceMode.value = m
    })
    .catch(() => {
      coming = false
    })
}
