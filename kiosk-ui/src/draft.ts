// What is being typed. The text of a field lives in the daemon; the page shows a
// key at once and sends the whole text. Until the daemon has answered the last key
// the page shows its own; after that the state wins.

/** A state that should show the last answer follows it within this time (milliseconds). */
export const settleTime = 300

export class Draft {
  private field = ''
  private text: string | undefined
  private sent = 0
  private waiting = 0
  private answeredAt = 0

  /** What to show for a field whose text in the state is `value`. */
  shown(field: string, value: string, now: number): string {
    if (this.text === undefined || this.field !== field) return value
    const settled = this.waiting === 0 && (value === this.text || now - this.answeredAt >= settleTime)
    if (settled) this.text = undefined
    return this.text ?? value
  }

  /** A key was touched; the result is the number of this text, for answered. */
  type(field: string, text: string): number {
    this.field = field
    this.text = text
    this.waiting++
    return ++this.sent
  }

  /** The daemon has answered a text. A refusal of the newest one shows the state's text again. */
  answered(n: number, ok: boolean, now: number): void {
    if (this.waiting > 0) this.waiting--
    this.answeredAt = now
    if (!ok && n === this.sent) this.text = undefined
  }

  clear(): void {
    this.text = undefined
    this.waiting = 0
  }
}
