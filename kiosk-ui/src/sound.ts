// Two small sounds, made in the page: a key's tick, and a call that something of
// the person's lies in a slot or that time runs out. They never carry meaning
// alone, and a machine without a loudspeaker loses nothing.

let context: AudioContext | undefined

function tone(hertz: number, from: number, seconds: number, volume: number): void {
  if (!context) return
  const o = context.createOscillator()
  const g = context.createGain()
  const start = context.currentTime + from
  o.frequency.value = hertz
  g.gain.setValueAtTime(volume, start)
  g.gain.exponentialRampToValueAtTime(0.0001, start + seconds)
  o.connect(g).connect(context.destination)
  o.start(start)
  o.stop(start + seconds)
}

/** Allowed by the browser only after a first touch; until then it is silent. */
function ready(): boolean {
  if (typeof AudioContext === 'undefined') return false
  context ??= new AudioContext()
  if (context.state === 'suspended') void context.resume()
  return context.state === 'running'
}

export function tick(): void {
  if (ready()) tone(1400, 0, 0.03, 0.05)
}

export function call(): void {
  if (!ready()) return
  tone(880, 0, 0.25, 0.15)
  tone(1175, 0.2, 0.35, 0.15)
}
