import { uploadAnswerSchema } from '../../shared/central-api/index.ts';
import type { UploadAnswer, UploadEvent } from '../../shared/central-api/index.ts';
import type { EventBody, EventKind } from '../../shared/facts/catalogue.ts';
import { eventHash, genesisHash, headText } from '../../shared/journal-hash.ts';
import type { Clock } from '../../shared/ports.ts';
import { signText } from '../../shared/signatures.ts';
import type { Answer, Asked, Terminal } from './asking.ts';
import { must } from '../check.ts';

/** A batch as it is sent. */
export interface Batch {
  readonly epoch: number;
  readonly fromSeq: number;
  readonly prevHash: string;
  readonly events: readonly UploadEvent[];
}

/** A throw-away terminal's journal: it goes on from where central holds it. */
export class Journal {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  /** What central acknowledged last. */
  #seq = 0;
  #hash: string;
  #begun = false;
  #pending: UploadEvent[] = [];
  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#hash = genesisHash(terminal.id, terminal.epoch);
  }

  /** Where central holds it: number and hash. */
  get head(): { readonly seq: number; readonly hash: string } {
    return { seq: this.#seq, hash: this.#hash };
  }

  /** Asks where it stands, by a batch without facts. A run before this one may have told some. */
  async begin(): Promise<void> {
    if (this.#begun) return;
    const genesis = genesisHash(this.#terminal.id, this.#terminal.epoch);
    const answer = await this.send({
      epoch: this.#terminal.epoch,
      fromSeq: 1,
      prevHash: genesis,
      events: [],
    });
    const said = uploadAnswerSchema.safeParse(answer.json);
    must(answer.status === 200 && said.success, `where the journal stands: ${answer.told}`);
    this.#seq = said.data.ackSeq;
    this.#hash = said.data.ackSeq === 0 ? genesis : said.data.ackHash;
    this.#begun = true;
  }

  /** One more fact, not sent yet. */
  add<K extends EventKind>(kind: K, orderId: string | null, body: EventBody<K>): void {
    this.raw(kind, orderId, body);
  }
  /** … of any kind and content. */
  raw(kind: string, orderId: string | null, body: unknown): void {
    const last = this.#pending.at(-1);
    this.#pending.push(
      this.fact((last?.seq ?? this.#seq) + 1, last?.hash ?? this.#hash, kind, orderId, body),
    );
  }
  /** A fact behind any other. */
  fact(
    seq: number,
    prevHash: string,
    kind: string,
    orderId: string | null,
    body: unknown,
  ): UploadEvent {
    const event = { seq, kind, wallMs: Math.floor(this.#clock.nowMs()), orderId, body };
    const { epoch } = this.#terminal;
    return { ...event, hash: eventHash(prevHash, { epoch, ...event }) };
  }

  /** What was added and not sent. */
  take(): Batch {
    const events = this.#pending;
    this.#pending = [];
    return {
      epoch: this.#terminal.epoch,
      fromSeq: this.#seq + 1,
      prevHash: this.#hash,
      events,
    };
  }

  /** Sends a batch under its head's signature. */
  send(batch: Batch, over: Asked & { readonly headSig?: string } = {}): Promise<Answer> {
    const last = batch.events.at(-1) ?? { seq: batch.fromSeq - 1, hash: batch.prevHash };
    const headSig =
      over.headSig ??
      signText(this.#terminal.signer, headText(batch.epoch, last.seq, last.hash)).signature;
    return this.#terminal.post('/v1/journal', { ...batch, headSig }, over);
  }

  /** The batch was acknowledged: the journal goes on behind it. @throws NotKept where it was not */
  acked(batch: Batch, answer: Answer): UploadAnswer {
    const said = uploadAnswerSchema.safeParse(answer.json);
    must(answer.status === 200 && said.success, `the batch was not taken: ${answer.told}`);
    const last = batch.events.at(-1) ?? { seq: batch.fromSeq - 1, hash: batch.prevHash };
    must(
      said.data.ackSeq === last.seq && said.data.ackHash === last.hash,
      `acknowledged ${said.data.ackSeq} ${said.data.ackHash}, sent up to ${last.seq} ${last.hash}`,
    );
    this.#seq = last.seq;
    this.#hash = last.hash;
    return said.data;
  }

  /**
   * Sends what was added. @returns the numbers that were set aside
   *
   * @throws NotKept where it is not acknowledged whole
   */
  async flush(): Promise<readonly number[]> {
    await this.begin();
    const batch = this.take();
    return this.acked(batch, await this.send(batch)).quarantined;
  }
}
