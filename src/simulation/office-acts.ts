import { heldLines } from '../central/sale/credit-held.ts';
import { BALANCE_ITEM } from '../central/sale/credit-tables.ts';
import { Dice } from './dice.ts';
import type { Household } from './account-customer.ts';
import type { Town } from './town.ts';

/** Its own dice: what the office does changes nobody else's luck. */
const STREAM = 46;
const CLERKS = ['王芳', '李强', '王 芳'] as const;
const CHANCE = 0.35;
const CARD_CHANCE = 0.15;
const MAX_WAIT_MS = 120_000;

interface Posted {
  readonly order_id: string;
  readonly payee: string;
  readonly amount_fen: unknown;
}

/**
 * Clerks at central's console: now and then one proposes that somebody's payment be moved, or that
 * something be granted, and one of them decides, whenever central lives. Not all of it is sensible.
 */
export class OfficeActs {
  readonly #town: Town;
  readonly #homes: readonly Household[];
  readonly #dice: Dice;
  #grants = 0;
  constructor(town: Town, homes: readonly Household[]) {
    this.#town = town;
    this.#homes = homes;
    this.#dice = new Dice(town.seed, STREAM);
  }

  /** A customer is at a machine: perhaps the office does something meanwhile. */
  meanwhile(): void {
    if (!this.#dice.chance(CHANCE)) return;
    const { timeline } = this.#town;
    const later = (): number => this.#dice.between(1_000, MAX_WAIT_MS);
    const grants = this.#dice.chance(0.2);
    const proposes = (): void =>
      void (grants ? this.#grant() : this.#move()).catch(() => undefined);
    timeline.after(later(), proposes);
    timeline.after(later() + MAX_WAIT_MS, () => {
      void this.#decide('credit_acts', 'credit/acts', 'credit/act').catch(() => undefined);
    });
  }

  /** … at a machine with a card: perhaps what stood in a changed meter is granted to somebody. */
  meanwhileAtCards(cardNos: readonly string[]): void {
    if (cardNos.length === 0 || !this.#dice.chance(CARD_CHANCE)) return;
    const { timeline } = this.#town;
    const later = (): number => this.#dice.between(1_000, MAX_WAIT_MS);
    const card = this.#dice.pick(cardNos);
    const quantity = this.#dice.between(1, 900);
    const reference = `HB-${this.#dice.chance(0.3) ? this.#grants : (this.#grants += 1)}`;
    const form = { number: card, quantity: (quantity / 100).toFixed(2), reference };
    const page = 'card-grants';
    timeline.after(later(), () => void this.#post(page, page, form).catch(() => undefined));
    timeline.after(later() + MAX_WAIT_MS, () => {
      void this.#decide('card_grants', page, 'card-grant').catch(() => undefined);
    });
  }

  async #move(): Promise<void> {
    const { db } = this.#town;
    const posted = await db.query<Posted>(
      `SELECT order_id, payee, amount_fen FROM postings WHERE state = 'posted' ORDER BY order_id`,
    );
    if (posted.length === 0) return;
    const order = this.#dice.pick(posted);
    const to = this.#dice.pick(this.#homes);
    const bills = await db.query<{ item: string }>(
      `SELECT item FROM credit_items WHERE user_no = $1 AND state = 'open' AND payee = $2
         AND principal_fen <= $3 ORDER BY item`,
      [to.userNo, order.payee, Number(order.amount_fen)],
    );
    const items = bills.length > 0 ? this.#dice.pick(bills).item : '';
    await this.#post('credit/acts', 'credit/move', { order: order.order_id, to: to.userNo, items });
  }

  async #grant(): Promise<void> {
    const { userNo: user } = this.#dice.pick(this.#homes);
    // The same work order comes twice: somebody pressed the button again.
    const reference = `HB-${this.#dice.chance(0.3) ? this.#grants : (this.#grants += 1)}`;
    await this.#post('credit/acts', 'credit/grant', { user, yuan: '12.50', reference });
  }

  async #decide(of: string, page: string, what: string): Promise<void> {
    const asked = await this.#town.db.query<{ id: unknown }>(
      `SELECT id FROM ${of} WHERE state = 'asked' ORDER BY id`,
    );
    if (asked.length === 0) return;
    const id = String(this.#dice.pick(asked).id);
    const verdict = this.#dice.chance(0.85) ? 'confirmed' : 'refused';
    // Two who press at once.
    const both = this.#dice.chance(0.3);
    await Promise.all([
      this.#post(page, what, { id, verdict }),
      both ? this.#post(page, what, { id, verdict: 'confirmed' }) : undefined,
    ]);
  }

  async #post(from: string, what: string, form: Record<string, string>): Promise<void> {
    const central = this.#town.central.central;
    if (central === null) return;
    const ask = (method: 'GET' | 'POST', path: string, body: string) =>
      central.staff({
        method,
        target: `/console/${path}`,
        headers: {},
        body: Buffer.from(body, 'utf8'),
      });
    const page = await ask('GET', from, '');
    const token = /name="token" value="([0-9a-f]+)"/.exec(page.body)?.[1] ?? '';
    const who = this.#dice.pick(CLERKS);
    const told = new URLSearchParams({ token, who, why: '顾客看错户号', ...form });
    const { status } = await ask('POST', what, told.toString());
    const name = what.replace('credit/', '');
    this.#town.count(`office-${name}-${status === 303 ? 'done' : 'refused'}`);
  }
}

