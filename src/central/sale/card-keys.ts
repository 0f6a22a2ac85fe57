import { OTHER_CHIP } from './chips.ts';
import { fromHex, toHex } from '../../shared/bytes.ts';
import type {
  CardKeyAnswer,
  CardKeyBody,
  CardKeyRequest,
  CodeChip,
  Quote,
} from '../../shared/central-api/index.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';
import { chinaDate, chinaTime } from '../../shared/time.ts';
import type { Trust } from '../books/trust.ts';
import { liveClaim } from './accounts.ts';
import { recordOf } from './card-records.ts';
import type { ComputingRequest } from './card-records.ts';
import { fixRecord, refuseUnpaid } from './key-rights.ts';
import type { PaidSale } from './key-rights.ts';
import {
  isCounterClaimed,
  isDelivered,
  isRefundClaimed,
  lockOrder,
  lockQuote,
  saidByAnother,
  writer,
} from './orders.ts';
import { ORDERS } from './tables.ts';
import type { OrderRow } from './tables.ts';
import { select } from '../db/sets.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';

/**
 * What holds the company's card keys: an HSM in production. Verbs as a kiosk's own key provider has
 * them.
 */
export interface CardKeyPort {
  readonly prove: (s8: Uint8Array, use: 'file' | 'purse') => Promise<Result<void, Failure>>;
  readonly proveCode: (chip: CodeChip, cardNo: Uint8Array) => Promise<Result<void, Failure>>;
  readonly cardCode: (chip: CodeChip, cardNo: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  readonly checkBlocks: (
    cardNo: Uint8Array,
    blocks: readonly { readonly data: Uint8Array; readonly mac: Uint8Array }[],
  ) => Promise<Result<readonly boolean[], Failure>>;
  readonly proveBlock: (cardNo: Uint8Array) => Promise<Result<void, Failure>>;
  readonly blockMac: (cardNo: Uint8Array, data: Uint8Array) => Promise<Result<Uint8Array, Failure>>;
  readonly proveSector: () => Promise<Result<void, Failure>>;
  readonly sectorKey: (
    uid: Uint8Array,
    sector: number,
    which: 'A' | 'B',
    cardNo?: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  readonly externalAuth: (
    s8: Uint8Array,
    challenge: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  readonly checkTechnician: (
    cardNo: Uint8Array,
    challenge: Uint8Array,
    answer: Uint8Array,
  ) => Promise<Result<void, Failure>>;
  readonly updateMac: (
    s8: Uint8Array,
    challenge: Uint8Array,
    header5: Uint8Array,
    data: Uint8Array,
  ) => Promise<Result<Uint8Array, Failure>>;
  readonly loadLeave: (
    s8: Uint8Array,
    answer: LoadTold,
    when: Uint8Array,
  ) => Promise<Result<{ readonly when: Uint8Array; readonly mac2: Uint8Array }, Failure>>;
  readonly checkLoad: (s8: Uint8Array, answer: LoadTold) => Promise<Result<void, Failure>>;
}

/** What a purse answered to INITIALIZE FOR LOAD, with what it was asked. */
interface LoadTold {
  readonly balance: number;
  readonly amount: number;
  readonly seq: number;
  readonly random: Uint8Array;
  readonly terminal: Uint8Array;
  readonly mac1: Uint8Array;
}

/** A sale under way on a card. */
interface Sale extends PaidSale {
  readonly nextCount: number;
  readonly quantity: number;
}

/** States in which an order of this terminal's may still be written. */
const MAY_WRITE = new Set(['quoted', 'collecting', 'paid', 'delivering', 'in-doubt']);

/** What a card is written with, and what paid for it. */
type ForSale = ComputingRequest & Pick<CardKeyBody, 'paid'>;
interface Given {
  readonly bytes: Uint8Array;
  readonly when?: Uint8Array;
}
const NOTHING: Given = { bytes: new Uint8Array(0) };

/** What the key service works with. */
export interface KeyService {
  readonly db: Db;
  /** Undefined: no card keys are kept here. */
  readonly keys: CardKeyPort | undefined;
  readonly trust: Trust;
  readonly nowMs: number;
}

/**
 * Computes with a card's keys for a terminal that has a paid sale under way on this card: it holds
 * the claim of its own quote, or a write claim on another terminal's order. Who asked, for which
 * order, and whether it was granted is on disk before the answer leaves; the answer itself is
 * nowhere.
 */
export async function cardKey(
  { db, keys, trust, nowMs }: KeyService,
  terminalId: string,
  request: CardKeyBody,
): Promise<CardKeyAnswer> {
  if (keys === undefined) throw new Refusal('key-refused', 'no card keys are kept here');
  const { bytes, when } = await asked({ db, keys, trust, nowMs, terminalId }, request);
  return {
    bytes: toHex(bytes),
    ...(when === undefined ? {} : { when: toHex(when) }),
    serverTimeMs: nowMs,
  };
}

async function asked(desk: KeyDesk, request: CardKeyBody): Promise<Given> {
  const { keys } = desk;
  switch (request.verb) {
    case 'prove':
      taken(await keys.prove(fromHex(request.s8), request.use));
      return NOTHING;
    case 'prove-code':
      taken(await keys.proveCode(request.chip, fromHex(request.cardNo)));
      return NOTHING;
    case 'prove-block':
      taken(await keys.proveBlock(fromHex(request.cardNo)));
      return NOTHING;
    case 'prove-sector':
      taken(await keys.proveSector());
      return NOTHING;
    case 'check-blocks':
      return checkBlocks(desk, request);
    case 'check-technician':
      return checkTechnician(desk, request);
    case 'check-load':
      return checkLoad(desk, request);
    case 'sector-key':
      return request.which === 'A' ? readingKey(desk, request) : forSale(desk, request);
    case 'code':
    case 'block-mac':
    case 'external-auth':
    case 'load-leave':
    case 'update-mac':
      return forSale(desk, request);
    default:
      return request satisfies never;
  }
}

interface KeyDesk extends KeyService {
  readonly keys: CardKeyPort;
  readonly terminalId: string;
}

/**
 * Judged, not computed: the right proofs are told to nobody, and a proof of 8 bytes is not found by
 * asking.
 */
async function checkBlocks(
  { db, keys, terminalId, nowMs }: KeyDesk,
  { cardNo, verb, blocks }: Extract<CardKeyRequest, { verb: 'check-blocks' }>,
): Promise<Given> {
  const judged = await keys.checkBlocks(
    fromHex(cardNo),
    blocks.map(({ data, mac }) => ({ data: fromHex(data), mac: fromHex(mac) })),
  );
  const why = judged.ok
    ? judged.value.every(Boolean)
      ? null
      : 'a proof does not hold'
    : (judged.error.detail ?? judged.error.code);
  await note(db, { terminalId, orderId: null, cardNo, verb, why }, nowMs);
  return { bytes: Uint8Array.from(taken(judged), (verdict) => (verdict ? 1 : 0)) };
}

/**
 * Which card it is, only this key tells: there is no sale yet that it could be for. It reads, and
 * writes nothing.
 */
async function readingKey(
  { db, keys, terminalId, nowMs }: KeyDesk,
  { uid, sector }: Extract<CardKeyRequest, { verb: 'sector-key' }>,
): Promise<Given> {
  const key = await keys.sectorKey(fromHex(uid), sector, 'A');
  const why = key.ok ? null : (key.error.detail ?? key.error.code);
  const use = { terminalId, orderId: null, cardNo: `uid ${uid}`, verb: 'sector-key A', why };
  await note(db, use, nowMs);
  return { bytes: taken(key) };
}

/**
 * Judged, not computed: what a card would answer is told to nobody. Who asked, and what came of it,
 * is kept like a use.
 */
async function checkTechnician(
  { db, keys, terminalId, nowMs }: KeyDesk,
  { cardNo, verb, challenge, answer }: Extract<CardKeyRequest, { verb: 'check-technician' }>,
): Promise<Given> {
  const judged = await keys.checkTechnician(fromHex(cardNo), fromHex(challenge), fromHex(answer));
  const why = judged.ok ? null : (judged.error.detail ?? judged.error.code);
  await note(db, { terminalId, orderId: null, cardNo, verb, why }, nowMs);
  taken(judged);
  return NOTHING;
}

/**
 * Judged, not computed: with MAC1 alone nothing is loaded, and a guess at it is counted like any
 * key request.
 */
async function checkLoad(
  { db, keys, terminalId, nowMs }: KeyDesk,
  request: Extract<CardKeyRequest, { verb: 'check-load' }>,
): Promise<Given> {
  const { s8, verb } = request;
  const judged = await keys.checkLoad(fromHex(s8), loadTold(request));
  const why = judged.ok ? null : (judged.error.detail ?? judged.error.code);
  await note(db, { terminalId, orderId: null, cardNo: s8.slice(-10), verb, why }, nowMs);
  taken(judged);
  return NOTHING;
}

function loadTold(
  request: Extract<CardKeyRequest, { verb: 'check-load' | 'load-leave' }>,
): LoadTold {
  const { balance, amount, seq, random, terminal, mac1 } = request;
  return {
    balance,
    amount,
    seq,
    random: fromHex(random),
    terminal: fromHex(terminal),
    mac1: fromHex(mac1),
  };
}

async function forSale(desk: KeyDesk, request: ForSale): Promise<Given> {
  const { db, terminalId, trust, nowMs } = desk;
  // A technician's diversification data are no customer's serial: with them a terminal could have
  // his card's answers made.
  if ('s8' in request && !/^\d{16}$/.test(request.s8))
    throw new Refusal('key-refused', 'no card’s serial');
  const cardNo = 's8' in request ? request.s8.slice(-10) : request.cardNo;
  if (cardNo === undefined) throw new Refusal('key-refused', 'no card number');
  let sale: Sale | null = null;
  const { verb } = request;
  const noted = (why: string | null) => {
    return { terminalId, orderId: sale?.orderId ?? null, cardNo, verb, why };
  };
  try {
    // On disk before anything is computed: a refund that is asked for meanwhile finds it.
    await db.transaction(async (tx) => {
      sale = await saleLocked(tx, terminalId, cardNo, nowMs);
      if (sale === null)
        throw new Refusal('key-refused', 'this terminal has no sale under way on this card');
      const { nextCount } = sale;
      const cumulative = await cumulativeAfter(tx, cardNo, nextCount, sale.quantity);
      const today = chinaDate(nowMs).slice(2).replaceAll('-', '');
      const terms = { ...sale, cardNo, cumulative, terminalId, today };
      const record = recordOf(request, terms);
      await refuseUnpaid(tx, trust, sale, request.paid, nowMs);
      if (verb === 'sector-key') await bindChip(tx, cardNo, request, sale, nowMs);
      await fixRecord(tx, sale.orderId, record);
      await note(tx, noted(null), nowMs);
    });
    return await compute(desk.keys, request, nowMs);
  } catch (cause) {
    if (cause instanceof Refusal) await note(db, noted(cause.message), nowMs);
    throw cause;
  }
}

/**
 * What the card holds as bought in all after this sale: what the books have, and this. Null: a
 * purchase before it is not told yet.
 */
async function cumulativeAfter(
  tx: Sql,
  cardNo: string,
  nextCount: number,
  quantity: number,
): Promise<number | null> {
  const [row] = await tx.query<{ count: unknown; cumulative: unknown }>(
    'SELECT count, cumulative FROM accounts WHERE user_no = (SELECT user_no FROM cards WHERE card_no = $1)',
    [cardNo],
  );
  return row === undefined || num(row.count) !== nextCount - 1
    ? null
    : num(row.cumulative) + quantity;
}

/** The sale under way, which nobody ends, refunds or claims until the transaction is over. */
async function saleLocked(
  tx: Sql,
  terminalId: string,
  cardNo: string,
  nowMs: number,
): Promise<Sale | null> {
  const seen = await saleOn(tx, terminalId, cardNo, nowMs);
  if (seen === null) return null;
  await lockOrder(tx, seen.orderId);
  await lockQuote(tx, seen.orderId);
  // What was granted or told before the lock stands there now.
  const sale = await saleOn(tx, terminalId, cardNo, nowMs);
  return sale?.orderId === seen.orderId ? sale : null;
}

async function saleOn(
  sql: Sql,
  terminalId: string,
  cardNo: string,
  nowMs: number,
): Promise<Sale | null> {
  const orders = await select(
    sql,
    ORDERS,
    `card_no = $1 AND (state NOT IN ('closed', 'delivered', 'refunded') OR write_until_ms > $2)
     ORDER BY created_ms DESC LIMIT 20`,
    [cardNo, nowMs],
  );
  const over = (o: OrderRow): boolean =>
    // One that is said to be on the card, and was granted again to whoever has the card unwritten.
    (isDelivered(o) && !(saidByAnother(o) && writer(o, nowMs) === terminalId)) ||
    isRefundClaimed(o) ||
    isCounterClaimed(o) ||
    o.superseded_by !== null;
  // A write claim names who may write, whoever sold it: nobody else computes meanwhile.
  const leased = orders.find((o) => !over(o) && writer(o, nowMs) !== null);
  if (leased !== undefined) return writer(leased, nowMs) === terminalId ? saleOf(leased) : null;
  const claim = await liveClaim(sql, cardNo, nowMs);
  if (claim === null || claim.terminal_id !== terminalId) return null;
  const order = orders.find((o) => o.order_id === claim.order_id);
  if (order !== undefined) return over(order) || !MAY_WRITE.has(order.state) ? null : saleOf(order);
  // Its journal is not here yet: what the quote said.
  const quote = (
    await sql.query<{ answer: string | null }>(
      `SELECT answer FROM quotes WHERE order_id = $1 AND terminal_id = $2 AND state = 'live'`,
      [claim.order_id, terminalId],
    )
  )[0];
  if (quote === undefined || quote.answer === null) return null;
  const { quantity, nextCount, amountFen } = JSON.parse(quote.answer) as Quote;
  return { orderId: claim.order_id, terminalId, nextCount, quantity, amountFen };
}

function saleOf(o: OrderRow): Sale {
  return {
    orderId: o.order_id,
    terminalId: o.terminal_id,
    nextCount: o.next_count,
    quantity: o.quantity,
    amountFen: o.amount_fen,
  };
}

async function compute(
  keys: CardKeyPort,
  request: ComputingRequest,
  nowMs: number,
): Promise<Given> {
  switch (request.verb) {
    case 'code':
      return { bytes: taken(await keys.cardCode(request.chip, fromHex(request.cardNo))) };
    case 'sector-key':
      return {
        bytes: taken(
          await keys.sectorKey(
            fromHex(request.uid),
            request.sector,
            request.which,
            fromHex(request.cardNo ?? ''),
          ),
        ),
      };
    case 'block-mac':
      return { bytes: taken(await keys.blockMac(fromHex(request.cardNo), fromHex(request.data))) };
    case 'external-auth':
      return {
        bytes: taken(await keys.externalAuth(fromHex(request.s8), fromHex(request.challenge))),
      };
    case 'update-mac':
      return {
        bytes: taken(
          await keys.updateMac(
            fromHex(request.s8),
            fromHex(request.challenge),
            fromHex(request.header),
            fromHex(request.record),
          ),
        ),
      };
    case 'load-leave': {
      const { mac2, when } = taken(
        await keys.loadLeave(
          fromHex(request.s8),
          loadTold(request),
          fromHex(chinaTime(nowMs).replaceAll(/\D/g, '')),
        ),
      );
      return { bytes: mac2, when };
    }
    default:
      return request satisfies never;
  }
}

/**
 * The sector that a kiosk writes (docs/layouts/pl-m1.md); key B of any other is the meters' and the
 * issuer's.
 */
const SALE_SECTOR = 1;

/**
 * Key B comes of the chip's UID, and a sale is under the card's number, which anybody could claim
 * for a chip: so the first sale binds the two, for good. A terminal that lies gets the key of one
 * chip for one sale, and it is on record.
 */
async function bindChip(
  db: Sql,
  cardNo: string,
  request: Extract<CardKeyRequest, { verb: 'sector-key' }>,
  sale: Sale,
  nowMs: number,
): Promise<void> {
  if (request.sector !== SALE_SECTOR)
    throw new Refusal('key-refused', 'not the sector that a kiosk writes');
  await db.query(
    `INSERT INTO card_uids (card_no, uid, order_id, at_ms) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [cardNo, request.uid, sale.orderId, nowMs],
  );
  const known = (
    await db.query<{ uid: string }>('SELECT uid FROM card_uids WHERE card_no = $1', [cardNo])
  )[0];
  if (known?.uid !== request.uid) throw new Refusal('key-refused', OTHER_CHIP);
}

function taken<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw new Refusal(
    result.error.code === 'CARD-0201' ? 'card-refused' : 'key-refused',
    result.error.detail ?? result.error.code,
  );
}

async function note(
  sql: Sql,
  use: {
    readonly terminalId: string;
    readonly orderId: string | null;
    readonly cardNo: string;
    readonly verb: string;
    readonly why: string | null;
  },
  nowMs: number,
): Promise<void> {
  await sql.query(
    `INSERT INTO key_uses (terminal_id, order_id, card_no, verb, granted, why, at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [use.terminalId, use.orderId, use.cardNo, use.verb, use.why === null, use.why, nowMs],
  );
}
