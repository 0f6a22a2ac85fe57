import { createHash } from 'node:crypto';
import type { Intent, Snapshot } from '../shared/contract/index.ts';
import type { Command } from '../shared/central-api/index.ts';
import { describeFailure, failure } from '../shared/errors.ts';
import { HOUSE_PAYEE } from '../shared/sale.ts';
import type { EventBody, JournalEvent } from '../shared/facts/catalogue.ts';
import { makeAttemptIds, orderRef } from '../shared/order-id.ts';
import { err } from '../shared/result.ts';
import { sameJson } from '../shared/same.ts';
import { chinaDate } from '../shared/time.ts';
import { maintenanceAtStart, MaintenanceRunner } from './maintenance/run.ts';
import { keepSpeakerLevel, keptSpeakerLevel } from './maintenance/speaker-level.ts';
import { withBlocked } from './maintenance/step.ts';
import { noteDevices } from './watch/device-facts.ts';
import { serviceLevel } from './watch/selling.ts';
import type { ServiceLevel } from './watch/selling.ts';
import { needsUs, openOrder } from './order/open-orders.ts';
import { noteKeys } from './delivery/key-notes.ts';
import { HOLD_MS } from './orders.ts';
import { reduce, settle } from './reduce.ts';
import { CardRunner } from './run/card.ts';
import { askAccount, askAssistClaim, askClaim, findOrder, preview } from './run/central.ts';
import type { Host, KioskOptions } from './run/options.ts';
import { askCredit, post } from './run/credit.ts';
import { askMyAccount } from './run/my-account.ts';
import { paperOf } from './run/paper.ts';
import { callProvider } from './run/payment.ts';
import { Releases } from './run/releases.ts';
import { askRequest, makeRequest } from './run/requests.ts';
import { offersInvoice, receiptCode, receiptUrl } from './words/receipt-code.ts';
import type { ReduceContext } from './state/context.ts';
import type { Effect, KioskEvent, KioskState, ServiceState } from './state/kiosk.ts';
import type { OpenOrder } from './state/order.ts';
import type { MyAccountOp } from './state/my-account.ts';
import type { RequestOp } from './state/requests.ts';
import { looksSame, viewOf } from './view.ts';
import { beginCredit } from './visit/account-sale/begin.ts';
import { companyOf } from './visit/account-sale/view.ts';
import { beginOrder } from './visit/card-sale/begin.ts';
import { GateKeeper } from './visit/gate.ts';
import { binAfter, binAtStart, callAfter, calledAtStart } from './visit/left-card.ts';
import { takesScan } from './visit/paying.ts';
import { IDLE } from './visit/step.ts';
import { PLAIN_MANNER } from './visit/manner.ts';
import { WORD_MS } from './visit/times.ts';
import { signalsOf } from './visit/signals.ts';
import { needsOf } from './visit/visit.ts';
import { sayIn } from './words/slip-base.ts';
import type { SlipAt } from './words/slip-base.ts';
import { keptSlip, slipLines } from './words/slips.ts';

type Of<D extends Effect['do']> = Extract<Effect, { do: D }>;

/** Central's time is kept on disk about so often. */
const KEEP_TIME_MS = 600_000;
/**
 * More settling steps than any real situation needs: a loop here is a defect, and is said instead
 * of spinning.
 */
const MAX_SETTLE = 200;
/** Intents that agree to what is shown (a sum, a paper) and name no more than part of it: see record 0015. */
const ON_THIS_REVISION: ReadonlySet<Intent['type']> = new Set(['pay', 'print']);

