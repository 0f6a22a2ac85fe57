import { cardNoOf } from '../../src/shared/sale.ts';
import { readFileSync, rmSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Snapshot, SnapshotOf } from '../../src/shared/contract/index.ts';
import type { EventKind } from '../../src/shared/facts/catalogue.ts';
import { Dice } from '../../src/simulation/dice.ts';
import { Hall } from '../support/hall.ts';
import type { Pcscd } from '../support/pcscd.ts';
import { preparePcscd } from '../support/pcscd.ts';
import {
  CARD_NO,
  booksFiles,
  cardFile,
  compare,
  openOrders,
  openings,
  providerBooks,
  secondLog,
  states,
} from './books.ts';
import type { Opening, Sums } from './books.ts';
import { Customer } from './customer.ts';
import { Tail } from './watch.ts';

export const TARGETS = ['core', 'central', 'sandbox', 'pcscd'] as const;
export type Target = (typeof TARGETS)[number];

export interface KillReport {
  readonly kills: Readonly<Record<Target, number>>;
  readonly rounds: number;
  /** Fen, as {@link Sums}. */
  readonly captured: number;
  readonly delivered: number;
  readonly refunded: number;
  readonly parked: number;
  readonly violations: readonly string[];
  readonly seconds: number;
}

/**
 * What dies is started again after this, each time: the shell's own back-off would make a thousand
 * kills take days.
 */
export const RESTART_MS = 60;
const VISIT_MS = 15_000;
const SETTLE_MS = 90_000;
/** A word after so many kills, for whoever waits for thousands. */
const PROGRESS = 100;

/** IoT meters that are topped up. */
const METERS = ['2002203301', '2002203302'] as const;

/** What a customer has in mind; the frequent ones are those that end on the card. */
const PLANS = [
  'top-up',
  'top-up',
  'top-up',
  'top-up',
  'buy',
  'buy',
  'buy',
  'buy',
  'buy',
  'buy',
  'tear',
  'tear',
  'tear',
  'lie',
  'lie',
  'cancel',
  'cancel-pay-late',
  'pull-at-pay',
  'pull-then-pay',
  'scan-first',
  'wrong-card',
  'show-code',
  'show-code',
  'show-code',
  'show-code-password',
  'switch',
] as const;
type Plan = (typeof PLANS)[number];

/**
 * The instants that are aimed at: just after such a fact is on the disk, before what follows from
 * it.
 */
const FACTS: readonly EventKind[] = [
  'attempt-creating',
  'attempt-pending',
  'attempt-paid',
  'attempt-paid',
  'order-delivering',
  'order-delivering',
  'order-delivering',
  'order-delivered',
];
const FACTS_OF: Partial<Record<Plan, readonly EventKind[]>> = {
  'top-up': [
    'credit-quoted',
    'attempt-paid',
    'order-paid',
    'credit-posting',
    'credit-posting',
    'credit-posting',
    'credit-posted',
  ],
  tear: ['order-delivering', 'order-in-doubt', 'order-in-doubt', 'order-delivered'],
  'wrong-card': ['order-delivering', 'order-in-doubt', 'order-in-doubt', 'order-delivered'],
  lie: [
    'order-delivering',
    'order-in-doubt',
    'order-refunding',
    'order-refunding',
    'attempt-refunded',
  ],
  cancel: ['attempt-creating', 'attempt-pending', 'attempt-closing', 'attempt-closed'],
  'cancel-pay-late': [
    'attempt-closing',
    'attempt-closed',
    'attempt-refunding',
    'attempt-refunding',
    'attempt-refunded',
  ],
  'show-code': [
    'attempt-closing',
    'attempt-closed',
    'attempt-creating',
    'attempt-creating',
    'attempt-paid',
    'order-delivering',
  ],
  'show-code-password': [
    'attempt-closed',
    'attempt-creating',
    'attempt-pending',
    'attempt-pending',
    'attempt-closing',
  ],
  switch: [
    'attempt-closing',
    'attempt-closed',
    'attempt-creating',
    'attempt-pending',
    'attempt-paid',
  ],
  'pull-at-pay': ['attempt-pending', 'attempt-closing', 'attempt-closed', 'attempt-refunding'],
};

