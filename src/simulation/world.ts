import { centralKeyProvider, sampleKeyProvider } from '../card/index.ts';
import { createCentral } from '../central/central.ts';
import { ANY_REFUND, REFUND_BUDGET } from '../central/sale/budgets.ts';
import type { Db } from '../central/db/sql.ts';
import type { JournalEvent } from '../shared/facts/catalogue.ts';
import type { Policy } from '../shared/policy.ts';
import type { KeyId, Signer, Verifier } from '../shared/ports.ts';
import { MONTHLY } from '../shared/periods.ts';
import { Keyring } from '../shared/signatures.ts';
import { memoryBooks } from '../simulator/payment-books.ts';
import type { Books } from '../simulator/payment-books.ts';
import type { Wallets } from '../simulator/pay-town.ts';
import { cpuCard, sle4442Card } from './card.ts';
import { CentralSite } from './central-site.ts';
import { chipFor } from './chip.ts';
import { Checks } from './checks.ts';
import { ACCOUNT_PLANS, AccountCustomer } from './account-customer.ts';
import type { Visitor } from './account-customer.ts';
import { HOUSEHOLDS, TOWN_ACCOUNTS, TOWN_CREDIT } from './credit-checks.ts';
import { OfficeActs } from './office-acts.ts';
import { RequestCustomer } from './request-customer.ts';
import { TOWN_REQUESTS, TOWN_REQUEST_KEY } from './request-checks.ts';
import { Customer, PLANS } from './customer.ts';
import { Dice } from './dice.ts';
import { startFault } from './faults.ts';
import { FAULTS, LATE_MS } from './town.ts';
import type { Engines, HeldCard, Mode, SimOptions, SimResult, Town } from './town.ts';
import { GatewayWatch } from './gateway-watch.ts';
import { Middle } from './middle.ts';
import { equipmentOf } from './modes.ts';
import type { Equipment } from './modes.ts';
import { Line } from './net.ts';
import type { Mishap, Service } from './net.ts';
import { checkMyAccount, TOWN_MY_ACCOUNT, TOWN_USE } from './my-account-checks.ts';
import { Phone } from './phone.ts';
import {
  hasTwoMerchants,
  PAGES,
  kioskProviders,
  townMerchants,
  townWallets,
  walletProviders,
  walletService,
} from './providers.ts';
import type { PaySet } from './providers.ts';
import { patience, Rogue } from './rogue.ts';
import { Site } from './site.ts';
import { ProcessClock, T0, Timeline } from './timeline.ts';

export const POLICY: Policy = {
  version: 1,
  hotline: '',
  presetsFen: [5_000, 10_000, 20_000],
  minFen: 1_000,
  maxFen: 50_000,
  confirmAboveFen: 25_000,
  payWindowMs: 60_000,
  offline: { accountMaxAgeMs: 3_600_000, capFen: 100_000 },
  unsynced: { maxEvents: 10_000, maxFen: 10_000_000, maxAgeMs: 86_400_000 },
  retentionDays: 400,
  maxClockSkewMs: 240_000,
  notices: [],
  sites: [],
  credit: TOWN_CREDIT,
  requests: TOWN_REQUESTS,
  myAccount: TOWN_MY_ACCOUNT,
};

const TERMINALS = ['000000000311', '000000000312'] as const;
/** A thief's own terminal, beside the honest two: a fork of theirs would only stop them. */
const THIEF = '000000000313';
/** 0.01 m³: a purchase or two, and there is no more that month. */
const MONTHLY_LIMIT = 6_000;
/** A purse holds money: one yuan of it costs one yuan. */
const TARIFFS = [
  {
    tariffId: 'gas-residential',
    version: 1,
    tiers: [
      { uptoQuantity: 36_000, priceE4: 26_500 },
      { uptoQuantity: 60_000, priceE4: 31_800 },
      { uptoQuantity: null, priceE4: 39_750 },
    ],
  },
  { tariffId: 'money', version: 1, tiers: [{ uptoQuantity: null, priceE4: 10_000 }] },
] as const;
const STEPS_A_TURN = 32;

