/** A longer line is no message. */
export const MAX_LINE = 65_536;
/** It is asked one thing at a time and answers with one line: more waiting lines are no answers. */
const MAX_WAITING = 16;

/**
 * Whole lines out of a program's output, of which no more is kept than one that keeps to the
 * protocol.
 */
export class Lines {
  #text = '';
  #waiting: string[] = [];

  get length(): number {
    return this.#waiting.length;
  }

  /** The oldest line that was not looked at yet. */
  shift(): string | undefined {
    return this.#waiting.shift();
  }

  /** @returns Why the program is to be ended; null: it keeps to the protocol. Nothing is kept then */
  take(text: string): string | null {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#waiting.push(line);
    const wrong =
      this.#text.length > MAX_LINE || lines.some((line) => line.length > MAX_LINE)
        ? `a line of more than ${MAX_LINE} characters`
        : this.#waiting.length > MAX_WAITING
          ? `more than ${MAX_WAITING} lines that nobody asked for`
          : null;
    if (wrong !== null) {
      this.#text = '';
      this.#waiting = [];
    }
    return wrong;
  }
}
