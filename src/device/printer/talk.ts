import type { Clock } from '../../shared/ports.ts';
import { AnswerReader, STATUS_REQUESTS, judgeStatus, troubled } from './answers.ts';
import type { PrinterAnswer } from './answers.ts';
import type { PrinterLine } from './line.ts';
import type { PrinterStatus } from './types.ts';

/** A real-time answer takes milliseconds, over a network some more. */
export const ANSWER_MS = 1_500;

interface Waiting {
  readonly is: (answer: PrinterAnswer) => boolean;
  readonly heard: (answer: PrinterAnswer | null) => void;
}

/** One conversation on a line: what is asked, and which answer belongs to it. */
export class Talk {
  readonly #line: PrinterLine;
  readonly #clock: Clock;
  readonly #answers = new AnswerReader();
  readonly #waiting = new Set<Waiting>();
  /** Why the line ended; null: it is there. */
  #ended: { readonly cause: unknown } | null = null;
  #unanswered = false;

  constructor(line: PrinterLine, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
    line.onData((bytes) => {
      for (const answer of this.#answers.push(bytes)) this.#heard(answer);
    });
    line.onClose((cause) => {
      this.#ended = { cause };
      for (const { heard } of this.#waiting) heard(null);
    });
  }

  /** The line is gone. */
  get ended(): boolean {
    return this.#ended !== null;
  }
  /** Something that was asked for did not come, and may come yet. */
  get stale(): boolean {
    return this.#ended !== null || this.#unanswered || this.#waiting.size > 0;
  }

  /** Nobody waits any more. */
  end(): void {
    for (const { heard } of this.#waiting) heard(null);
    this.#line.onData(() => undefined);
    this.#line.onClose(() => undefined);
  }

  write(bytes: Uint8Array): void {
    if (this.#ended === null) this.#line.write(bytes);
  }

  /** The next answer of this kind; null: none came in time, or the line ended. */
  next(is: Waiting['is'], withinMs: number): Promise<PrinterAnswer | null> {
    if (this.#ended !== null) return Promise.resolve(null);
    return new Promise((resolve) => {
      const waiting: Waiting = {
        is,
        heard: (answer) => {
          cancel();
          this.#waiting.delete(waiting);
          this.#unanswered ||= answer === null;
          resolve(answer);
        },
      };
      const cancel = this.#clock.after(withinMs, () => waiting.heard(null));
      this.#waiting.add(waiting);
    });
  }

  /** Asks how it stands, one question after the other. */
  async status(): Promise<PrinterStatus> {
    const said: number[] = [];
    for (const request of STATUS_REQUESTS) {
      const answer = this.next((a) => a.kind === 'real-time', ANSWER_MS);
      this.write(request);
      const heard = await answer;
      if (heard?.kind !== 'real-time') break;
      said.push(heard.byte);
    }
    return this.#ended === null
      ? judgeStatus(said)
      : troubled('unreachable', 'the line ended', this.#ended.cause);
  }

  #heard(answer: PrinterAnswer): void {
    for (const waiting of this.#waiting)
      if (waiting.is(answer)) {
        waiting.heard(answer);
        return;
      }
  }
}