type Aim =
  | { readonly at: 'time'; readonly ms: number }
  /** So long after the kill before it. */
  | { readonly at: 'kill'; readonly ms: number }
  | { readonly at: 'fact'; readonly kind: EventKind; readonly ms: number }
  /** After the n-th change of the card in the reader. */
  | { readonly at: 'card'; readonly nth: number; readonly ms: number }
  /** After the n-th new line in the provider's books: done, and not yet answered. */
  | { readonly at: 'books'; readonly nth: number; readonly ms: number };
interface Planned {
  readonly target: Target;
  readonly aim: Aim;
}

function planKills(dice: Dice, plan: Plan, count: number, withPcscd: boolean): Planned[] {
  const out: Planned[] = [];
  const target = (): Target => {
    const n = dice.below(100);
    if (n < 60) return 'core';
    if (n < 75) return 'central';
    return n < 90 || !withPcscd ? 'sandbox' : 'pcscd';
  };
  const soon = (): number => (dice.chance(0.5) ? 0 : dice.between(1, 40));
  for (let i = 0; i < count; i++) {
    const what = target();
    const dieRoll = dice.below(100);
    let aim: Aim;
    if (i > 0 && dice.chance(0.6)) aim = { at: 'kill', ms: dice.between(0, 900) };
    else if (what === 'sandbox' ? dieRoll < 60 : dieRoll < 5)
      aim = { at: 'books', nth: dice.between(1, 3), ms: soon() };
    else if (what === 'pcscd' ? dieRoll < 50 : dieRoll < 30)
      aim = { at: 'card', nth: 1, ms: soon() };
    else if (dieRoll < 75)
      aim = { at: 'fact', kind: dice.pick(FACTS_OF[plan] ?? FACTS), ms: soon() };
    else aim = { at: 'time', ms: dice.between(0, 2_500) };
    out.push({ target: what, aim });
  }
  return out;
}
const aimText = (a: Aim): string =>
  a.at === 'time'
    ? `${a.ms} ms into the visit`
    : a.at === 'kill'
      ? `${a.ms} ms after the last kill`
      : a.at === 'fact'
        ? `${a.kind} + ${a.ms} ms`
        : `${a.at} ${a.nth} + ${a.ms} ms`;

const SCRIPTS: Readonly<Record<Exclude<Target, 'pcscd'>, string>> = {
  core: 'src/main/core/main.ts',
  central: 'central-process.ts',
  sandbox: 'sandbox-process.ts',
};
/**
 * The hall's process of that kind, also while it is still starting; null: there is none just now.
 * Read from /proc, so that the kill comes within microseconds.
 */
function pidOf(hall: Hall, target: Exclude<Target, 'pcscd'>): number | null {
  for (const pid of readFileSync(`/proc/${hall.pid}/task/${hall.pid}/children`, 'utf8').split(
    ' ',
  )) {
    if (pid === '') continue;
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(SCRIPTS[target]))
        return Number(pid);
    } catch {
      // Gone between the two looks.
    }
  }
  return null;
}

/** One hall with its customers and its killer. */
class Town {
  readonly hall: Hall;
  readonly kills: Record<Target, number> = { core: 0, central: 0, sandbox: 0, pcscd: 0 };
  readonly #pcscd: Pcscd | null;
  readonly #dice: Dice;
  readonly #customer: Customer;
  readonly #opening: ReadonlyMap<string, Opening>;
  readonly #facts: Tail;
  readonly #books: readonly Tail[];
  readonly #signal: AbortSignal;
  rounds = 0;
  sums: Sums = { captured: 0, delivered: 0, refunded: 0, parked: 0 };
  story: string[] = [];
  #began = 0;
  #spoken = 0;
  #lastKill: Promise<void> = Promise.resolve();
  #pcscdTurn: Promise<void> = Promise.resolve();
  /** A code that was scanned and not yet paid. */
  #typing: string | null = null;