/** What counts of the office's acts: where moved orders stand, and what was granted. */
export interface OfficeBooks {
  readonly moved: ReadonlyMap<
    string,
    { readonly userNo: string; readonly lines: ReturnType<typeof heldLines> }
  >;
  readonly granted: ReadonlyMap<string, number>;
}
/** Reads them at the quiet end; says what two persons did not do. */
export async function officeBooks(town: Town): Promise<OfficeBooks> {
  const acts = await town.db.query<{
    kind: string;
    order_id: string | null;
    to_user: string;
    to_lines: string;
    amount_fen: unknown;
    reference: string;
    asked_who: string;
    decided_who: string;
  }>(`SELECT * FROM credit_acts WHERE state = 'done' ORDER BY id`);
  const moved = new Map<string, { userNo: string; lines: ReturnType<typeof heldLines> }>();
  const granted = new Map<string, number>();
  const orders = new Set<string>();
  for (const a of acts) {
    town.count(`office-${a.kind}-counts`);
    if (a.asked_who.replace(' ', '') === a.decided_who.replace(' ', ''))
      town.problem(`${a.kind} of ${a.order_id ?? a.reference} was done by one person`);
    if (a.order_id !== null)
      moved.set(a.order_id, { userNo: a.to_user, lines: heldLines(a.to_lines) });
    else if (orders.has(a.reference)) town.problem(`${a.reference} was granted twice`);
    else {
      orders.add(a.reference);
      granted.set(a.to_user, (granted.get(a.to_user) ?? 0) + Number(a.amount_fen));
    }
  }
  return { moved, granted };
}

/** What was granted to cards' households, micro-yuan by user number; says what one person did. */
export async function grantedToCards(town: Town): Promise<ReadonlyMap<string, number>> {
  const grants = await town.db.query<{
    user_no: string;
    micro: unknown;
    reference: string;
    asked_who: string;
    decided_who: string;
  }>(`SELECT * FROM card_grants WHERE state = 'done' ORDER BY id`);
  const iot = await town.db.query<{ reference: string }>(
    `SELECT reference FROM credit_acts WHERE kind = 'grant' AND state = 'done'`,
  );
  const used = new Set(iot.map((a) => a.reference));
  const granted = new Map<string, number>();
  for (const g of grants) {
    town.count('office-card-grant-counts');
    if (g.asked_who.replace(' ', '') === g.decided_who.replace(' ', ''))
      town.problem(`card grant ${g.reference} was done by one person`);
    if (used.has(g.reference)) town.problem(`${g.reference} was granted twice`);
    used.add(g.reference);
    granted.set(g.user_no, (granted.get(g.user_no) ?? 0) + Number(g.micro));
  }
  return granted;
}

/** Whether a line of an order's is the balance. */
export const isBalance = (item: string): boolean => item === BALANCE_ITEM;
