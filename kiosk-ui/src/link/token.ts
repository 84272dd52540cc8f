// The token with which the page shows the daemon that it is the terminal's own.
//
// It comes in the fragment of the launch address, which is never part of a request,
// and is taken out of the address at once. Nothing is stored: it is kept in the
// state of this one history entry, which lives in the browser's memory, is not sent
// anywhere, survives a reload of the page and dies with the window.

export interface Address {
  readonly hash: string
  readonly pathname: string
}

export interface Entry {
  readonly state: unknown
  replaceState(state: unknown, unused: string, url?: string): void
}

/** What the page keeps in its history entry. */
export interface Kept {
  readonly token: string
  /** The asset hash for which the page has reloaded itself already. */
  readonly reloadedFor?: string
}

export function kept(entry: Entry): Kept {
  const s = entry.state
  if (typeof s !== 'object' || s === null) return { token: '' }
  const { token, reloadedFor } = s as Partial<Record<keyof Kept, unknown>>
  return {
    token: typeof token === 'string' ? token : '',
    ...(typeof reloadedFor === 'string' ? { reloadedFor } : {}),
  }
}

/** The token, from the fragment of a fresh launch or from before a reload. */
export function takeToken(at: Address, entry: Entry): string {
  const fresh = /^#token=([^&]+)$/.exec(at.hash)?.[1]
  if (fresh === undefined) return kept(entry).token
  let token = fresh
  try {
    token = decodeURIComponent(fresh)
  } catch {
    // not percent-encoded: it is meant as it stands
  }
  entry.replaceState({ token } satisfies Kept, '', at.pathname)
  return token
}

export function rememberReload(entry: Entry, asset: string): void {
  entry.replaceState({ ...kept(entry), reloadedFor: asset } satisfies Kept, '')
}