/**
 * The kiosk: holds the state, carries out effects, feeds their results back. It decides nothing
 * itself (reduce.ts and what it calls do) and waits for nothing: every effect's end is an
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
  #stopped = false;
  /** Central's clock, when it was last heard; null: not in this process. */
  #central: { readonly serverTimeMs: number; readonly atMono: number } | null = null;
  /** Digests of the payment codes that were taken. */
  readonly #scanned = new Set<string>();
  /** Orders that began in this process. */
  readonly #begun = new Set<string>();
  readonly #host: Host;
  readonly #card: CardRunner;
  readonly #releases: Releases;
  readonly #maintenance: MaintenanceRunner | null;
  readonly #gate: GateKeeper | null;

  constructor(options: KioskOptions) {
    this.#o = options;
    this.#host = {
      options,
      state: () => this.#state,
      dispatch: (event) => this.dispatch(event),
      load: (orderId) => this.#load(orderId, this.#state.orders.get(orderId)),
    };
    this.#card = new CardRunner(this.#host);
    this.#releases = new Releases(options);
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
            hotline: () => this.#hotline(),
            inFlight: () => this.inFlight,
            setSpeakerLevel: (level) => this.setSpeakerLevel(level),
            tell: (news) => this.dispatch({ type: 'maintenance', ...news }),
          });
    const orders = new Map<string, OpenOrder>();
    for (const { orderId } of options.journal.openOrders())
      orders.set(orderId, this.#load(orderId, undefined));
    this.#state = stateAtStart(options, orders);
    // Wall-clock based, so that a screen of before a restart is always older than one of after it.
    this.#revision = options.clock.nowMs();
    options.reader.onStatus(() => this.#readerChanged());
    this.#tellReader();
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
   * Nothing is on its way, nothing is asked of a customer, and no motor reader holds a card: as
   * good a time to stop as there is.
   */
  get atRest(): boolean {
    const { reader, orders } = this.#state;
    const holds = this.#gate !== null && (reader.state === 'present' || reader.state === 'mute');
    return (
      !this.inFlight &&
      !holds &&
      ![...orders.values()].some(
        ({ order: { state } }) => state === 'quoted' || state === 'collecting',
      )
    );
  }

  /** How far the machine serves, as its screens, its staff and its heartbeat have it. */
  get level(): ServiceLevel {
    return serviceLevel(this.#state);
  }

  /** How loud the machine speaks, percent; null: as the policy has it. */
  get speakerLevel(): number | null {
    return this.#state.speakerLevel;
  }

  /** From now on it speaks so loud, over the next start too. Null: as the policy has it. */
  setSpeakerLevel(level: number | null): void {
    if (this.#stopped) return;
    keepSpeakerLevel(this.#o.journal, level);
    this.dispatch({ type: 'speaker-level', level });
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

  /** Headphones were plugged into the machine's jack, or pulled. */
  headphones(plugged: boolean): void {
    this.dispatch({ type: 'headphones', plugged });
  }

  /** A device stands otherwise, and lastingly so: it becomes a fact. */
  deviceChanged(change: EventBody<'device-changed'>): void {
    this.dispatch({ type: 'device-changed', change });
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
    this.#releases.stop();
  }

  #readerChanged(): void {
    const r = this.#o.reader.status();
    if ('failure' in r) this.#o.log('warn', 'card', describeFailure(r.failure));
    this.#tellReader();
  }

  #tellReader(): void {
    const r = this.#o.reader.status();
    const why = 'failure' in r ? r.failure : null;
    this.dispatch({ type: 'reader', state: r.state, insertion: r.insertion, failure: why });
  }

  /** An event happens; its effects begin, in order, before this returns. */
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
    this.#o.onSignals?.(signalsOf(this.#state, needs));
    this.#cancelTimer();
    if (wake !== null)
      this.#cancelTimer = this.#o.clock.after(Math.max(20, wake - this.#o.clock.monoMs()), () =>
        this.dispatch({ type: 'tick' }),
      );
  }

  #context(): ReduceContext {
    const { clock, layouts } = this.#o;
    const provider = (kind: string) => this.#o.providers.find((p) => p.kind === kind);
    return {
      nowMs: clock.nowMs(),
      monoMs: clock.monoMs(),
      terminalId: this.#o.header.terminalId,
      layout: layouts.byId,
      attemptIds: (orderId, n) => makeAttemptIds(orderId, n, this.#o.random),
      reverseAfterMs: (kind) => provider(kind)?.code?.reverseAfterMs ?? 0,
      closeMayHandBack: (kind) => provider(kind)?.closeMayHandBack === true,
      holds: (kind) => provider(kind)?.hold !== undefined,
      businessDate: () => chinaDate(clock.nowMs()),
      mayBeReported: (orderId) => this.#o.journal.mayBeReported(orderId),
      assistOpen: (orderId) =>
        this.#o.journal.story(orderId).findLast((e) => e.kind.startsWith('assist'))?.kind ===
        'assist-writing',
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
    const { clock, header, demo } = this.#o;
    const ctx = {
      nowMs: clock.nowMs(),
      monoMs: clock.monoMs(),
      terminalId: header.terminalId,
      header,
      demo,
      hotline: this.#hotline(),
      receiptUrl: (orderId: string) => this.#receiptUrl(orderId),
    };
    const view = viewOf(this.#state, ctx, this.#revision);
    if (this.#snapshot !== null && looksSame(view, this.#snapshot)) return;
    this.#revision = Math.max(this.#revision + 1, 0);
    if (view.screen !== this.#snapshot?.screen) this.#screenSince = this.#revision;
    this.#snapshot = { ...view, revision: this.#revision };
    this.#o.onSnapshot(this.#snapshot);
  }

  #journal(events: readonly JournalEvent[]): void {
    noteKeys(this.#o.journal, events);
    this.#noteBin(events);
    this.#o.journal.append(events);
    noteDevices(this.#o.journal, events);
    for (const e of events)
      if ((e.kind === 'order-quoted' || e.kind === 'credit-quoted') && e.orderId !== null)
        this.#begun.add(e.orderId);
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

  /** Durable before the fact that announces it: a card that was taken in is never forgotten. */
  #noteBin(events: readonly JournalEvent[]): void {
    const call = callAfter(events);
    if (call !== null) this.#o.journal.setMeta('called', call);
    const bin = binAfter(this.#state.bin, events, this.#o.clock.nowMs());
    if (bin === this.#state.bin) return;
    this.#o.journal.setMeta('bin', JSON.stringify(bin.cards));
    this.#state = { ...this.#state, bin };
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

  #run(effect: Effect): void {
    const carryOut = this.#runners[effect.do] as (effect: Effect) => void;
    carryOut(effect);
  }

  /** How each kind of effect is carried out. */
  readonly #runners: { readonly [D in Effect['do']]: (effect: Of<D>) => void } = {
    journal: ({ events }) => this.#journal(events),
    'read-card': (effect) => this.#card.read(effect),
    write: (effect) => this.#card.write(effect),
    'assist-write': (effect) => this.#card.assist(effect),
    kept: (effect) => this.#card.kept(effect),
    'ask-account': (effect) => this.#later(() => askAccount(this.#host, effect)),
    preview: (effect) => this.#later(() => preview(this.#host, effect)),
    'begin-order': (effect) => this.#later(() => this.#begin(effect)),
    call: (effect) => this.#later(() => this.#call(effect)),
    claim: (effect) => this.#later(() => askClaim(this.#host, effect)),
    'assist-claim': (effect) => this.#later(() => askAssistClaim(this.#host, effect)),
    capture: (effect) => this.#later(() => this.#capture(effect)),
    'find-order': (effect) => this.#later(() => findOrder(this.#host, effect)),
    request: ({ ask }) => this.#request(ask),
    'my-account': ({ ask }) => this.#later(() => this.#myAccount(ask)),
    post: (effect) => this.#later(() => post(this.#host, effect)),
    'ask-credit': (effect) => this.#later(() => askCredit(this.#host, effect)),
    'begin-credit': (effect) => this.#later(() => this.#beginCredit(effect)),
    release: ({ orderId }) => this.#releases.add(orderId),
    print: (effect) => this.#later(() => this.#print(effect)),
    maintenance: ({ op }) => this.#maintenance?.run(op),
  };

  /** A request is durable before anything is told of it. */
  #request(ask: RequestOp): void {
    if (ask.op !== 'make')
      return this.#later(async () => ({
        type: 'request',
        told: await askRequest(this.#host, ask, this.#hotline()),
      }));
    const told = makeRequest(this.#host, ask);
    this.dispatch({ type: 'request', told });
    this.#o.onJournaled();
  }

  async #myAccount(ask: MyAccountOp): Promise<KioskEvent> {
    const receiptUrl = (orderId: string): string | null => this.#receiptUrl(orderId);
    const end = { hotline: this.#hotline(), receiptUrl };
    return { type: 'my-account', told: await askMyAccount(this.#host, ask, end) };
  }

  #begin(effect: Of<'begin-order'>): Promise<KioskEvent> {
    const { state } = this.#host;
    const release = (orderId: string): void => this.#releases.add(orderId);
    return beginOrder({ ...this.#o, state, release }, effect);
  }

  #beginCredit(effect: Of<'begin-credit'>): Promise<KioskEvent> {
    const { state } = this.#host;
    const release = (orderId: string): void => this.#releases.add(orderId);
    return beginCredit({ ...this.#o, state, release }, effect);
  }

  async #call(effect: Of<'call'>): Promise<KioskEvent> {
    const { orderId, attempt } = effect;
    const { attemptId } = attempt;
    return { type: 'called', orderId, attemptId, call: await callProvider(this.#o, effect) };
  }

  async #print({ orderId, what }: Of<'print'>): Promise<KioskEvent> {
    const open = this.#state.orders.get(orderId);
    if (open === undefined) return { type: 'printed', orderId, what, paper: 'failed' };
    const { printer } = this.#o;
    const { policy } = this.#state.service;
    const at = this.#slipAt();
    const say = sayIn(at);
    const company = (payee: string): string => {
      const { zh, en } = companyOf(policy?.credit, payee);
      return say(zh, en);
    };
    const lines = slipLines(open, what, at, company);
    const url = this.#receiptUrl(orderId);
    const code = receiptCode(url, offersInvoice(policy, open.order), say);
    const printed = await printer.print([...lines, ...code], orderRef(orderId));
    return { type: 'printed', orderId, what, paper: paperOf(printed) };
  }

  /** Whoever comes back for the card has a paper to read, if the printer has one. */
  async #capture({ insertion, cardNo }: Of<'capture'>): Promise<KioskEvent> {
    const { printer } = this.#o;
    const result =
      (await this.#gate?.capture(insertion, this.#state)) ?? err(failure('CARD-0107', 'no motor'));
    if (result.ok) void printer.print(keptSlip(cardNo, this.#slipAt()));
    return { type: 'captured', insertion, cardNo, result };
  }

  #receiptUrl(orderId: string): string | null {
    return receiptUrl(this.#state.service.policy, this.#o.receiptToken, orderId);
  }

  /** A paper of now, in the language of the visit. */
  #slipAt(): SlipAt {
    const { header, clock } = this.#o;
    const { locale } = this.#state;
    return { header, hotline: this.#hotline(), nowMs: clock.nowMs(), locale };
  }

  #hotline(): string {
    return this.#state.service.policy?.hotline ?? this.#o.fallbackHotline;
  }

  /** What is still to be given back to central is tried: it is there (again). */
  retryReleases(): void {
    this.#releases.retry();
  }

  /** At start: what the last run was quoting when it was cut goes back to central. */
  releaseInterrupted(): void {
    this.#releases.interrupted();
  }

  /** An order as the journal has it, with what this process knows of it. */
  #load(orderId: string, known: OpenOrder | undefined): OpenOrder {
    const { journal, clock } = this.#o;
    const order = journal.order(orderId);
    if (order === undefined) throw new Error(`no such order: ${orderId}`);
    const inherited = !this.#begun.has(orderId);
    return openOrder(order, journal.attemptsOf(orderId), known, inherited, clock.monoMs());
  }

  /**
   * The end of the work is an event; a throw is a defect and ends the process (which then recovers
   * from disk). Not once it is stopped: its journal may be closed then, and the process live on.
   */
  #later(work: () => Promise<KioskEvent>): void {
    void work().then(
      (event) => this.dispatch(event),
      (cause: unknown) => {
        if (!this.#stopped) throw cause;
      },
    );
  }
}

/** A kiosk that has just come up: what it knows is the journal's. */
function stateAtStart(
  { clock, providers, collectsFor, journal, maintenance, reader }: KioskOptions,
  orders: ReadonlyMap<string, OpenOrder>,
): KioskState {
  return withBlocked({
    session: IDLE,
    hold: { sinceMono: clock.monoMs(), untilMono: clock.monoMs() + HOLD_MS },
    ...PLAIN_MANNER,
    headphones: false,
    pluggedByKey: false,
    plainAtMono: null,
    downSinceMs: null,
    word: [...orders.values()].some(({ order }) => order.state === 'collecting')
      ? { kind: 'restarted', untilMono: clock.monoMs() + WORD_MS.restarted }
      : null,
    reader: { state: 'empty', insertion: 0, failure: null, sinceMs: clock.nowMs() },
    card: null,
    cardBusy: false,
    papers: new Map(),
    lookedUp: [],
    creditAsked: 0,
    refusals: [],
    seen: { insertion: 0, cards: new Map() },
    left: calledAtStart(journal, clock.monoMs()),
    bin: binAtStart(journal, reader.gate !== undefined),
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
    providers: providers.map((p) => p.kind),
    codeProviders: providers.filter((p) => p.code !== undefined).map((p) => p.kind),
    collectsFor: collectsFor ?? [HOUSE_PAYEE],
    unprovable: providers.filter((p) => p.provesNothing === true).map((p) => p.kind),
    speakerLevel: keptSpeakerLevel(journal),
    maintenance: maintenanceAtStart(journal, maintenance, clock),
  });
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
