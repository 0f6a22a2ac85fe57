import { cardNoOf, cardSaleOf } from '../shared/sale.ts';
import { createHash } from 'node:crypto';
import type { BillingClient } from '../billing/types.ts';
import type { CardReader, LayoutRegistry } from '../card/index.ts';
import type { Keep, WritePlan } from '../card/types.ts';
import type { DeviceRegistry } from '../device/device.ts';
import type { Printer } from '../device/printer/types.ts';
import type { AttemptRow } from '../journal/fold.ts';
import { ASK_CLOSED_MS } from '../journal/journal.ts';
import type { Journal } from '../journal/journal.ts';
import type { PaymentProvider } from '../payment/types.ts';
import { toHex } from '../shared/bytes.ts';
import type { Header, Intent, Snapshot } from '../shared/contract/index.ts';
import { describeFailure, failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { Account, Command, OrderStatus } from '../shared/central-api/index.ts';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import { formatYuan } from '../shared/money.ts';
import { orderTag } from '../shared/order-tag.ts';
import type { Clock, LogFn, Random } from '../shared/ports.ts';
import { err, never, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import { sameJson } from '../shared/same.ts';
import { chinaDate } from '../shared/time.ts';
import { GateKeeper } from './visit/gate.ts';
import type { Needs } from './visit/service.ts';
import { needsOf } from './visit/visit.ts';
import { makeAttemptIds, makeOrderId } from '../shared/order-id.ts';
import { withBlocked } from './maintenance/step.ts';
import { maintenanceAtStart, MaintenanceRunner } from './maintenance/run.ts';
import type { MaintenancePorts } from './maintenance/run.ts';
import { HOLD_MS } from './orders.ts';
import { findAccount, quoteFor } from './visit/card-sale/quoting.ts';
import { reduce, settle } from './reduce.ts';
import type { ReduceContext } from './state/context.ts';
import { IDLE } from './visit/step.ts';
import { payChoices, takesScan } from './visit/paying.ts';
import { slipLines } from './words/slips.ts';
import { NEW_RUN, NO_CLAIM } from './state/order.ts';
import type { Effect, KioskEvent, KioskState, ServiceState } from './state/kiosk.ts';
import type { CallResult, OpenOrder } from './state/order.ts';
import { looksSame, viewOf } from './view.ts';

export interface KioskOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly reader: CardReader;
  readonly layouts: LayoutRegistry;
  readonly providers: readonly PaymentProvider[];
  readonly billing: BillingClient;
  readonly printer: Printer;
  /** The machine's devices, for staff and the service level. */
  readonly devices: DeviceRegistry;
  readonly header: Omit<Header, 'hotline'>;
  readonly demo: boolean;
  /** Shown until central's policy is known. */
  readonly fallbackHotline: string;
  readonly log: LogFn;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  /** What hardware is wanted, after every change. Left out: there is none that would follow. */
  readonly onNeeds?: (needs: Needs) => void;
  /** New facts are in the outbox. */
  readonly onJournaled: () => void;
  /** Central has something to tell about an order: worth asking before the next regular time. */
  readonly onCommandsWanted: () => void;
  /** Left out: this kiosk has no maintenance mode. */
  readonly maintenance?: MaintenancePorts;
}

/** Central's time is kept on disk about so often. */
const KEEP_TIME_MS = 600_000;
/** What central did not hear of, or did not understand, is given back again after this long. */
const RELEASE_AGAIN_MS = 300_000;
/**
 * Central did not speak of the quote: it may still hold it. BILL-0103 too, a clock that is wrong
 * for a while makes every request look forged.
 */
const UNHEARD: ReadonlySet<string> = new Set(['BILL-0101', 'BILL-0102', 'BILL-0103']);

/**
 * More settling steps than any real situation needs: a loop here is a defect, and is said instead
 * of spinning.
 */
const MAX_SETTLE = 200;
/** Intents that agree to what is shown (a sum, a paper) and name no more than part of it: see record 0015. */
const ON_THIS_REVISION: ReadonlySet<Intent['type']> = new Set(['pay', 'print']);

/**
 * The kiosk: holds the state, carries out effects, feeds their results back. It decides nothing
 * itself (reduce.ts, orders.ts, session.ts do) and waits for nothing: every effect's end is an
 * event.
 */
export class Kiosk {
  readonly #o: KioskOptions;
  #state: KioskState;
  #revision: number;
  /** The revision with which the screen shown now came up. */
  #screenSince = 0;
  #snapshot: Snapshot | null = null;
  #queue: KioskEvent[] = [];
  #busy = false;
  #cancelTimer: () => void = () => undefined;
  #cancelReleases: () => void = () => undefined;
  #cardTurn: Promise<unknown> = Promise.resolve();
  #stopped = false;
  /** Central's clock, when it was last heard; null: not in this process. */
  /** Writes that wait until what a card said is durable, by order. */
  readonly #keeping = new Map<string, (ok: boolean) => void>();
  #central: { readonly serverTimeMs: number; readonly atMono: number } | null = null;
  /** Digests of the payment codes that were taken. */
  readonly #scanned = new Set<string>();
  /** Orders that began in this process. */
  readonly #begun = new Set<string>();
  readonly #maintenance: MaintenanceRunner | null;
  readonly #gate: GateKeeper | null;

  constructor(options: KioskOptions) {
    this.#o = options;
    const orders = new Map<string, OpenOrder>();
    for (const order of options.journal.openOrders())
      orders.set(order.orderId, this.#load(order.orderId, undefined));
    const r = options.reader.status();
    const { gate } = options.reader;
    this.#gate =
      gate === undefined
        ? null
        : new GateKeeper(gate, options.clock, options.log, () => this.dispatch({ type: 'tick' }));
    this.#maintenance =
      options.maintenance === undefined
        ? null
        : new MaintenanceRunner({
            ...options,
            ports: options.maintenance,
            tell: (news) => this.dispatch({ type: 'maintenance', ...news }),
          });
    this.#state = withBlocked({
      session: IDLE,
      hold: { sinceMono: options.clock.monoMs(), untilMono: options.clock.monoMs() + HOLD_MS },
      locale: 'zh-CN',
      textSize: 'normal',
      plainAtMono: null,
      reader: { state: 'empty', insertion: 0, failure: null, sinceMs: options.clock.nowMs() },
      card: null,
      cardBusy: false,
      refusals: new Map(),
      orders,
      service: {
        policy: null,
        lineUp: null,
        linesDown: [],
        centralUp: null,
        devices: [],
        clockSkewMs: null,
        blocked: null,
      },
      providers: options.providers.map((p) => p.kind),
      codeProviders: options.providers.filter((p) => p.code !== undefined).map((p) => p.kind),
      maintenance: maintenanceAtStart(options.journal, options.maintenance, options.clock),
    });
    // Wall-clock based, so that a screen of before a restart is always older than one of after it.
    this.#revision = options.clock.nowMs();
    options.reader.onStatus(() => this.#readerChanged());
    this.dispatch({
      type: 'reader',
      state: r.state,
      insertion: r.insertion,
      failure: 'failure' in r ? r.failure : null,
    });
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }
  get service(): ServiceState {
    return this.#state.service;
  }
  /** Money or a card write is on its way: no time to stop. */
  get inFlight(): boolean {
    const s = this.#state.session;
    return (
      (s.at === 'assist' && s.stage === 'writing') ||
      [...this.#state.orders.values()].some(
        (o) => o.writing || o.order.state === 'paid' || o.order.state === 'delivering',
      )
    );
  }

  /**
   * A person's action; dropped when it was made on another screen than the one shown now. What
   * agrees to what the screen says (see {@link ON_THIS_REVISION}) is dropped on an older revision
   * too; everything else names what it means or only leads back, and holds as long as its screen: a
   * notice that changes under the finger must not swallow a 取消.
   */
  intent(intent: Intent): void {
    // What a scanner types is what a scanner reads: it needs no screen to be meant for.
    if (intent.type === 'scan') return this.scanned(intent.value);
    const shown = this.#snapshot;
    const oldest = ON_THIS_REVISION.has(intent.type) ? (shown?.revision ?? 0) : this.#screenSince;
    if (
      shown === null ||
      intent.screen !== shown.screen ||
      intent.revision > shown.revision ||
      intent.revision < oldest
    ) {
      this.#o.log('info', 'kiosk', 'stale intent dropped', {
        type: intent.type,
        screen: intent.screen,
      });
      return;
    }
    this.dispatch({ type: 'intent', intent });
  }

  /**
   * A code that the scanner read. It is kept nowhere but in the running attempt, and only until it
   * is sent; so that one code is never sent twice its digest is remembered for as long as this
   * process lives.
   */
  scanned(code: string): void {
    if (this.#stopped) return;
    const digest = createHash('sha256').update(code).digest('hex');
    const used = this.#scanned.has(digest);
    if (!used && takesScan(this.#state, code)) this.#scanned.add(digest);
    this.dispatch({ type: 'scanned', code, used });
  }

  setService(change: Partial<ServiceState>): void {
    this.dispatch({ type: 'service', change });
  }

  /** Central's clock, as just heard. */
  centralTime(serverTimeMs: number): void {
    if (this.#stopped) return;
    const { journal, clock } = this.#o;
    this.#central = { serverTimeMs, atMono: clock.monoMs() };
    // For the next start, which must not believe the machine's own clock alone.
    if (Math.abs(serverTimeMs - (journal.centralMs() ?? 0)) >= KEEP_TIME_MS)
      journal.setMeta('central_ms', String(serverTimeMs));
  }

  /** What the uploader heard of central: see {@link Hold}. */
  heard(how: 'answered' | 'away'): void {
    if (this.#state.hold !== null) this.dispatch({ type: 'heard', how });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTimer();
    this.#cancelReleases();
  }

  #readerChanged(): void {
    const r = this.#o.reader.status();
    if ('failure' in r) this.#o.log('warn', 'card', describeFailure(r.failure));
    this.dispatch({
      type: 'reader',
      state: r.state,
      insertion: r.insertion,
      failure: 'failure' in r ? r.failure : null,
    });
  }

  dispatch(event: KioskEvent): void {
    if (this.#stopped) return;
    this.#queue.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const step = reduce(this.#state, next, this.#context());
        this.#state = step.state;
        for (const effect of step.effects) this.#run(effect);
      }
      this.#settle();
    } finally {
      this.#busy = false;
    }
    if (this.#queue.length > 0) this.dispatch({ type: 'tick' });
  }

  #settle(): void {
    let wake: number | null = null;
    for (let n = 0; ; n++) {
      if (n === MAX_SETTLE) throw new Error('the orders do not settle');
      const before = this.#state;
      const step = settle(before, this.#context());
      this.#state = step.state;
      for (const effect of step.effects) this.#run(effect);
      this.#forget();
      wake = step.wakeAtMono;
      if (step.effects.length === 0 && step.state === before) break;
      if (step.effects.length === 0 && sameShape(step.state, before)) break;
    }
    this.#show();
    const needs = needsOf(this.#state);
    this.#gate?.look(this.#state, needs);
    this.#o.onNeeds?.(needs);
    this.#cancelTimer();
    if (wake !== null)
      this.#cancelTimer = this.#o.clock.after(Math.max(20, wake - this.#o.clock.monoMs()), () =>
        this.dispatch({ type: 'tick' }),
      );
  }

  #context(): ReduceContext {
    const { clock, layouts } = this.#o;
    return {
      nowMs: clock.nowMs(),
      monoMs: clock.monoMs(),
      terminalId: this.#o.header.terminalId,
      layout: layouts.byId,
      attemptIds: (orderId, n) => makeAttemptIds(orderId, n, this.#o.random),
      reverseAfterMs: (kind) =>
        this.#o.providers.find((p) => p.kind === kind)?.code?.reverseAfterMs ?? 0,
      businessDate: () => chinaDate(clock.nowMs()),
      mayBeReported: (orderId) => this.#o.journal.mayBeReported(orderId),
      assistOpen: (orderId) =>
        this.#o.journal.story(orderId).findLast((e) => e.kind.startsWith('assist'))?.kind ===
        'assist-writing',
    };
  }

  /** An order as the journal has it, with what this process knows of its attempts. */
  #load(orderId: string, known: OpenOrder | undefined): OpenOrder {
    const order = this.#o.journal.order(orderId);
    if (order === undefined) throw new Error(`no such order: ${orderId}`);
    const attempts = this.#o.journal.attemptsOf(orderId);
    const runs = new Map(
      attempts.map((a) => [a.attemptId, known?.runs.get(a.attemptId) ?? NEW_RUN]),
    );
    // A new durable state starts its own asking: what was learnt in the last one (back-off,
    // "accepted") does not hold in it.
    for (const a of attempts) {
      const old = known?.attempts.find((k) => k.attemptId === a.attemptId);
      const run = runs.get(a.attemptId);
      if (old !== undefined && run !== undefined && old.state !== a.state)
        runs.set(a.attemptId, {
          ...run,
          closeAccepted: false,
          refundAccepted: false,
          retryAtMono: a.state === 'pending' ? run.retryAtMono : 0,
          fails: 0,
        });
    }
    // Our lease begins with the first write of this process; what central may hold of an earlier
    // one's is asked for.
    const began = known !== undefined && known.order.writes === 0 && order.writes === 1;
    return {
      order,
      attempts,
      runs,
      next: known?.next ?? null,
      writing: known?.writing ?? false,
      waitCardUntilMono: known?.waitCardUntilMono ?? null,
      judgedInsertion: known?.judgedInsertion ?? null,
      leaseMono: began ? this.#o.clock.monoMs() : (known?.leaseMono ?? null),
      claim: known?.claim ?? NO_CLAIM,
      inherited: !this.#begun.has(orderId),
    };
  }

  /** Drops orders that need nothing more and are not on screen. */
  #forget(): void {
    const s = this.#state.session;
    const monoMs = this.#o.clock.monoMs();
    const centralMs =
      this.#central === null ? null : this.#central.serverTimeMs + monoMs - this.#central.atMono;
    let orders: Map<string, OpenOrder> | null = null;
    for (const [orderId, o] of this.#state.orders) {
      if ((s.at === 'order' && s.orderId === orderId) || needsUs(o, monoMs, centralMs)) continue;
      orders ??= new Map(this.#state.orders);
      orders.delete(orderId);
    }
    if (orders !== null) this.#state = { ...this.#state, orders };
  }

  #show(): void {
    const { clock, header, demo, fallbackHotline } = this.#o;
    const ctx = {
      nowMs: clock.nowMs(),
      monoMs: clock.monoMs(),
      terminalId: header.terminalId,
      header,
      demo,
      hotline: this.#state.service.policy?.hotline ?? fallbackHotline,
    };
    const view = viewOf(this.#state, ctx, this.#revision);
    if (this.#snapshot !== null && looksSame(view, this.#snapshot)) return;
    this.#revision = Math.max(this.#revision + 1, 0);
    if (view.screen !== this.#snapshot?.screen) this.#screenSince = this.#revision;
    this.#snapshot = { ...view, revision: this.#revision };
    this.#o.onSnapshot(this.#snapshot);
  }

  #journal(events: readonly JournalEvent[]): void {
    this.#o.journal.append(events);
    for (const e of events)
      if (e.kind === 'order-quoted' && e.orderId !== null) this.#begun.add(e.orderId);
    const orders = new Map(this.#state.orders);
    for (const orderId of new Set(events.map((e) => e.orderId))) {
      // Another kiosk's order, finished here, has no row of ours.
      if (orderId !== null && this.#o.journal.order(orderId) !== undefined)
        orders.set(orderId, this.#load(orderId, orders.get(orderId)));
    }
    this.#state = { ...this.#state, orders };
    for (const e of events) this.#o.log('info', 'journal', e.kind, { orderId: e.orderId });
    this.#o.onJournaled();
  }

  #run(effect: Effect): void {
    switch (effect.do) {
      case 'journal':
        this.#journal(effect.events);
        return;
      case 'read-card':
        this.#card(async () => {
          const status = this.#o.reader.status();
          if (status.state !== 'present' || status.insertion !== effect.insertion)
            return {
              type: 'card-read',
              insertion: effect.insertion,
              result: { ok: false, error: failure('CARD-0102') },
            } as const;
          const read = await this.#o.layouts.read(
            this.#o.reader.open(effect.insertion),
            status.atr,
          );
          return {
            type: 'card-read',
            insertion: effect.insertion,
            result: read.ok ? { ok: true, value: read.value.reading } : read,
          } as const;
        });
        return;
      case 'ask-account':
        this.#later(async () => {
          const found = await findAccount(
            this.#o.billing,
            this.#o.journal,
            this.#state.service.policy,
            this.#o.header.terminalId,
            effect.reading.cardNo,
            this.#o.clock.nowMs(),
          );
          const result = await this.#withoutOwnClaim(found);
          return {
            type: 'account',
            insertion: effect.insertion,
            result,
            parked: result.ok ? this.#parkedHere(result.value.account) : null,
          };
        });
        return;
      case 'preview':
        this.#later(async () => {
          const { reading, account, offline, amountFen, asked } = effect;
          const r = await quoteFor(
            this.#o.billing,
            reading,
            account,
            offline,
            amountFen,
            null,
            this.#o.clock.nowMs(),
          );
          return { type: 'preview', asked, result: r } as const;
        });
        return;
      case 'begin-order':
        this.#later(() => this.#begin(effect));
        return;
      case 'call':
        this.#later(async () => ({
          type: 'called',
          orderId: effect.orderId,
          attemptId: effect.attempt.attemptId,
          call: await this.#call(effect),
        }));
        return;
      case 'write':
        this.#card(async () => {
          const { orderId, insertion, plan } = effect;
          const order = this.#state.orders.get(orderId)?.order;
          const { applied, image } = await this.#write(
            orderId,
            order === undefined ? '' : cardSaleOf(order).layout,
            insertion,
            plan,
            false,
          );
          return { type: 'written', orderId, insertion, applied, image } as const;
        });
        return;
      case 'claim':
        this.#later(async () => {
          const askedMono = this.#o.clock.monoMs();
          const { orderId, kind, cardNo, claimMs } = effect;
          const told = this.#o.journal.isTold(orderId);
          const result = await this.#o.billing.claim(orderId, kind, cardNo, claimMs);
          if (!result.ok) {
            this.#o.log('info', 'billing', `${kind} claim: ${describeFailure(result.error)}`, {
              orderId,
            });
            // Another kiosk delivered it: central has that to tell.
            if (result.error.code === 'BILL-0106') this.#o.onCommandsWanted();
          }
          return { type: 'claimed', orderId, kind, askedMono, told, result };
        });
        return;
      case 'assist-claim':
        this.#later(async () => {
          const askedMono = this.#o.clock.monoMs();
          const { insertion, orderId, cardNo } = effect;
          return {
            type: 'assist-claimed',
            insertion,
            orderId,
            askedMono,
            result: await this.#o.billing.claim(orderId, 'write', cardNo),
          };
        });
        return;
      case 'assist-write':
        this.#card(async () => {
          const { orderId, insertion, plan } = effect;
          const { applied, image } = await this.#write(
            orderId,
            effect.layout,
            insertion,
            plan,
            true,
          );
          return { type: 'assist-written', orderId, insertion, applied, image } as const;
        });
        return;
      case 'kept': {
        const goOn = this.#keeping.get(effect.orderId);
        this.#keeping.delete(effect.orderId);
        goOn?.(effect.ok);
        return;
      }
      case 'find-order':
        this.#later(async () => ({
          type: 'order-found',
          ref: effect.ref,
          result: await this.#find(effect.ref),
        }));
        return;
      case 'release':
        this.#release(effect.orderId);
        return;
      case 'maintenance':
        this.#maintenance?.run(effect.op);
        return;
      case 'print':
        this.#later(async () => {
          const { orderId, what } = effect;
          const open = this.#state.orders.get(orderId);
          if (open === undefined) return { type: 'printed', orderId, what, ok: false } as const;
          const lines = slipLines(
            open,
            what,
            this.#o.header,
            this.#state.service.policy?.hotline ?? this.#o.fallbackHotline,
            this.#o.clock.nowMs(),
          );
          const printed = await this.#o.printer.print(lines);
          return { type: 'printed', orderId, what, ok: printed.ok } as const;
        });
        return;
      default:
        never(effect);
    }
  }

  async #write(
    orderId: string,
    layoutId: string,
    insertion: number,
    plan: WritePlan,
    assist: boolean,
  ): Promise<{ applied: Result<void, Failure>; image: Result<Uint8Array, Failure> }> {
    const layout = this.#o.layouts.byId(layoutId);
    if (layout === undefined)
      return { applied: err(failure('CARD-0103')), image: err(failure('CARD-0103')) };
    const channel = this.#o.reader.open(insertion);
    // An effect like any other: the write goes on once the fact is in the journal, and not at all
    // when the process ended there.
    const keep: Keep = async (record) => {
      const kept = new Promise<boolean>((resolve) => this.#keeping.set(orderId, resolve));
      this.dispatch({ type: 'keep', orderId, insertion, record: toHex(record), assist });
      return (await kept)
        ? ok(undefined)
        : err(failure('CARD-0203', 'the write is not this kiosk’s any more'));
    };
    const applied = await layout.apply(channel, plan, keep);
    if (!applied.ok) this.#o.log('warn', 'card', describeFailure(applied.error), { orderId });
    // Success is not believed: the card is reset and read afresh.
    const reset = await channel.reset();
    return { applied, image: reset.ok ? await layout.readImage(channel) : reset };
  }

  /** An order under the twelve digits of a slip: our own, else central's. */
  async #find(ref: string): Promise<Result<OrderStatus | null, Failure>> {
    const own = this.#o.journal.findByRef(ref);
    if (own !== undefined)
      return ok({
        orderId: own.orderId,
        terminalId: this.#o.header.terminalId,
        state: own.state,
        amountFen: own.sale.amountFen,
        quantity: cardSaleOf(own).quantity,
        unit: cardSaleOf(own).unit,
      });
    const asked = await this.#o.billing.ordersByRef(ref);
    return asked.ok ? ok(asked.value[0] ?? null) : asked;
  }

  /** Central tells what became of an order of ours elsewhere. */
  command(command: Command): void {
    if (this.#stopped) return;
    const { orderId } = command;
    if (this.#o.journal.order(orderId) === undefined) {
      this.#o.log('warn', 'billing', 'a command for an order that is not ours', { orderId });
      return;
    }
    if (!this.#state.orders.has(orderId))
      this.#state = {
        ...this.#state,
        orders: new Map(this.#state.orders).set(orderId, this.#load(orderId, undefined)),
      };
    this.dispatch({ type: 'command', command });
  }

  /**
   * The end of the work is an event; a throw is a defect and ends the process (which then recovers
   * from disk).
   */
  #later(work: () => Promise<KioskEvent>): void {
    void work().then((event) => this.dispatch(event));
  }

  /** Card work goes one at a time. */
  #card(work: () => Promise<KioskEvent>): void {
    const turn = this.#cardTurn.then(work);
    this.#cardTurn = turn.catch(() => undefined);
    void turn.then((event) => this.dispatch(event));
  }

  /**
   * A claim that an order of ours left behind, and which is over, does not stop a sale: it is given
   * back first.
   */
  async #withoutOwnClaim(
    r: Awaited<ReturnType<typeof findAccount>>,
  ): Promise<Awaited<ReturnType<typeof findAccount>>> {
    if (!r.ok || r.value.account.claim === null) return r;
    const { claim } = r.value.account;
    if (claim.terminalId !== this.#o.header.terminalId) return r;
    const row = this.#o.journal.order(claim.orderId);
    const over =
      row === undefined ||
      row.state === 'closed' ||
      row.state === 'delivered' ||
      row.state === 'refunded';
    if (!over) return r;
    if (row === undefined || row.state === 'closed') {
      const released = await this.#o.billing.release(claim.orderId);
      if (!released.ok) {
        this.#o.log('info', 'billing', 'release refused', {
          orderId: claim.orderId,
          code: released.error.code,
        });
        // An order that this journal does not know and that central will not let go of may have
        // taken money: no sale on top of it.
        if (row === undefined) return r;
      }
    }
    return { ok: true, value: { ...r.value, account: { ...r.value.account, claim: null } } };
  }

  /**
   * Gives a firm quote back that no order came of. Kept on disk until central answered: what the
   * quote reserved is the customer's.
   */
  #release(orderId: string): void {
    const { journal } = this.#o;
    journal.setMeta('releasing', JSON.stringify([...new Set([...releasing(journal), orderId])]));
    this.retryReleases();
  }

  /**
   * What is still to be given back is tried: when central is there (again), and every few minutes
   * until it spoke of it. Idempotent at central.
   */
  retryReleases(): void {
    const { journal, billing, clock, log } = this.#o;
    for (const orderId of releasing(journal)) {
      void billing.release(orderId).then((r) => {
        if (this.#stopped) return;
        if (!r.ok && UNHEARD.has(r.error.code)) {
          this.#cancelReleases();
          this.#cancelReleases = clock.after(RELEASE_AGAIN_MS, () => this.retryReleases());
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
  releaseInterrupted(): void {
    const { journal } = this.#o;
    const orderId = journal.meta('quoting') ?? '';
    if (orderId !== '' && journal.order(orderId) === undefined) this.#release(orderId);
    else this.retryReleases();
  }

  /**
   * A parked order of this kiosk keeps its claim: the customer is told so, not sent to another
   * machine.
   */
  #parkedHere({ claim, cardNo }: Account): OpenOrder | null {
    if (claim === null || claim.terminalId !== this.#o.header.terminalId) return null;
    const order = this.#o.journal.order(claim.orderId);
    return order?.state === 'parked' && cardNoOf(order) === cardNo
      ? this.#load(claim.orderId, this.#state.orders.get(claim.orderId))
      : null;
  }

  /**
   * Everything that must hold before money is asked for; then the order and its first attempt,
   * durable.
   */
  async #begin(effect: Extract<Effect, { do: 'begin-order' }>): Promise<KioskEvent> {
    const { session, amountFen } = effect;
    const { reading, insertion, account } = session;
    const { journal, clock, random, billing, header } = this.#o;
    const no = (f: ReturnType<typeof failure>): KioskEvent => {
      this.#o.log('warn', 'kiosk', describeFailure(f));
      return { type: 'order-not-begun', insertion, failure: f };
    };
    const shown = payChoices(this.#state)[0];
    const provider = this.#o.providers.find((p) => p.kind === shown);
    const { policy } = this.#state.service;
    if (policy === null) return no(failure('SALE-0110'));
    if (provider === undefined || this.#state.service.lineUp === false)
      return no(failure('SALE-0111'));
    if (this.#state.service.blocked !== null) return no(this.#state.service.blocked);
    if (journal.space() !== 'ample') return no(failure('JRNL-0104'));
    const layout = this.#o.layouts.byId(reading.layout);
    if (layout === undefined) return no(failure('CARD-0103'));
    const authority = await layout.proveAuthority(reading);
    if (!authority.ok) return no(authority.error);

    const orderId = makeOrderId(
      header.terminalId,
      journal.epoch,
      journal.nextOrderNumber(),
      random,
    );
    // Known before central hears of it: a cut from here on can be released at the next start.
    journal.setMeta('quoting', orderId);
    const quoted = await quoteFor(
      billing,
      reading,
      account,
      session.offline,
      amountFen,
      orderId,
      clock.nowMs(),
    );
    const giveBack = (f: ReturnType<typeof failure>): KioskEvent => {
      this.#release(orderId);
      return no(f);
    };
    if (!quoted.ok) {
      // Not reached, or not understood: central may hold the card for it all the same. Any other
      // answer is a refusal.
      if (quoted.error.code === 'BILL-0101')
        return giveBack(failure('SALE-0110', undefined, quoted.error));
      return quoted.error.code === 'BILL-0102' ? giveBack(quoted.error) : no(quoted.error);
    }
    const { quote, offline } = quoted.value;
    if (offline && journal.unsynced().soldFen + amountFen > policy.offline.capFen)
      return giveBack(failure('SALE-0110', 'the offline cap would be passed'));
    const agreed = session.quote;
    if (
      agreed === null ||
      quote.quantity !== agreed.quantity ||
      quote.amountFen !== amountFen ||
      quote.nextCount !== reading.count + 1
    )
      return giveBack(failure('BILL-0102', 'the firm quote differs from the one shown'));
    const here = this.#o.reader.status();
    if (here.state !== 'present' || here.insertion !== insertion)
      return giveBack(failure('CARD-0102'));

    const attempt = makeAttemptIds(orderId, 1, random);
    const events: JournalEvent[] = [
      {
        kind: 'order-quoted',
        orderId,
        body: {
          cardNo: reading.cardNo,
          userNo: reading.userNo,
          layout: reading.layout,
          unit: reading.unit,
          nextCount: quote.nextCount,
          amountFen,
          quantity: quote.quantity,
          shares: quote.shares,
          carriedUsedMicro: quote.carriedUsedMicro,
          carriedAfterMicro: quote.carriedAfterMicro,
          tariffId: quote.tariffId,
          tariffVersion: quote.tariffVersion,
          offline,
          tag: toHex(orderTag(orderId)),
        },
      },
      {
        kind: 'attempt-creating',
        orderId,
        body: {
          ...attempt,
          provider: provider.kind,
          amountFen,
          expiresAtMs: clock.nowMs() + policy.payWindowMs,
        },
      },
    ];
    return { type: 'order-begun', orderId, insertion, events };
  }

  async #call(effect: Extract<Effect, { do: 'call' }>): Promise<CallResult> {
    const { attempt, verb } = effect;
    const provider = this.#o.providers.find((p) => p.kind === attempt.provider);
    if (provider === undefined) {
      const result = {
        kind: 'unknown',
        failure: failure('PAY-0204', `no provider ${attempt.provider} is configured`),
      } as const;
      return { verb, result };
    }
    const ref = {
      outTradeNo: attempt.outTradeNo,
      amountFen: attempt.amountFen,
      expiresAtMs: attempt.expiresAtMs,
      ...(attempt.method === undefined ? {} : { method: attempt.method }),
    };
    const description = `${this.#o.header.brand.zh} 充值 ${formatYuan(attempt.amountFen)} 元`;
    const noCodes = failure('PAY-0204', `${attempt.provider} takes no payment codes`);
    const refund = {
      ...ref,
      outRefundNo: attempt.outRefundNo,
      refundFen: attempt.amountFen,
      reason: '充值未完成，原路退回',
    };
    const called = await (async (): Promise<CallResult> => {
      switch (verb) {
        case 'create':
          return {
            verb,
            result: await provider.create({
              ...ref,
              description,
              orderId: effect.orderId,
              expiresAtMs: attempt.expiresAtMs,
            }),
          };
        case 'charge': {
          const { authCode } = effect;
          const result =
            provider.code === undefined || authCode === undefined
              ? ({ kind: 'refused', failure: noCodes } as const)
              : await provider.code.charge({
                  ...ref,
                  orderId: effect.orderId,
                  method: 'code',
                  authCode,
                  description,
                });
          return { verb, result };
        }
        case 'reverse':
          return {
            verb,
            result:
              provider.code === undefined
                ? { kind: 'unknown', failure: noCodes }
                : await provider.code.reverse(ref),
          };
        case 'query':
          return { verb, result: await provider.query(ref) };
        case 'close':
          return { verb, result: await provider.close(ref) };
        case 'refund':
          return { verb, result: await provider.refund(refund) };
        case 'query-refund':
          return { verb, result: await provider.queryRefund(refund) };
        default:
          return never(verb);
      }
    })();
    if ('failure' in called.result)
      this.#o.log('warn', 'payment', `${verb}: ${describeFailure(called.result.failure)}`, {
        outTradeNo: attempt.outTradeNo,
      });
    return called;
  }
}

/** Firm quotes still to be given back to central. */
function releasing(journal: Journal): string[] {
  return JSON.parse(journal.meta('releasing') ?? '[]') as string[];
}

/** Does the kiosk still have to do something for this order? */
function needsUs(o: OpenOrder, monoMs: number, centralMs: number | null): boolean {
  if (o.writing) return true;
  if (!['delivered', 'closed', 'refunded', 'parked'].includes(o.order.state)) return true;
  return o.attempts.some(
    (a) =>
      a.state === 'creating' ||
      a.state === 'pending' ||
      a.state === 'closing' ||
      a.state === 'refunding' ||
      (a.state === 'paid' && a.taken === false) ||
      (a.state === 'closed' && a.shown && mayStillBePaid(o, a, monoMs, centralMs)),
  );
}

/**
 * Could the provider still take this closed attempt's money? The machine's own clock has no say in
 * it: a step forward would end the asking with the money still to come. What was asked about for
 * that long in this process is over; what an earlier one began is as old as central's clock says.
 */
function mayStillBePaid(
  o: OpenOrder,
  a: AttemptRow,
  monoMs: number,
  centralMs: number | null,
): boolean {
  const since = o.runs.get(a.attemptId)?.startedMono ?? 0;
  if (since > 0 && monoMs - since >= ASK_CLOSED_MS) return false;
  return !(o.inherited && centralMs !== null && centralMs - a.createdMs >= ASK_CLOSED_MS);
}

/** Two states that differ only by copies made on the way. */
function sameShape(a: KioskState, b: KioskState): boolean {
  return (
    (a.session === b.session || sameJson(a.session, b.session)) &&
    a.card === b.card &&
    a.cardBusy === b.cardBusy &&
    a.orders.size === b.orders.size &&
    [...a.orders].every(([id, o]) => b.orders.get(id) === o)
  );
}