/**
 * A small town: two machines, their central and their provider, a few cards with their meters (one
 * is an SLE4442, and in every other town one is a purse), and the people. All of it in one thread,
 * under one clock.
 */
export class World implements Town {
  readonly options: SimOptions;
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly counts = new Map<string, number>();
  readonly cards: HeldCard[] = [];
  readonly sites: Site[] = [];
  readonly lines: { readonly payment: Line; readonly central: Line }[] = [];
  readonly disks: ReturnType<Engines['disk']>[] = [];
  readonly books: Books = memoryBooks();
  /** The water company's, where it has a merchant of its own; null: it has none. */
  readonly waterBooks: Books | null;
  readonly problems: string[] = [];
  readonly checks: Checks;
  readonly office: OfficeActs;
  readonly mode: Mode;
  readonly thief: string | null;
  readonly equipment: Equipment;
  readonly gateway: GatewayWatch;
  readonly phone = new Phone(this);
  central!: CentralSite;
  db!: Db;
  wallets!: Wallets;
  rogue: Rogue | null = null;
  /** The gateway's line to the wallets. */
  walletLine!: Line;
  quiet = false;
  #served = 0;
  #pending = 0;
  #customers: (Visitor | null)[] = [];
  readonly #epochs = new Map<string, number>();
  /** Cards whose purchase is unfinished, in the hands of somebody on the way to the other machine. */
  #carried: { readonly held: HeldCard; readonly from: number; readonly atMs: number }[] = [];
  #leftovers: { readonly code: string; readonly atMs: number }[] = [];

  constructor(options: SimOptions) {
    this.options = options;
    this.dice = new Dice(options.seed);
    this.mode = options.mode ?? 'none';
    this.thief = this.mode === 'rogue' ? THIEF : null;
    this.equipment = equipmentOf(options.seed, this.mode);
    this.waterBooks = hasTwoMerchants(options.seed, this.paySet) ? memoryBooks() : null;
    this.gateway = new GatewayWatch(this.thief);
    this.checks = new Checks(this);
    this.office = new OfficeActs(this, HOUSEHOLDS);
  }