  private constructor(
    hall: Hall,
    pcscd: Pcscd | null,
    dice: Dice,
    customer: Customer,
    opening: ReadonlyMap<string, Opening>,
    signal: AbortSignal,
  ) {
    this.hall = hall;
    this.#pcscd = pcscd;
    this.#dice = dice;
    this.#customer = customer;
    this.#opening = opening;
    this.#signal = signal;
    this.#facts = new Tail(secondLog(hall));
    this.#books = booksFiles(hall).map((file) => new Tail(file));
    this.#facts.on((line) => this.#tell(`fact ${/"kind":"([a-z-]+)"/.exec(line)?.[1] ?? '?'}`));
    let shown = '';
    customer.onSnapshot = (s) => {
      const now = `screen ${s.screen}${'state' in s ? ` ${s.state}` : ''}${'reason' in s ? ` ${String(s.reason)}` : ''}`;
      if (now !== shown) this.#tell((shown = now));
    };
  }

  static async open(
    hall: Hall,
    pcscd: Pcscd | null,
    seed: number,
    stream: number,
    signal: AbortSignal,
  ): Promise<Town> {
    const opening = await openings(hall);
    const customer = await Customer.at(hall);
    await customer.on('start', (s) => s.selling);
    return new Town(hall, pcscd, new Dice(seed, stream), customer, opening, signal);
  }
  close(): void {
    this.#customer.leave();
    this.#facts.close();
    for (const books of this.#books) books.close();
  }

  #tell(text: string): void {
    this.story.push(
      `${String(Math.round(performance.now() - this.#began)).padStart(6)} ms  ${text}`,
    );
  }
  async #dock(action: Parameters<Hall['dock']>[0]): Promise<unknown> {
    this.#tell(`dock ${JSON.stringify(action)}`);
    return this.hall.dock(action);
  }

  /**
   * One customer, one or two kills; then everything settles and all books are compared. @returns
   * what is wrong
   */
  async round(kills: number): Promise<string[]> {
    const dice = this.#dice;
    this.#began = performance.now();
    this.story = [];
    this.#spoken = this.hall.output.length;
    this.#typing = null;
    const plan = dice.pick(PLANS);
    const card = dice.pick(Object.keys(CARD_NO));
    const planned = planKills(dice, plan, kills, this.#pcscd !== null);
    this.#tell(
      `${plan} with ${card}; kills: ${planned.map((k) => `${k.target} at ${aimText(k.aim)}`).join('; ')}`,
    );
    try {
      await this.hall.dock({ do: 'consume', id: card, quantity: 3_000 });
      await this.hall.dock({ do: 'meter', id: card });
      // A card that answers at once leaves hardly an instant between its change and the look at it.
      if (this.#pcscd === null)
        await this.#dock({ do: 'delay', line: 'card', ms: dice.pick([0, 10, 20, 30]) });
      const over = Promise.withResolvers<void>();
      const killing = this.#kill(planned, card, over.promise);
      let leftover: string | null = null;
      try {
        leftover = await this.#visit(plan, card);
      } finally {
        over.resolve();
        await killing;
      }
      // Whoever scanned stands there typing the password: it is paid in the end, or given up.
      if (this.#typing !== null)
        await this.#phone(
          { do: 'pay', codeUrl: this.#typing, ...(dice.chance(0.5) ? { fail: true } : {}) },
          10_000,
        );
      if (leftover !== null && (plan === 'cancel-pay-late' || dice.chance(0.3)))
        await this.#phone({ do: 'pay', codeUrl: leftover, late: true }, 10_000);
      await this.#settle();
      const { problems, sums } = await compare(this.hall, this.#opening);
      this.rounds += 1;
      this.sums = sums;
      this.#tell('compared');
      return problems;
    } catch (error) {
      if (this.#signal.aborted) return [];
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  get killed(): number {
    return Object.values(this.kills).reduce((a, b) => a + b, 0);
  }
  /** How many kills the next round has: two close together are often worse than two apart. */
  appetite(): number {
    return this.#dice.chance(0.4) ? 2 : 1;
  }

  /** What the failing round was, for a person to read. */
  tale(): string {
    return [
      ...this.story,
      '--- the processes said:',
      this.hall.output.slice(this.#spoken).slice(-6_000),
      `--- data: ${this.hall.dataDir}`,
    ].join('\n');
  }

  // ---- killing ----
  /** Every planned kill takes place: at its aim, or when the visit is over and the aim never came. */
  async #kill(planned: readonly Planned[], card: string, over: Promise<void>): Promise<void> {
    const running = planned.map(async ({ target, aim }) => {
      // The aim "after the last kill" waits for the one before it, which `#lastKill` is by now.
      const before = this.#lastKill;
      const done = Promise.withResolvers<void>();
      if (aim.at !== 'kill') this.#lastKill = done.promise;
      const fired: Promise<void>[] = [];
      const fire = (): void => {
        if (fired.length === 0) fired.push(this.#fire(target));
      };
      const aimed = this.#aim(aim, card, before, fire);
      await Promise.race([aimed.reached, over]);
      aimed.stop();
      fire();
      await Promise.all(fired);
      done.resolve();
    });
    await Promise.all(running);
    this.#lastKill = Promise.resolve();
  }

  /** Calls `fire` in the very turn in which the aim is seen. */
  #aim(
    aim: Aim,
    card: string,
    before: Promise<void>,
    fire: () => void,
  ): { reached: Promise<void>; stop: () => void } {
    const reached = Promise.withResolvers<void>();
    const hit = (): void => {
      const go = (): void => {
        fire();
        reached.resolve();
      };
      const ms = 'ms' in aim && aim.at !== 'time' && aim.at !== 'kill' ? aim.ms : 0;
      if (ms === 0) go();
      else setTimeout(go, ms);
    };
    switch (aim.at) {
      case 'time': {
        const timer = setTimeout(hit, aim.ms);
        return { reached: reached.promise, stop: () => clearTimeout(timer) };
      }
      case 'kill':
        void before.then(() => pause(aim.ms)).then(hit);
        return { reached: reached.promise, stop: () => undefined };
      case 'fact': {
        const stop = this.#facts.on((line) => {
          if (line.includes(`"kind":"${aim.kind}"`)) hit();
        });
        return { reached: reached.promise, stop };
      }
      case 'books': {
        let n = 0;
        const stops = this.#books.map((books) =>
          books.on(() => {
            if (++n === aim.nth) hit();
          }),
        );
        return { reached: reached.promise, stop: () => stops.forEach((stop) => stop()) };
      }
      case 'card': {
        let n = 0;
        const file = cardFile(this.hall, card);
        // Each change of the card is a file under a new name, renamed into its place.
        const watcher = watch(dirname(file), (event, name) => {
          if (event === 'rename' && name === `${card}.json` && ++n === aim.nth) hit();
        });
        return { reached: reached.promise, stop: () => watcher.close() };
      }
    }
  }

  /** @returns false: there was no such process just now */
  async #sigkill(target: Exclude<Target, 'pcscd'>): Promise<boolean> {
    // Elsewhere the dock does it: one HTTP request later.
    if (process.platform !== 'linux')
      return (await this.hall.dock({ do: 'kill', what: target })) === true;
    const pid = pidOf(this.hall, target);
    try {
      return pid !== null && process.kill(pid, 'SIGKILL');
    } catch {
      // It ended between the look and the kill.
      return false;
    }
  }

  async #fire(target: Target): Promise<void> {
    if (target === 'pcscd') {
      // One after the other: two that are started at once would fight for the reader's port.
      this.#pcscdTurn = this.#pcscdTurn.then(async () => {
        const pcscd = this.#pcscd as Pcscd;
        this.#tell('KILL pcscd');
        await pcscd.kill();
        this.kills.pcscd += 1;
        await pause(this.#dice.between(0, 500));
        await pcscd.start();
      });
      return this.#pcscdTurn;
    }
    // Nobody there just now: it is being started again, and dies as soon as it lives.
    const end = performance.now() + 20_000;
    while (!(await this.#sigkill(target))) {
      if (performance.now() > end) throw new Error(`no ${target} came up to be killed`);
      await pause(2);
    }
    this.kills[target] += 1;
    this.#tell(`KILL ${target}`);
  }

  // ---- the customer ----
  /** @returns the code of a payment that was called off */
  async #visit(plan: Plan, cardId: string): Promise<string | null> {
    const dice = this.#dice;
    const c = this.#customer;
    const end = performance.now() + VISIT_MS;
    let inserts = 0;
    let chosen = 0;
    let tappedAt = 0;
    let startSince = performance.now();
    let code: string | null = null;
    let leftover: string | null = null;
    let armed = false;
    let paid = false;
    let scanned = false;
    let pulled = false;
    let shown: string | null = null;
    let switched = false;
    const tap = (
      type: Parameters<Customer['tap']>[0],
      value?: number | string,
      everyMs = 250,
    ): void => {
      if (performance.now() - tappedAt < everyMs) return;
      tappedAt = performance.now();
      this.#tell(`tap ${type}${value === undefined ? '' : ` ${value}`}`);
      c.tap(type, value);
    };
    const insert = async (id: string): Promise<void> => {
      inserts += 1;
      await this.#dock({ do: 'insert', id });
    };
    const atPay = async (s: SnapshotOf<'pay'>): Promise<void> => {
      code = s.qrText ?? code;
      if (s.byCode) {
        // The phone asks for the password; some never type it.
        if (s.state !== 'paying' || shown === null || paid || dice.chance(0.3)) return;
        paid = await this.#phone({ do: 'pay', codeUrl: `auth:${shown}` });
        if (paid) this.#typing = null;
        return;
      }
      if (paid) return tap('check-payment', undefined, 500);
      if (s.state === 'unknown') return tap('check-payment', undefined, 800);
      if (
        code === null ||
        s.state === 'creating' ||
        s.state === 'closing' ||
        s.state === 'card-out' ||
        s.state === 'switching'
      )
        return;
      switch (plan) {
        case 'show-code':
        case 'show-code-password': {
          if (shown !== null && dice.chance(0.7)) return tap('check-payment', undefined, 500);
          const wallet = dice.pick(['wechat', 'alipay'] as const);
          if (plan === 'show-code-password')
            await this.#phone({ do: 'faults', faults: { at: wallet, askPassword: 1 } });
          const said = (await this.#dock({ do: 'show-code', wallet })) as { code?: string } | null;
          shown = said?.code ?? null;
          this.#typing = plan === 'show-code-password' && shown !== null ? `auth:${shown}` : null;
          await pause(150);
          return;
        }
        case 'switch':
          if (!switched && s.choices.length > 1) {
            leftover = code;
            tap(
              'pay-with',
              s.choices.find((kind) => kind !== s.provider),
            );
            switched = true;
            return;
          }
          if (code !== leftover) paid = await this.#phone({ do: 'pay', codeUrl: code });
          return;
        case 'cancel':
        case 'cancel-pay-late':
          // A company's code is paid late only by whom it led into a wallet before.
          if (leftover === null && code.includes('/q/')) leftover = await this.#opened(code);
          leftover ??= code;
          if (s.cancelOffered) tap('cancel');
          return;
        case 'pull-at-pay':
          leftover = code;
          if (!pulled) await this.#dock({ do: 'remove' });
          pulled = true;
          return;
        case 'scan-first':
        case 'pull-then-pay':
          if (!scanned) {
            // Scanned even where the provider died before it could say so.
            this.#typing = code;
            scanned = await this.#phone({ do: 'scan', codeUrl: code });
            return;
          }
          if (s.state === 'waiting') tap('check-payment', undefined, 500);
          if (plan === 'pull-then-pay' && s.state === 'paying' && !pulled) {
            pulled = true;
            await this.#dock({ do: 'remove' });
          }
          if (s.state === 'paying') {
            paid = await this.#phone({ do: 'pay', codeUrl: code });
            if (paid) this.#typing = null;
          }
          return;
        case 'tear':
        case 'wrong-card':
          if (!armed)
            await this.#dock({
              do: 'tear',
              at: dice.between(1, 12),
              when: dice.pick(['before', 'after'] as const),
              id: cardId,
            });
          armed = true;
          paid = await this.#phone({ do: 'pay', codeUrl: code });
          return;
        case 'lie':
          if (!armed)
            for (let i = dice.between(1, 3); i > 0; i--)
              await this.#dock({ do: 'lie', id: cardId });
          armed = true;
          paid = await this.#phone({ do: 'pay', codeUrl: code });
          return;
        case 'buy':
        case 'top-up':
          paid = await this.#phone({ do: 'pay', codeUrl: code });
          return;
      }
    };

    while (performance.now() < end && !this.#signal.aborted) {
      await pause(dice.between(10, 120));
      const s: Snapshot | null = c.snapshot;
      if (s === null) continue;
      if (s.screen !== 'start') startSince = performance.now();
      switch (s.screen) {
        case 'start':
          if (plan === 'top-up') {
            if (!s.tiles.includes('top-up') || chosen > 0) {
              if (performance.now() - startSince > 2_500) return leftover;
            } else tap('open', 'top-up');
          } else if (inserts === 0) {
            if (s.selling) await insert(cardId);
          } else if (pulled && paid && inserts < 3) await insert(cardId);
          else if (performance.now() - startSince > 900) return leftover;
          break;
        case 'amount':
          // The card that is not the order's has a visit of its own: the right one is put in.
          if (plan === 'wrong-card' && inserts === 2) {
            await insert(cardId);
            break;
          }
          if (s.busy) break;
          if (s.problem !== null && chosen > 2) return leftover;
          if (s.quote === null || s.chosenFen === null) {
            if (performance.now() - tappedAt < 250) break;
            chosen += 1;
            tap('choose-amount', dice.between(1_000, 8_000));
          } else tap('pay', s.chosenFen);
          break;
        case 'user-no':
          if (s.problem !== null) return leftover;
          if (!s.busy) tap('enter-user-no', dice.pick(METERS));
          break;
        case 'is-it-you':
          tap('its-me');
          break;
        case 'top-up':
          if (s.busy) break;
          if (s.problem !== null) return leftover;
          if (s.chosenFen === null) tap('choose-amount', dice.pick(s.presetsFen));
          else {
            chosen += 1;
            tap('pay', s.chosenFen);
          }
          break;
        case 'bills':
        case 'contract':
          tap('exit');
          break;
        case 'confirm-sum':
        case 'no-slip':
          tap('pay', s.amountFen);
          break;
        case 'pay':
          await atPay(s);
          break;
        case 'done':
          await this.#dock({ do: 'remove' });
          return leftover;
        case 'in-doubt':
          if (
            s.reason === 'payment' ||
            s.reason === 'central' ||
            s.reason === 'posting' ||
            plan === 'top-up' ||
            inserts > 4 ||
            dice.chance(0.1)
          )
            return leftover;
          await pause(dice.between(50, 500));
          await insert(
            plan === 'wrong-card' && inserts === 1
              ? (Object.keys(CARD_NO).find((id) => id !== cardId) as string)
              : cardId,
          );
          await pause(400);
          break;
        case 'cannot-sell':
        case 'take-card':
        case 'card-info':
        case 'my-account':
        case 'cancelled':
        case 'refunding':
        case 'order-status':
          return leftover;
        case 'unfinished':
          if (s.state !== 'found' && s.state !== 'finishing') return leftover;
          break;
        case 'insert-card':
        case 'info':
        case 'request':
        case 'my-account-no':
          tap('exit');
          break;
        case 'reading':
        case 'writing':
        case 'out-of-service':
        case 'maintenance':
        case 'maintenance-pin':
          break;
      }
      // Only now the card comes back; some put it in twice in quick succession.
      if (
        plan === 'pull-then-pay' &&
        pulled &&
        paid &&
        s.screen !== 'start' &&
        inserts < (this.#dice.chance(0.2) ? 3 : 2)
      )
        await insert(cardId);
    }
    return leftover;
  }

  /**
   * The wallet's own code behind a gateway's, opened and not paid; null: it was not to be had just
   * now.
   */
  async #opened(codeUrl: string): Promise<string | null> {
    const said = (await this.#dock({
      do: 'scan',
      codeUrl,
      wallet: this.#dice.pick(['wechat', 'alipay', 'unionpay'] as const),
    }).catch(() => null)) as { codeUrl?: string } | null;
    return said?.codeUrl ?? null;
  }

  /**
   * A payment at the provider, whose process may be dead just now. @returns false: it was not
   * reached
   */
  async #phone(
    action:
      | { do: 'pay'; codeUrl: string; late?: boolean; fail?: boolean }
      | { do: 'scan'; codeUrl: string }
      | { do: 'faults'; faults: Record<string, unknown> },
    patienceMs = 0,
  ): Promise<boolean> {
    const end = performance.now() + patienceMs;
    for (;;) {
      try {
        const said = (await this.#dock(action)) as { reason?: string } | null;
        // The gateway's page asks for a moment's patience.
        if (said?.reason !== 'wait') return true;
        if (performance.now() > end) return false;
        await pause(100);
      } catch (error) {
        this.#tell(
          `the provider is not reached: ${error instanceof Error ? error.message : String(error)}`,
        );
        if (performance.now() > end) return false;
        await pause(100);
      }
    }
  }

  /** Cards come back, and nothing more goes wrong: everything must come to its end by itself. */
  async #settle(): Promise<void> {
    const end = performance.now() + SETTLE_MS;
    const c = this.#customer;
    let insertedAt = 0;
    let inserted: string | null = null;
    let phonesAt = 0;
    await this.hall.dock({ do: 'remove' });
    this.#tell('settling');
    for (;;) {
      if (this.#signal.aborted) throw new Error('stopped');
      try {
        const gateway = await this.hall.gateway();
        const open = openOrders(this.hall, gateway);
        if (open.length > 0 && performance.now() - phonesAt > 1_000) {
          phonesAt = performance.now();
          await this.#putPhonesAway();
        }
        const left = providerBooks(this.hall, gateway).left.some((l) => l.captured !== l.refunded);
        // What is posted to an account waits for no card.
        const cardNo = open
          .filter((o) => ['paid', 'delivering', 'in-doubt'].includes(o.state))
          .map(cardNoOf)
          .find((no) => no !== null);
        const id = Object.entries(CARD_NO).find(([, no]) => no === cardNo)?.[0] ?? null;
        if (id !== null && (inserted !== id || performance.now() - insertedAt > 3_000)) {
          await this.#dock({ do: 'insert', id });
          inserted = id;
          insertedAt = performance.now();
        } else if (id === null && inserted !== null) {
          await this.#dock({ do: 'remove' });
          inserted = null;
        }
        const s = c.snapshot;
        if (
          open.length === 0 &&
          !left &&
          this.hall.rows().outbox === 0 &&
          s?.screen === 'start' &&
          s.selling
        )
          return;
        // Nobody stands there any more, and the screens have their own patience: not ours.
        if (
          inserted === null &&
          s !== null &&
          !['start', 'reading', 'writing', 'out-of-service'].includes(s.screen)
        )
          c.tap(s.screen === 'in-doubt' ? 'leave' : 'exit');
      } catch (error) {
        this.#tell(`looked in vain: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (performance.now() > end) {
        const wallets = await this.hall.state().then(
          (s) => s.trades.map((t) => `${t.wallet} ${t.outTradeNo} ${t.state}`).join('; '),
          (error: unknown) => String(error),
        );
        throw new Error(
          `not settled after ${SETTLE_MS} ms: ${states(this.hall, true).join('; ')}; outbox ${this.hall.rows().outbox}; at the wallets ${wallets}; shown ${JSON.stringify(c.snapshot)}`,
        );
      }
      await pause(120);
    }
  }

  /**
   * Whoever still types a password gives up. The wallet says “paying” for as long, and the kiosk
   * waits for it until a minute behind the code's end, which is longer than a round has. What was
   * scanned is not always known here: the scan's answer may have died with its process.
   */
  async #putPhonesAway(): Promise<void> {
    const { trades } = await this.hall.state();
    for (const { state, codeUrl } of trades)
      if (state === 'USERPAYING' && codeUrl !== null)
        await this.#phone({ do: 'pay', codeUrl, fail: true });
  }
}

