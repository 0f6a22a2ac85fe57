import { mustNotTry, watchTries } from '../../card/index.ts';
import type { CardChannel, CardLayout, Keep, WritePlan } from '../../card/types.ts';
import { toHex } from '../../shared/bytes.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { cardSaleOf } from '../../shared/sale.ts';
import type { Unwritten } from '../../shared/trust.ts';
import { keyNoteOf } from '../delivery/key-notes.ts';
import type { Effect, KeyRefused, KioskEvent } from '../state/kiosk.ts';
import type { WriteProgress } from '../state/order.ts';
import type { Host } from './options.ts';

type Of<D extends Effect['do']> = Extract<Effect, { do: D }>;

/** The end of a write: what the commands said, what a fresh read shows, and how sure that is. */
interface Written {
  readonly applied: Result<void, Failure>;
  readonly image: Result<Uint8Array, Failure>;
  readonly unwritten: Unwritten;
  /** When that read was begun. */
  readonly lookedMono: number;
  readonly refused: KeyRefused | null;
}

/** Carries out what is done with the card in the reader, one thing at a time. */
export class CardRunner {
  readonly #host: Host;
  #turn: Promise<unknown> = Promise.resolve();
  /** Writes that wait until what a card said is durable, by order. */
  readonly #keeping = new Map<string, (ok: boolean) => void>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Reads the card of this insertion, whole. */
  read({ insertion }: Of<'read-card'>): void {
    const { reader, layouts, clock } = this.#host.options;
    this.#next(async () => {
      const begunMono = clock.monoMs();
      const status = reader.status();
      if (status.state !== 'present' || status.insertion !== insertion)
        return { type: 'card-read', insertion, begunMono, result: err(failure('CARD-0102')) };
      const read = await layouts.read(reader.open(insertion), status.atr);
      const result = read.ok ? ok(read.value.reading) : read;
      return { type: 'card-read', insertion, begunMono, result };
    });
  }

  /** Writes an order of ours. */
  write({ orderId, insertion, plan }: Of<'write'>): void {
    this.#next(async () => {
      const order = this.#host.state().orders.get(orderId)?.order;
      const layout = order === undefined ? '' : cardSaleOf(order).layout;
      const written = await this.#apply(orderId, layout, insertion, plan, false);
      return { type: 'written', orderId, insertion, ...written };
    });
  }

  /** Finishes another kiosk's order, under central's write claim. */
  assist({ orderId, insertion, layout, plan }: Of<'assist-write'>): void {
    this.#next(async () => {
      const written = await this.#apply(orderId, layout, insertion, plan, true);
      const { applied, unwritten } = written;
      // Somebody else answered for the card: of another's order nothing is told by that.
      const image =
        unwritten === 'disproven' ? err(failure('CARD-0201', 'no proof')) : written.image;
      const { refused } = written;
      return { type: 'assist-written', orderId, insertion, applied, image, refused };
    });
  }

  /** What a card said in the middle of a write is durable (or the write is not ours any more). */
  kept({ orderId, ok: good }: Of<'kept'>): void {
    const goOn = this.#keeping.get(orderId);
    this.#keeping.delete(orderId);
    goOn?.(good);
  }

  #next(work: () => Promise<KioskEvent>): void {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    void turn.then((event) => this.#host.dispatch(event));
  }

  async #apply(
    orderId: string,
    layoutId: string,
    insertion: number,
    plan: WritePlan,
    assist: boolean,
  ): Promise<Written> {
    const { layouts, reader, log, clock } = this.#host.options;
    const layout = layouts.byId(layoutId);
    if (layout === undefined)
      return {
        applied: err(failure('CARD-0103')),
        image: err(failure('CARD-0103')),
        unwritten: 'unproven',
        lookedMono: clock.monoMs(),
        refused: null,
      };
    const { channel, spent } = watchTries(reader.open(insertion));
    // An effect like any other: the write goes on once the fact is in the journal, and not at all
    // when the process ended there.
    const records = [...(plan.kept ?? [])];
    const keep: Keep = async (record) => {
      records.push(record);
      const kept = new Promise<boolean>((resolve) => this.#keeping.set(orderId, resolve));
      this.#host.dispatch({ type: 'keep', orderId, insertion, record: toHex(record), assist });
      return (await kept)
        ? ok(undefined)
        : err(failure('CARD-0203', 'the write is not this kiosk’s any more'));
    };
    const show = this.#progress(orderId, insertion, plan);
    const applied =
      this.#keyAgain(plan.cardNo) ??
      (await layout.apply(channel, plan, keep, (done) => show('writing', done)));
    show('checking', plan.steps.length);
    if (!applied.ok) log('warn', 'card', describeFailure(applied.error), { orderId });
    // Success is not believed: the card is reset and read afresh.
    const lookedMono = clock.monoMs();
    const reset = await channel.reset();
    const image = reset.ok ? await layout.readImage(channel) : reset;
    const looked = await this.#unwritten(layout, channel, { ...plan, kept: records }, image);
    const left = spent();
    const refused = left === null ? null : { cardNo: plan.cardNo, layout: layoutId, ...left };
    return { applied, ...looked, lookedMono, refused };
  }

  /**
   * What the screen is told of a write. Outside of the write's own course: whatever comes of it,
   * the next command to the card does not wait for it.
   */
  #progress(
    orderId: string,
    insertion: number,
    { steps }: WritePlan,
  ): (stage: WriteProgress['stage'], done: number) => void {
    return (stage, done) => {
      const progress = { stage, done, of: steps.length + 1 };
      queueMicrotask(() => this.#host.dispatch({ type: 'progress', orderId, insertion, progress }));
    };
  }

  /** The card refused our key before, and the next try may be its last: it is not presented. */
  #keyAgain(cardNo: string): Result<void, Failure> | null {
    const note = keyNoteOf(this.#host.options.journal, cardNo);
    if (note === null || !mustNotTry(note)) return null;
    return err(failure('CARD-0110', `key: ${note.left ?? 'unknown'} tries left, not presented`));
  }

  /**
   * A read that shows the card as it was may be a replay. Where the card can prove its content it
   * is asked to; what cannot be judged now counts as not read.
   */
  async #unwritten(
    layout: CardLayout,
    channel: CardChannel,
    plan: WritePlan,
    image: Written['image'],
  ): Promise<Pick<Written, 'image' | 'unwritten'>> {
    if (!image.ok || layout.classify(plan, image.value) !== 'before')
      return { image, unwritten: 'unproven' };
    if (layout.exposed?.(plan.kept ?? []) === false) return { image, unwritten: 'unexposed' };
    if (layout.provenImage === undefined) return { image, unwritten: 'unproven' };
    const proven = await layout.provenImage(channel, this.#host.options.random.bytes(8));
    if (proven.ok) return { image: proven, unwritten: 'proven' };
    this.#host.options.log('warn', 'card', `proof: ${describeFailure(proven.error)}`);
    return proven.error.code === 'CARD-0201'
      ? { image, unwritten: 'disproven' }
      : { image: proven, unwritten: 'unproven' };
  }
}
