import type { Journal } from '../../journal/journal.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { KioskOptions } from './options.ts';

/** What central did not hear of, or did not understand, is given back again after this long. */
const RELEASE_AGAIN_MS = 300_000;
/**
 * Central did not speak of the quote: it may still hold it. BILL-0103 too, a clock that is wrong
 * for a while makes every request look forged.
 */
const UNHEARD: ReadonlySet<string> = new Set(['BILL-0101', 'BILL-0102', 'BILL-0103']);

/**
 * Firm quotes that no order came of, on their way back to central. Kept on disk until central
 * answered: what a quote reserved is the customer's.
 */
export class Releases {
  readonly #o: Pick<KioskOptions, 'journal' | 'billing' | 'clock' | 'log'>;
  #cancel: () => void = () => undefined;
  #stopped = false;

  constructor(options: Pick<KioskOptions, 'journal' | 'billing' | 'clock' | 'log'>) {
    this.#o = options;
  }

  /** This one is to be given back, durably; tried at once. */
  add(orderId: string): void {
    const { journal } = this.#o;
    journal.setMeta('releasing', JSON.stringify([...new Set([...releasing(journal), orderId])]));
    this.retry();
  }

  /**
   * What is still to be given back is tried: when central is there (again), and every few minutes
   * until it spoke of it. Idempotent at central.
   */
  retry(): void {
    const { journal, billing, clock, log } = this.#o;
    for (const orderId of releasing(journal)) {
      void billing.release(orderId).then((r) => {
        if (this.#stopped) return;
        if (!r.ok && UNHEARD.has(r.error.code)) {
          this.#cancel();
          this.#cancel = clock.after(RELEASE_AGAIN_MS, () => this.retry());
          return;
        }
        if (!r.ok) log('warn', 'billing', `release: ${describeFailure(r.error)}`, { orderId });
        journal.setMeta(
          'releasing',
          JSON.stringify(releasing(journal).filter((id) => id !== orderId)),
        );
      });
    }
  }

  /** At start: a quote that was asked for when the last run was cut, and that became no order. */
  interrupted(): void {
    const { journal } = this.#o;
    const orderId = journal.meta('quoting') ?? '';
    if (orderId !== '' && journal.order(orderId) === undefined) this.add(orderId);
    else this.retry();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }
}

/** Firm quotes still to be given back to central. */
function releasing(journal: Journal): string[] {
  return JSON.parse(journal.meta('releasing') ?? '[]') as string[];
}
