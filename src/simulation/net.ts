import type { HttpAnswer, HttpSend } from '../shared/http.ts';
import type { Dice } from './dice.ts';
import type { Life } from './slot.ts';
import type { Timeline } from './timeline.ts';

/**
 * What a service does with one request, in the same process. null: it lets the caller wait for
 * ever.
 */
export type Service = (request: {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}) => Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly delayMs?: number;
} | null>;

/**
 * What happens to one exchange. `late`: the answer comes after its time-out. `reordered`: later
 * ones overtake it. `failed-after`: carried out, and answered with 500.
 */
export type Mishap =
  | 'request-lost'
  | 'answer-lost'
  | 'late'
  | 'duplicate'
  | 'reordered'
  | 'failed-after';

/** The line of one machine to one service. */
export class Line {
  cut = false;
  /** Added to each way, ms. */
  slowMs = 0;
  readonly next: Mishap[] = [];
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #service: Service;
  readonly #count: (mishap: Mishap) => void;

  constructor(timeline: Timeline, dice: Dice, service: Service, count: (mishap: Mishap) => void) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#service = service;
    this.#count = count;
  }

  send(life: Life): HttpSend {
    const timeline = this.#timeline;
    const dice = this.#dice;
    return (request) =>
      new Promise<HttpAnswer>((resolve, reject) => {
        if (!life.alive || life.point('request')) return;
        const mishap = this.next.shift() ?? null;
        if (mishap !== null) this.#count(mishap);
        const asked = {
          method: request.method,
          path: request.target,
          headers: request.headers,
          body: request.body ?? new Uint8Array(0),
        };
        timeline.after(dice.between(5, 40) + this.slowMs, () => {
          if (this.cut) {
            // A dead line is sometimes told at once and sometimes only by silence.
            if (dice.chance(0.7) && life.alive) reject(new Error('network unreachable'));
            return;
          }
          if (mishap === 'request-lost') return;
          if (mishap === 'duplicate')
            timeline.after(dice.between(1, 3_000), () => void this.#service(asked));
          void this.#service(asked).then((answer) => {
            if (answer === null || mishap === 'answer-lost') return;
            const slow =
              mishap === 'late'
                ? dice.between(8_500, 30_000)
                : mishap === 'reordered'
                  ? dice.between(2_500, 7_000)
                  : 0;
            const body =
              mishap === 'failed-after'
                ? new TextEncoder().encode('{"code":"SYSTEM_ERROR","message":"try again"}')
                : answer.body;
            const status = mishap === 'failed-after' ? 500 : answer.status;
            timeline.after(dice.between(5, 40) + this.slowMs + slow + (answer.delayMs ?? 0), () => {
              if (this.cut || !life.alive || life.point('answer')) return;
              resolve({
                status,
                header: (name) => answer.headers[name] ?? null,
                body: body.length > request.maxBytes ? null : body,
              });
            });
          });
        });
      });
  }
}