  get seed(): number {
    return this.options.seed;
  }
  get paySet(): PaySet {
    return this.equipment.paySet;
  }
  get nowMs(): number {
    return T0 + Math.floor(this.timeline.nowMs);
  }
  count(what: string, n = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + n);
  }
  tell(line: string): void {
    this.options.story?.push(`${(this.timeline.nowMs / 1000).toFixed(3).padStart(10)} ${line}`);
  }
  problem(text: string): void {
    if (this.problems.length < 20)
      this.problems.push(`${(this.timeline.nowMs / 1000).toFixed(3)} s: ${text}`);
    this.tell(`!!! ${text}`);
  }

  async #build(): Promise<void> {
    const { engines } = this.options;
    const terminals = this.thief === null ? TERMINALS : [...TERMINALS, this.thief];
    const keys = {
      terminals: terminals.map((t) => engines.key(t)),
      policy: engines.key('policy'),
      answers: engines.key('answers'),
      gateway: engines.key('gateway'),
      merchant: engines.key('merchant'),
      platform: engines.key('platform'),
    };
    const db = this.#counted(await engines.centralDb());
    this.db = this.paySet === 'direct' ? db : this.gateway.watch(db);
    const accounts = Array.from(
      { length: this.equipment.cards },
      (_, i) => i === this.equipment.cards - 1 && this.options.seed % 2 === 0,
    ).map((purse, i) => ({
      cardNo: `88000010${String(i).padStart(2, '0')}`,
      userNo: `10020010${String(i).padStart(2, '0')}`,
      holderName: '张小明',
      meterNo: `00000010${String(i).padStart(2, '0')}`,
      kind: 'gas' as const,
      unit: purse ? ('money' as const) : ('volume' as const),
      state: 'normal' as const,
      count: 41,
      cumulative: 205_000,
      yearQuantity: 0,
      carriedMicro: this.dice.below(20_000),
      ceilingQuantity: 100_000,
      perPurchaseQuantity: null,
      // In every third town one household may have little: it meets its limit, online and cut off.
      ...(i > 0 || this.options.seed % 3 !== 0
        ? { periodLeftQuantity: null }
        : {
            limit: { quantity: MONTHLY_LIMIT, every: MONTHLY },
            periodLeftQuantity: MONTHLY_LIMIT,
          }),
      tariffId: purse ? 'money' : 'gas-residential',
      tariffVersion: 1,
    }));
    this.checks.opening(accounts);
    const cardKeys = sampleKeyProvider('demo');
    if (!cardKeys.ok) throw new Error('no keys');
    const { keysAt } = this.equipment;
    const rogue =
      this.thief === null ? null : new Rogue(this, this.thief, keys, this.#centralService());
    this.rogue = rogue;
    const verifierOf = (pem: string): Verifier & KeyId => {
      const found = keys.terminals.find((k) => k.publicKeyPem === pem);
      if (found === undefined) throw new Error('a terminal that was never enrolled');
      return found.verifier;
    };
    const counted = (where: string, line: string) => (mishap: Mishap) => {
      this.count(`${line}-${mishap}`);
      this.tell(`${where} ${line}: ${mishap}`);
    };
    this.wallets = townWallets(
      keys,
      this.checks.watchBooks(this.books),
      this.waterBooks === null ? null : this.checks.watchBooks(this.waterBooks),
      () => this.nowMs,
      (n) => this.dice.bytes(n),
    );
    this.walletLine = new Line(
      this.timeline,
      this.dice,
      walletService(() => this.wallets),
      counted('gateway', 'payment'),
    );
    this.central = new CentralSite({
      timeline: this.timeline,
      dice: this.dice,
      db: this.db,
      make: (life, db) => {
        const clock = new ProcessClock(this.timeline, life, () => 0);
        const ports = {
          clock,
          random: this.dice,
          send: this.walletLine.send(life),
          timeoutMs: 6_000,
        };
        const { wechat, alipay, unionpay } = walletProviders(keys, ports);
        return createCentral({
          db,
          policySigner: keys.policy.signer,
          answerSigner: keys.answers.signer,
          gatewaySigner: keys.gateway.signer,
          verifierOf,
          now: () => this.nowMs,
          terminals: terminals.map((terminalId, i) => ({
            terminalId,
            publicKeyPem: (keys.terminals[i] as { publicKeyPem: string }).publicKeyPem,
          })),
          accounts: [...accounts, ...(rogue?.accounts ?? [])],
          tariffs: TARIFFS,
          claims: [],
          creditAccounts: TOWN_ACCOUNTS,
          households: TOWN_USE,
          policy: POLICY,
          requestKeys: [TOWN_REQUEST_KEY],
          ...(keysAt === 'central' ? { cardKeys: cardKeys.value } : {}),
          refundBudget: this.mode === 'none' ? ANY_REFUND : REFUND_BUDGET,
          ...(this.paySet === 'direct'
            ? { wallets: [wechat, alipay] }
            : {
                payments: {
                  ...(this.paySet === 'gateway'
                    ? townMerchants(this.waterBooks !== null, keys, ports)
                    : { wallets: [unionpay] }),
                  publicUrl: PAGES,
                  clock,
                  random: this.dice,
                },
              }),
        });
      },
      onCut: (where) => {
        this.count('central-killed');
        this.tell(`CENTRAL KILLED at ${where}`);
      },
    });
    await this.central.boot();
    // Some die just there, where it would be done twice or not at all.
    this.gateway.onHandBack = () => {
      if (!this.quiet && this.dice.chance(0.3)) this.central.cutIn = this.dice.between(1, 8);
    };
    // One card of each town is an SLE4442.
    const memoryCardNo = accounts[1]?.cardNo;
    for (const a of accounts) {
      const card = a.cardNo === memoryCardNo ? sle4442Card(a) : cpuCard(a.unit === 'money', a);
      const held: HeldCard = { id: a.cardNo, cardNo: a.cardNo, card, free: true };
      this.cards.push(held);
      this.checks.watchCard(held);
    }
    const central = this.#centralService();
    const service = this.mode === 'line' ? new Middle(this).between(central) : central;
    for (const [i, terminalId] of TERMINALS.entries()) {
      const payment = new Line(
        this.timeline,
        this.dice,
        this.paySet === 'direct' ? walletService(() => this.wallets) : service,
        counted(terminalId, 'payment'),
      );
      const central = new Line(this.timeline, this.dice, service, counted(terminalId, 'central'));
      this.lines.push({ payment, central });
      const disk = engines.disk();
      this.disks.push(disk);
      const site: Site = new Site({
        terminalId,
        timeline: this.timeline,
        dice: this.dice,
        storage: disk.storage,
        payment,
        central,
        terminalSigner: (keys.terminals[i] as { signer: Signer & KeyId }).signer,
        policyKeys: new Keyring(keys.policy.verifier),
        answerKeys: new Keyring(keys.answers.verifier),
        providers: (ports) =>
          kioskProviders(
            this.paySet,
            keys,
            {
              terminalId,
              signer: (keys.terminals[i] as { signer: Signer & KeyId }).signer,
              gatewayKeys: new Keyring(keys.gateway.verifier),
            },
            ports,
          ),
        keys: ({ clock, ask }) =>
          keysAt === 'kiosk' ? cardKeys.value : centralKeyProvider(ask, patience(clock)),
        compressOverBytes: engines.name === 'real' ? 1_024 : Number.POSITIVE_INFINITY,
        onOpened: (journal) => this.checks.opened(site, journal),
        onDurable: (events) => this.#durable(site, events),
        onSnapshot: (snapshot) => {
          this.tell(
            `${terminalId} screen ${snapshot.screen}${'state' in snapshot ? ` ${snapshot.state}` : ''}${'reason' in snapshot ? ` ${String(snapshot.reason)}` : ''}`,
          );
          const visitor = this.#customers[i];
          if (snapshot.screen === 'my-account') {
            const tried = visitor instanceof Customer ? visitor.onlooker.tried : null;
            checkMyAccount(this, site, snapshot, tried);
          }
          visitor?.look();
        },
        onCut: (where) => {
          this.count('power-cut');
          this.tell(`${terminalId} POWER CUT at ${where}`);
        },
        onStopped: () => {
          this.count('stopped-in-order');
          this.tell(`${terminalId} stopped in order: the battery is empty`);
        },
        onFatal: (code) => this.tell(`${terminalId} fatal: ${code}`),
        problem: (text) => this.problem(text),
      });
      site.slot.onTorn = () => {
        this.count('card-torn');
        this.tell(`${terminalId} card torn out`);
      };
      this.sites.push(site);
      this.#customers.push(null);
    }
  }

  #durable(site: Site, events: readonly JournalEvent[]): void {
    for (const e of events) {
      if (this.options.story !== null)
        this.tell(
          `${site.terminalId} fact ${e.kind} ${e.orderId ?? ''} ${JSON.stringify(e.body).slice(0, 160)}`,
        );
      if (e.kind === 'assist-writing') this.count('assisted-write');
      if ((e.kind === 'order-quoted' || e.kind === 'credit-quoted') && site.cabinet.halts)
        this.problem(`${site.terminalId}: a sale began with the door open, or on battery`);
    }
    this.checks.durable(site, events);
  }

  #centralService(): Service {
    const text = new TextEncoder();
    return async ({ method, path, headers, body }) => {
      const said = await this.central.handle({
        method,
        target: path,
        headers: lower(headers),
        body,
      });
      return said === null
        ? null
        : { status: said.status, headers: said.headers, body: text.encode(said.body) };
    };
  }
  /** Statements under way: a real database takes turns of its own, and time stands still meanwhile. */
  #counted(db: Db): Db {
    if (this.options.engines.name !== 'real') return db;
    const during = async <T>(work: Promise<T>): Promise<T> => {
      this.#pending += 1;
      try {
        return await work;
      } finally {
        this.#pending -= 1;
      }
    };
    return {
      ...db,
      query: (sql, params) => during(db.query(sql, params)),
      transaction: (work) => during(db.transaction(work)),
    };
  }

  /**
   * Time goes on until nothing happens before `untilMs`, or `enough` says so. Every thing that
   * happens has run to its end before the next.
   */
  async #run(untilMs: number, enough: () => boolean = () => false): Promise<void> {
    let askMs = this.timeline.nowMs;
    /** One thing happens. False: nothing is left, or it is enough. */
    const step = (): boolean => {
      if (this.problems.length > 0) return false;
      if (this.timeline.nowMs >= askMs) {
        if (enough()) return false;
        askMs = this.timeline.nowMs + 2_000;
      }
      return this.timeline.step(untilMs);
    };
    const real = this.options.engines.name === 'real';
    for (let more = true; more;) {
      // The quick engines are done when their promises are, which is before the next of some steps
      // in one turn of the event loop.
      more = await new Promise<boolean>((done, failed) => {
        let going = true;
        for (let left = real ? 1 : STEPS_A_TURN; left > 0; left--) {
          setImmediate(() => {
            try {
              going = going && step();
            } catch (error) {
              going = false;
              failed(error);
            }
          });
        }
        setImmediate(() => done(going));
      });
      // A real database takes turns of its own.
      while (this.#pending > 0 && real) await new Promise<void>((done) => setImmediate(done));
    }
  }

  #arrive(i: number): void {
    if (this.quiet || this.#served >= this.options.sessions) return;
    const site = this.sites[i] as Site;
    const free = this.cards.filter((c) => c.free);
    if (site.slot.card === null && this.dice.chance(0.25)) return this.#arriveWithout(i, site);
    if (free.length === 0 || site.slot.card !== null) {
      this.timeline.after(3_000, () => this.#arrive(i));
      return;
    }
    this.#served += 1;
    if (this.mode === 'none') this.office.meanwhileAtCards(this.cards.map((c) => c.cardNo));
    const carried = this.#carried.find(
      (c) => c.from !== i && c.held.free && c.atMs <= this.timeline.nowMs,
    );
    if (carried !== undefined) this.#carried = this.#carried.filter((c) => c !== carried);
    const held = carried?.held ?? this.dice.pick(free);
    held.free = false;
    // Most have been to their meter since; some come straight from the other machine.
    if (this.dice.chance(carried === undefined ? 0.85 : 0.3)) this.visitMeter(held);
    const plan = carried === undefined ? this.dice.pick(PLANS) : 'buy';
    const others = this.cards.filter((c) => c.free);
    const other =
      (plan === 'wrong-card' || this.dice.chance(0.1)) && others.length > 0
        ? this.dice.pick(others)
        : null;
    if (other !== null) other.free = false;
    const customer: Customer = new Customer(
      site,
      held.card,
      held.id,
      plan,
      other?.card ?? null,
      this.dice,
      this.phone,
      this.timeline.nowMs,
      (delayMs, fn) => void this.timeline.after(delayMs, fn),
    );
    this.#customers[i] = customer;
    if (this.mode === 'interposer' && this.dice.chance(0.35))
      site.slot.chip = chipFor(held.card, () => {
        this.count('interposed');
        this.tell(`${site.terminalId} the chip says “refused”`);
      });
    this.tell(`${site.terminalId} --- session ${this.#served}: card ${held.id}, ${plan}`);
    const stay = (): void => {
      if (!customer.done && customer.overdue(this.timeline.nowMs)) {
        const inside = site.slot.card;
        if (inside === customer.card || (inside !== null && inside === customer.other))
          site.slot.remove();
        customer.done = true;
      }
      if (customer.done) {
        this.#customers[i] = null;
        site.slot.chip = null;
        held.free = true;
        if (other !== null) other.free = true;
        this.tell(`${site.terminalId} --- leaves`);
        if (customer.unfinished && this.dice.chance(0.85))
          this.#carried.push({
            held,
            from: i,
            atMs: this.timeline.nowMs + this.dice.between(5_000, 320_000),
          });
        // Some codes are paid though their order was called off: by a phone that was slow, or a
        // child that found the code.
        if (customer.leftover !== null && this.dice.chance(0.6)) this.leftover(customer.leftover);
        for (const l of this.#leftovers.splice(0))
          this.timeline.after(l.atMs - this.timeline.nowMs, () => this.phone.pay(l.code, true));
        this.timeline.after(this.dice.between(500, 15_000), () => this.#arrive(i));
        return;
      }
      customer.look();
      this.timeline.after(4_000, stay);
    };
    stay();
    this.#trouble(i, () => this.#customers[i] === customer, customer);
  }

  /** Somebody who pays by a user number; the other machine may have the same household's. */
  #arriveWithout(i: number, site: Site): void {
    this.#served += 1;
    const customer = this.#someoneWithout(site);
    this.#customers[i] = customer;
    this.office.meanwhile();
    if (this.dice.chance(0.25))
      this.timeline.after(
        this.dice.between(5_000, 40_000),
        () => void this.checks.credit.paidElsewhere().catch(() => undefined),
      );
    const stay = (): void => {
      if (customer.overdue(this.timeline.nowMs)) customer.done = true;
      if (customer.done) {
        this.#customers[i] = null;
        this.tell(`${site.terminalId} --- leaves`);
        if (customer.leftover !== null && this.dice.chance(0.6)) this.leftover(customer.leftover);
        for (const l of this.#leftovers.splice(0))
          this.timeline.after(l.atMs - this.timeline.nowMs, () => this.phone.pay(l.code, true));
        this.timeline.after(this.dice.between(500, 15_000), () => this.#arrive(i));
        return;
      }
      customer.look();
      this.timeline.after(4_000, stay);
    };
    stay();
    this.#trouble(i, () => this.#customers[i] === customer, null);
  }

  /** Who pays by a user number, or asks for something. */
  #someoneWithout(site: Site): Visitor {
    const at = {
      dice: this.dice,
      phone: this.phone,
      nowMs: this.timeline.nowMs,
      after: (delayMs: number, fn: () => void) => void this.timeline.after(delayMs, fn),
      told: (ref: string, phone: string) => this.checks.requests.told(ref, phone),
    };
    if (this.dice.chance(0.2)) {
      this.tell(`${site.terminalId} --- session ${this.#served}: asks for something`);
      return new RequestCustomer(site, at);
    }
    const home = this.dice.pick(HOUSEHOLDS);
    const customer = new AccountCustomer(site, home, this.dice.pick(ACCOUNT_PLANS), at);
    this.tell(
      `${site.terminalId} --- session ${this.#served}: account ${home.userNo}, ${customer.plan}`,
    );
    return customer;
  }

  /** What goes wrong while somebody is there. */
  #trouble(i: number, here: () => boolean, customer: Customer | null): void {
    const all = this.options.faults ?? FAULTS;
    const wanted = customer === null ? all.filter((k) => !k.startsWith('card-')) : all;
    const n = this.dice.pick([0, 0, 1, 1, 1, 1, 2, 2, 3] as const);
    for (let f = 0; f < n && wanted.length > 0; f++) {
      // What happens between card and machine is where the two machines meet: it comes more often.
      const kind =
        this.dice.pick(
          customer !== null && this.dice.chance(0.25)
            ? wanted.filter((k) => k.startsWith('card-'))
            : wanted,
        ) ?? this.dice.pick(wanted);
      this.timeline.after(this.dice.between(0, this.dice.chance(0.5) ? 12_000 : 60_000), () => {
        if (!this.quiet && here()) startFault(this, i, kind, customer);
      });
    }
  }

  databaseLost(terminalId: string): void {
    this.checks.requests.databaseLost(terminalId);
  }

  releaseRefunds(): void {
    for (const w of Object.values(this.wallets)) w.control.releaseRefunds();
  }
  /** A code that is paid though nobody wants it any more. */
  leftover(code: string): void {
    this.#leftovers.push({ code, atMs: this.timeline.nowMs + this.dice.between(1_000, LATE_MS) });
  }

  /** At home: the meter takes what is on the card. */
  visitMeter(held: HeldCard): void {
    const visit = held.card.meter.visit('2611221200');
    this.checks.metered(held.cardNo, visit.credited);
    // Gas is burnt; the meter tells the card so at the next visit, which is at once.
    held.card.meter.consume(held.card.meter.state().remaining);
    held.card.meter.visit('2611221201');
  }

  /** The technician and the person at central do what the screens ask of them. */
  #staff(): void {
    for (const site of this.sites) {
      this.checks.shifts.comeBy(site);
      const condition = site.alive ? site.journal?.condition() : undefined;
      const epoch = site.journal?.epoch ?? 0;
      const known = this.#epochs.get(site.terminalId) ?? 1;
      if (epoch > known) {
        this.count('epoch-began', epoch - known);
        this.#epochs.set(site.terminalId, epoch);
      }
      if (condition === undefined || condition.kind === 'good') continue;
      if (condition.kind === 'restored' && !condition.accepted) {
        try {
          site.journal?.acceptDamage('技术员', '已核对');
          site.wired.monitor.judgeAgain();
        } catch {
          // The disk failed under the technician's hands: the process is gone, and is asked again
          // when it is back.
          continue;
        }
      }
      if (!condition.epochGranted)
        void this.central.central?.grantEpoch(site.terminalId).catch(() => undefined);
    }
    this.timeline.after(15_000, () => this.#staff());
  }

  /** Faults cease, every card comes back to each machine, and all must come to its end. */
  async #quieten(): Promise<void> {
    this.quiet = true;
    this.tell('=== faults cease');
    for (const [i, site] of this.sites.entries()) {
      const lines = this.lines[i] as { payment: Line; central: Line };
      for (const line of [lines.payment, lines.central, this.walletLine]) {
        line.cut = false;
        line.slowMs = 0;
        line.next.length = 0;
      }
      site.cutIn = 0;
      site.skewMs = 0;
      const { paper } = site.printer;
      paper.cutAfter(null);
      Object.assign(paper.condition, { off: false, coverOpen: false, rowsLeft: null, paper: 'ok' });
      site.cabinet.mains('on');
      site.cabinet.door('closed');
      const disk = this.disks[i]?.faulty ?? null;
      if (disk !== null) {
        disk.failNext = null;
        disk.tearSecondLog = false;
        disk.free = Math.max(disk.free, 64 * 1024 ** 3);
      }
      site.slot.lost(false);
      site.slot.remove();
      site.slot.chip = null;
    }
    this.central.cutIn = 0;
    for (const w of Object.values(this.wallets)) w.control.faults({ reset: true });
    this.releaseRefunds();
    for (const c of this.cards) {
      c.card.disarm();
      c.free = true;
    }
    await this.#run(this.timeline.nowMs + LATE_MS + 60_000);
    this.releaseRefunds();
    for (let round = 0; round < 3 && !this.checks.settled(); round++) {
      // Where all of a card's orders have ended there is nothing to bring it for.
      for (const site of this.sites) {
        for (const held of this.cards) {
          if (this.checks.cardSettled(held.cardNo)) continue;
          site.slot.insert(held.card);
          await this.#run(this.timeline.nowMs + 12_000);
          site.slot.remove();
          await this.#run(this.timeline.nowMs + 1_000);
        }
      }
      // A claim of the other machine runs out.
      await this.#run(this.timeline.nowMs + 200_000, () => this.checks.settled());
    }
    await this.#run(this.timeline.nowMs + 600_000, () => this.checks.settled());
    // The last screens go by themselves.
    await this.#run(this.timeline.nowMs + 130_000, () =>
      this.sites.every((s) => s.snapshot?.screen === 'start'),
    );
  }

  async run(): Promise<SimResult> {
    await this.#build();
    for (const [i, site] of this.sites.entries()) {
      site.boot();
      this.timeline.after(2_000 + i * 700, () => this.#arrive(i));
    }
    this.#staff();
    this.rogue?.start();
    await this.#run(
      1_000 * this.options.sessions * 600,
      () => this.#served >= this.options.sessions && this.#customers.every((c) => c === null),
    );
    if (this.#served < this.options.sessions)
      this.problem(`only ${this.#served} of ${this.options.sessions} sessions were served: wedged`);
    await this.#quieten();
    const sums = await this.checks.final();
    await this.rogue?.final();
    for (const site of this.sites) {
      site.wired.stop();
      site.journal?.close();
    }
    await this.db.close();
    for (const disk of this.disks) disk.dispose();
    return {
      seed: this.options.seed,
      sessions: this.#served,
      faults: Object.fromEntries(this.counts),
      ...sums,
      violations: this.problems,
    };
  }
}

function lower(headers: Readonly<Record<string, string>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name in headers) out[name.toLowerCase()] = headers[name] as string;
  return out;
}