export interface DriveOptions {
  readonly kills: number;
  /** How many halls at once, 1 to 3. */
  readonly halls: number;
  readonly seed: number;
  /** One of the halls has its reader behind a pcscd of its own, which is killed too. */
  readonly pcscd: boolean;
  /** Tells every round, not only one that fails. */
  readonly stories?: boolean;
  readonly say: (line: string) => void;
  /** Ends it early; everything is still taken down. */
  readonly signal: AbortSignal;
}

/**
 * Lets customers buy in real halls and kills their processes until `kills` were done in all. A hall
 * with a violation stops, and its data folder stays.
 */
export async function drive(o: DriveOptions): Promise<KillReport> {
  const began = performance.now();
  let left = o.kills;
  let told = 0;
  const violations: string[] = [];
  const towns: Town[] = [];
  let pcscd: Pcscd | null = null;
  let template: string | null = null;
  const kept = new Set<Hall>();
  const halls: Hall[] = [];
  try {
    if (o.pcscd) {
      pcscd = await preparePcscd();
      await pcscd.start();
    }
    const from = o.halls > 1 ? (template = await Hall.template()) : null;
    const started = await Promise.allSettled(
      Array.from({ length: o.halls }, async (_, i) => {
        const own = i === 0 ? pcscd : null;
        const hall = await Hall.start(
          [
            '--shell',
            'browser',
            '--restart-ms',
            String(RESTART_MS),
            '--any-refund',
            ...(own === null ? [] : ['--real-pcsc', '--vpcd-port', String(own.port)]),
            ...(i === 1 ? ['--payments', 'gateway'] : []),
          ],
          own === null ? {} : { PCSCLITE_CSOCK_NAME: own.socket },
          from,
        );
        halls.push(hall);
        towns.push(await Town.open(hall, own, o.seed, i, o.signal));
      }),
    );
    for (const s of started) if (s.status === 'rejected') throw s.reason;
    await Promise.all(
      towns.map(async (town) => {
        while (left > 0 && !o.signal.aborted) {
          const kills = Math.min(left, town.appetite());
          left -= kills;
          const problems = await town.round(kills);
          if (o.stories) o.say(town.story.join('\n'));
          const done = towns.reduce((n, t) => n + t.killed, 0);
          if (Math.floor(done / PROGRESS) > Math.floor(told / PROGRESS))
            o.say(`${done} kills, ${Math.round((performance.now() - began) / 1_000)} s`);
          told = done;
          if (problems.length === 0) continue;
          kept.add(town.hall);
          violations.push(...problems);
          o.say(
            `VIOLATION after ${town.rounds} rounds (seed ${o.seed}):\n${problems.map((p) => `  ${p}`).join('\n')}\n${town.tale()}`,
          );
          return;
        }
      }),
    );
    const total = (of: (t: Town) => number): number => towns.reduce((n, t) => n + of(t), 0);
    return {
      kills: {
        core: total((t) => t.kills.core),
        central: total((t) => t.kills.central),
        sandbox: total((t) => t.kills.sandbox),
        pcscd: total((t) => t.kills.pcscd),
      },
      rounds: total((t) => t.rounds),
      captured: total((t) => t.sums.captured),
      delivered: total((t) => t.sums.delivered),
      refunded: total((t) => t.sums.refunded),
      parked: total((t) => t.sums.parked),
      violations,
      seconds: Math.round((performance.now() - began) / 100) / 10,
    };
  } finally {
    for (const town of towns) town.close();
    await Promise.all(halls.map((h) => (kept.has(h) ? h.stop() : h.dispose())));
    await pcscd?.stop();
    if (template !== null) rmSync(template, { recursive: true, force: true });
  }
}
