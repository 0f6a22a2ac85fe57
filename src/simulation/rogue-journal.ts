import type { BillingClient } from '../billing/types.ts';
import type { UploadEvent } from '../shared/central-api/index.ts';
import type { EventBody, EventKind } from '../shared/facts/catalogue.ts';
import { eventHash, genesisHash } from '../shared/journal-hash.ts';

/** The journal of a terminal whose key a thief has: whatever he likes to tell, well chained. */
export class RogueJournal {
  readonly #terminalId: string;
  readonly #now: () => number;
  readonly #events: UploadEvent[] = [];
  #sent = 0;

  constructor(terminalId: string, now: () => number) {
    this.#terminalId = terminalId;
    this.#now = now;
  }

  #hashAt(seq: number): string {
    return this.#events[seq - 1]?.hash ?? genesisHash(this.#terminalId, 1);
  }
  #event(seq: number, kind: string, orderId: string | null, body: unknown): UploadEvent {
    const event = { seq, kind, wallMs: this.#now(), orderId, body };
    return { ...event, hash: eventHash(this.#hashAt(seq - 1), { epoch: 1, ...event }) };
  }
  tell<K extends EventKind>(kind: K, orderId: string | null, body: EventBody<K>): void {
    this.#events.push(this.#event(this.#events.length + 1, kind, orderId, body));
  }

  /** Tells what was not acknowledged yet. */
  async upload(client: BillingClient): Promise<void> {
    const to = this.#events.length;
    if (to === this.#sent) return;
    const fromSeq = this.#sent + 1;
    const told = await client.upload({
      epoch: 1,
      fromSeq,
      prevHash: this.#hashAt(fromSeq - 1),
      events: this.#events.slice(fromSeq - 1, to),
    });
    if (told.kind === 'acked') this.#sent = to;
  }

  /** Tells another story from its last acknowledged fact on, or one of an epoch that nobody granted. */
  async contradict(client: BillingClient, epoch: number): Promise<void> {
    const seq = Math.max(1, this.#sent);
    const prevHash = epoch === 1 ? this.#hashAt(seq - 1) : genesisHash(this.#terminalId, epoch);
    const at = epoch === 1 ? seq : 1;
    const event = { seq: at, kind: 'clock-step', wallMs: 1, orderId: null, body: { stepMs: 1 } };
    const hash = eventHash(prevHash, { epoch, ...event });
    await client.upload({ epoch, fromSeq: at, prevHash, events: [{ ...event, hash }] });
  }
}
