// What is being typed. The text of a field lives in the daemon; the page shows a
// key at once and sends the whole text. Until the daemon has answered the last key
// the page shows its own; after that the state wins, which the daemon sends before
// its answer.

export class Draft {
  private field = ''
  private text: string | undefined
  private sent = 0

  /** What to show for a field whose text in the state is `value`. */
  shown(field: string, value: string): string {
    return this.text !== undefined && this.field === field ? this.text : value
  }

  /** A key was touched; the result is the number of this text, for answered. */
  type(field: string, text: string): number {
    this.field = field
    this.text = text
    return ++this.sent
  }

  /** The daemon has answered a text, whichever way, and the state before the answer is drawn. */
  answered(n: number): void {
    if (n === this.sent) this.text = undefined
  }

  clear(): void {
    this.text = undefined
  }
}
