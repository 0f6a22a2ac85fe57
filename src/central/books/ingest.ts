import { canonicalJson } from '../../shared/canonical-json.ts';
import type { UploadAnswer, UploadEvent, UploadRequest } from '../../shared/central-api/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventBody, EventKind, JournalEvent } from '../../shared/facts/catalogue.ts';
import { orderRefDigits } from '../../shared/order-id.ts';
import type { OrderState } from '../../shared/order-rules.ts';
import { eventHash, genesisHash, headText } from '../../shared/journal-hash.ts';
import { MICRO_PER_FEN } from '../../shared/money.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { bool, num } from '../db/sql.ts';
import { giveBack, takeClaim } from '../sale/accounts.ts';
import { keepWriteClaim } from '../sale/claims.ts';
import {
  awaitsEcho,
  isDelivered,
  isRefundClaimed,
  keptOf,
  lockOrder,
  writer,
} from '../sale/orders.ts';
import type { OrderRow } from '../sale/orders.ts';
import type { Db, Sql } from '../db/sql.ts';
import { cursorOf, moveCursor } from './epochs.ts';
import { Refusal } from '../http/problem.ts';
import { QUOTE_CLAIM_MS } from '../sale/quotes.ts';
import { keepBillDay } from './reconcile.ts';

/** Where an event stands, for the ledger and the quarantine. */
interface Place {
  readonly terminalId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly wallMs: number;
  readonly nowMs: number;
}

/** Central cannot use this event; it is set aside and acknowledged. */
class Unusable extends Error {}
/**
 * The books cannot take it, but another kiosk has read the purchase on the card: it is delivered,
 * and never refunded, whatever the books say.
 */
class OnTheCard extends Unusable {}

/**
 * At most so many forked facts of one terminal are kept; a terminal that tells more is broken, and
 * its alarm stands anyway.
 */
const MAX_FORKED = 10_000;

export interface IngestPorts {
  readonly nowMs: number;
  /** A terminal's keys by its public key as registered. */
  readonly keysOf: (publicKeyPem: string) => Keyring;
  /** Told with the acknowledgement. */
  readonly nextUploadAfterMs: number;
}

/**
 * Takes a batch of a terminal's journal exactly once: the terminal's row is locked, what is held
 * already is compared by hash and skipped, the rest is appended with its effects, and the epoch's
 * cursor moves, all in one transaction. Numbers start at 1 in each epoch; before them stands the
 * genesis hash. An older epoch is still taken where it goes on from what is held; an epoch that
 * nobody granted is not.
 *
 * A batch without events says where the journal stands. It is answered with what is held, which may
 * be more (the journal is an old image: its kiosk sees that), and changes nothing: one that comes
 * late says nothing of today, so only another hash is a fork. Where facts of a newer epoch are
 * held, whoever says an older one is refused.
 */
export async function ingest(
  db: Db,
  terminalId: string,
  request: UploadRequest,
  ports: IngestPorts,
): Promise<UploadAnswer> {
  try {
    return await db.transaction((tx) => take(tx, terminalId, request, ports));
  } catch (cause) {
    if (cause instanceof Refusal && cause.type === 'fork')
      await keepFork(db, terminalId, request, cause.message, ports.nowMs);
    throw cause;
  }
}

/** The alarm, and every fact of the batch that is not held: nothing that was told is thrown away. */
async function keepFork(
  db: Db,
  terminalId: string,
  request: UploadRequest,
  why: string,
  nowMs: number,
): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [
      terminalId,
      `FORK: epoch ${request.epoch}: ${why}`,
    ]);
    let room =
      MAX_FORKED -
      num(
        (
          await tx.query<{ n: unknown }>(
            'SELECT COUNT(*) AS n FROM forked_events WHERE terminal_id = $1',
            [terminalId],
          )
        )[0]?.n,
      );
    for (const e of request.events) {
      if (room <= 0) return;
      const kept = await tx.query(
        `INSERT INTO forked_events (terminal_id, epoch, seq, hash, kind, wall_ms, order_id, body, received_ms)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE NOT EXISTS (SELECT 1 FROM journal_events WHERE terminal_id = $1 AND epoch = $2 AND seq = $3 AND hash = $4) ON CONFLICT DO NOTHING RETURNING seq`,
        [
          terminalId,
          request.epoch,
          e.seq,
          e.hash,
          storable(e.kind),
          e.wallMs,
          storable(e.orderId),
          canonicalJson(e.body),
          nowMs,
        ],
      );
      room -= kept.length;
    }
  });
}

async function take(
  tx: Sql,
  terminalId: string,
  request: UploadRequest,
  { nowMs, keysOf, nextUploadAfterMs }: IngestPorts,
): Promise<UploadAnswer> {
  const terminal = (
    await tx.query<{ public_key: string; epoch: unknown }>(
      'SELECT public_key, epoch FROM terminals WHERE terminal_id = $1 FOR UPDATE',
      [terminalId],
    )
  )[0];
  if (terminal === undefined) throw new Refusal('unknown-terminal', 'not registered');
  const { epoch } = request;
  if (epoch > num(terminal.epoch))
    throw new Refusal('old-epoch', `epoch ${epoch} was not granted, ${num(terminal.epoch)} is`);
  const { lastSeq, lastHash } = await cursorOf(tx, terminalId, epoch);
  if (request.fromSeq < 1 || request.events.some((e, i) => e.seq !== request.fromSeq + i))
    throw new Refusal('bad-request', 'event numbers are not contiguous from fromSeq');
  const last = request.events.at(-1) ?? { seq: request.fromSeq - 1, hash: request.prevHash };
  const head = headText(epoch, last.seq, last.hash);
  if (keysOf(terminal.public_key).disbelief(head, { signature: request.headSig }) !== null)
    throw new Refusal('bad-signature', 'headSig does not sign this head');
  if (request.fromSeq > lastSeq + 1)
    throw new Refusal('gap', `holding up to ${lastSeq}`, { expectedSeq: lastSeq + 1 });

  let previous = request.prevHash;
  for (const e of request.events) {
    if (
      eventHash(previous, {
        epoch,
        seq: e.seq,
        kind: e.kind,
        wallMs: e.wallMs,
        orderId: e.orderId,
        body: e.body,
      }) !== e.hash
    )
      throw new Refusal('bad-request', `the hash of event ${e.seq} is not that of its contents`);
    previous = e.hash;
  }

  const heldHash = async (seq: number): Promise<string | undefined> =>
    seq === 0
      ? genesisHash(terminalId, epoch)
      : (
          await tx.query<{ hash: string }>(
            'SELECT hash FROM journal_events WHERE terminal_id = $1 AND epoch = $2 AND seq = $3',
            [terminalId, epoch, seq],
          )
        )[0]?.hash;
  if ((await heldHash(request.fromSeq - 1)) !== request.prevHash)
    throw new Refusal('fork', `event ${request.fromSeq - 1} has another hash here`);

  if (request.events.length === 0) {
    const newer = (
      await tx.query<{ epoch: unknown }>(
        'SELECT epoch FROM cursors WHERE terminal_id = $1 AND epoch > $2 AND last_seq > 0 LIMIT 1',
        [terminalId, epoch],
      )
    )[0];
    if (newer !== undefined)
      throw new Refusal('old-epoch', `this terminal went on in epoch ${num(newer.epoch)}`);
  }

  const quarantined: number[] = [];
  for (const e of request.events) {
    if (e.seq <= lastSeq) {
      if ((await heldHash(e.seq)) !== e.hash)
        throw new Refusal('fork', `event ${e.seq} has another hash here`);
      continue;
    }
    const place: Place = { terminalId, epoch, seq: e.seq, wallMs: e.wallMs, nowMs };
    await tx.query(
      'INSERT INTO journal_events (terminal_id, epoch, seq, kind, wall_ms, order_id, body, hash, received_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
      [
        terminalId,
        epoch,
        e.seq,
        storable(e.kind),
        e.wallMs,
        storable(e.orderId),
        canonicalJson(e.body),
        e.hash,
        nowMs,
      ],
    );
    const reason = await applyOrReason(tx, place, e);
    if (reason !== null) {
      quarantined.push(e.seq);
      await tx.query(
        'INSERT INTO quarantine (terminal_id, epoch, seq, kind, order_id, reason, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)',
        [terminalId, epoch, e.seq, storable(e.kind), storable(e.orderId), storable(reason), nowMs],
      );
    }
  }
  const ackSeq = Math.max(lastSeq, last.seq);
  const ackHash = last.seq >= lastSeq ? last.hash : lastHash;
  if (ackSeq > lastSeq)
    await moveCursor(tx, terminalId, epoch, { lastSeq: ackSeq, lastHash: ackHash });
  await tx.query('UPDATE terminals SET last_upload_ms = $2 WHERE terminal_id = $1', [
    terminalId,
    nowMs,
  ]);
  return { ackSeq, ackHash, serverTimeMs: nowMs, nextUploadAfterMs, quarantined };
}

/** PostgreSQL text cannot hold NUL; the hash still covers the original. */
function storable<T extends string | null>(text: T): T {
  return (text === null ? null : text.replaceAll('\0', '\uFFFD')) as T;
}

/** Effects of one event inside a savepoint. @returns why it is unusable, null when it was applied */
async function applyOrReason(tx: Sql, place: Place, e: UploadEvent): Promise<string | null> {
  if (!Object.hasOwn(EVENTS, e.kind)) return `unknown kind ${e.kind.slice(0, 60)}`;
  const parsed = EVENTS[e.kind as EventKind].safeParse(e.body);
  if (!parsed.success)
    return `body: ${parsed.error.issues
      .map((i) => `${i.path.join('.')} ${i.message}`)
      .join('; ')
      .slice(0, 300)}`;
  const event = { kind: e.kind, orderId: e.orderId, body: parsed.data } as JournalEvent;
  if (RECORD_ONLY.has(event.kind)) return null;
  await tx.query('SAVEPOINT event');
  try {
    await apply(tx, place, event);
    await tx.query('RELEASE SAVEPOINT event');
    return null;
  } catch (cause) {
    const reason = unusableReason(cause);
    if (reason === null) throw cause;
    await tx.query('ROLLBACK TO SAVEPOINT event');
    await tx.query('RELEASE SAVEPOINT event');
    if (cause instanceof OnTheCard)
      await tx.query('UPDATE orders SET delivered_by = $2 WHERE order_id = $1', [
        e.orderId,
        place.terminalId,
      ]);
    return reason;
  }
}

/**
 * SQLSTATE classes 22 (data) and 23 (constraint) are the event's fault; anything else is ours and
 * fails the batch.
 */
function unusableReason(cause: unknown): string | null {
  if (cause instanceof Unusable) return cause.message;
  const state = (cause as { code?: unknown } | null)?.code;
  return typeof state === 'string' && /^2[23]/.test(state)
    ? `${state}: ${cause instanceof Error ? cause.message : ''}`.slice(0, 300)
    : null;
}

const PAID_STATES: readonly OrderState[] = [
  'paid',
  'delivering',
  'in-doubt',
  'refunding',
  'parked',
];

/** Facts that are kept and change nothing. */
const RECORD_ONLY: ReadonlySet<EventKind> = new Set([
  'journal-pruned',
  'maintenance-entered',
  'maintenance-left',
  'maintenance-refused',
  'maintenance-action',
  'core-started',
  'attempt-pending',
  'attempt-closing',
  'attempt-closed',
  'attempt-refunding',
  'slip-printed',
  'clock-step',
  'policy-taken',
]);

async function apply(tx: Sql, at: Place, event: JournalEvent): Promise<void> {
  switch (event.kind) {
    case 'journal-pruned':
    case 'maintenance-entered':
    case 'maintenance-left':
    case 'maintenance-refused':
    case 'maintenance-action':
    case 'core-started':
    case 'attempt-pending':
    case 'attempt-closing':
    case 'attempt-closed':
    case 'attempt-refunding':
    case 'slip-printed':
    case 'clock-step':
    case 'policy-taken':
      return;
    case 'epoch-began': {
      await releaseForgotten(tx, at);
      const held = await cursorOf(tx, at.terminalId, event.body.previousEpoch);
      return tell(tx, at, event.kind, { ...event.body, centralSeq: held.lastSeq });
    }
    case 'journal-restored':
      await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [
        at.terminalId,
        storable(
          `RESTORED: ${event.body.why}${event.body.lostAfterSeq === null ? '' : `; lost after ${event.body.lostAfterSeq}`}`,
        ),
      ]);
      return tell(tx, at, event.kind, event.body);
    case 'damage-accepted':
      await tx.query(
        `UPDATE terminals SET alarm = NULL WHERE terminal_id = $1 AND alarm LIKE 'RESTORED:%'`,
        [at.terminalId],
      );
      return tell(tx, at, event.kind, event.body);
    case 'reconciled':
      return keepBillDay(tx, at.terminalId, event.body, at.wallMs);
    case 'order-restated':
      throw new Unusable('restated after a fork or restore: compare');
    case 'assist-writing': {
      const order = await anyOrder(tx, event.orderId);
      // Under a claim that stands no longer: it stays open until its end is told, whichever claim
      // that names.
      if (
        !isDelivered(order) &&
        at.terminalId !== order.terminal_id &&
        order.write_open !== at.terminalId
      )
        await tx.query(
          'UPDATE orders SET write_open = $2, write_open_ms = NULL WHERE order_id = $1',
          [order.order_id, at.terminalId],
        );
      return;
    }
    case 'assist-kept': {
      const order = await anyOrder(tx, event.orderId);
      if (event.body.origin !== order.terminal_id || event.body.cardNo !== order.card_no)
        throw new Unusable('kept of another order');
      return keepRecord(tx, order, event.body.record);
    }
    case 'order-kept':
      return keepRecord(tx, await orderOf(tx, at, event.orderId), event.body.record);
    case 'assist-ended':
      return assisted(tx, at, await anyOrder(tx, event.orderId), event.body);
    case 'attempt-refund-retried': {
      const order = await orderOf(tx, at, event.orderId);
      if (
        order.state === 'parked' &&
        (await capturedBy(tx, order))?.attemptId === event.body.attemptId
      )
        await refunding(tx, at, order);
      return;
    }
    case 'parked-settled':
      return settledByHand(tx, at, await orderOf(tx, at, event.orderId), event.body);
    case 'order-quoted':
      return quoted(tx, at, requireId(event.orderId), event.body);
    case 'attempt-creating': {
      const order = await orderOf(tx, at, event.orderId);
      if (order.state === 'quoted') await move(tx, at, order, 'collecting', ['quoted']);
      return;
    }
    case 'attempt-paid': {
      const order = await orderOf(tx, at, event.orderId);
      // A taken one is entered by order-paid, which follows it in the same journal transaction.
      if (!event.body.taken)
        await enter(tx, at, order, 'captured-extra', {
          attemptId: event.body.attemptId,
          amountFen: event.body.amountFen,
          reference: event.body.transactionId,
        });
      return;
    }
    case 'attempt-refunded': {
      const order = await orderOf(tx, at, event.orderId);
      await enter(tx, at, order, 'refunded', {
        attemptId: event.body.attemptId,
        amountFen: event.body.amountFen,
        reference: event.body.refundId,
      });
      return;
    }
    case 'attempt-parked': {
      const order = await orderOf(tx, at, event.orderId);
      const { attemptId, amountFen } = event.body;
      // Another sum than the order's: captured all the same, and a person will hand it back.
      if (amountFen !== undefined && (await capturedBy(tx, order, attemptId)) === null)
        await enter(tx, at, order, 'captured-extra', {
          attemptId,
          amountFen,
          reference: event.body.reason,
        });
      await enter(tx, at, order, 'parked', { attemptId, reference: event.body.reason });
      await note(tx, order, `付款 ${event.body.attemptId} 已挂起：${event.body.reason}`);
      return;
    }
    case 'order-paid': {
      const order = await orderOf(tx, at, event.orderId);
      if (event.body.amountFen !== num(order.amount_fen))
        throw new Unusable(
          `paid ${event.body.amountFen} fen, the order is ${num(order.amount_fen)}`,
        );
      await move(tx, at, order, 'paid', ['quoted', 'collecting']);
      await tx.query('UPDATE orders SET money_taken = true WHERE order_id = $1', [order.order_id]);
      await enter(tx, at, order, 'captured', {
        attemptId: event.body.attemptId,
        amountFen: event.body.amountFen,
      });
      const holder = await takeClaim(
        tx,
        {
          cardNo: order.card_no,
          nextCount: num(order.next_count),
          orderId: order.order_id,
          terminalId: at.terminalId,
          expiresMs: null,
        },
        at.nowMs,
      );
      // Both took money for one count (offline sales): both stand in the books, and a person sees
      // it here.
      if (holder !== null) await note(tx, order, `次数已被订单 ${holder.order_id} 占用`);
      return markIfSuperseded(tx, order);
    }
    case 'order-delivering': {
      const order = await orderOf(tx, at, event.orderId);
      // Written down before another kiosk's report reached it: no news.
      if (awaitsEcho(order)) return;
      await move(tx, at, order, 'delivering', ['paid', 'delivering', 'in-doubt']);
      const { before, after, cumulative, plan } = event.body;
      await tx.query(
        'UPDATE orders SET before_image = $2, after_image = $3, cumulative = $4, plan = $5 WHERE order_id = $1',
        [order.order_id, before, after, cumulative, storable(JSON.stringify(plan))],
      );
      await markIfSuperseded(tx, order);
      return keepWriteClaim(tx, order, at.nowMs);
    }
    case 'order-in-doubt': {
      const order = await orderOf(tx, at, event.orderId);
      if (awaitsEcho(order)) return;
      await move(tx, at, order, 'in-doubt', ['paid', 'delivering', 'in-doubt']);
      await markIfSuperseded(tx, order);
      return keepWriteClaim(tx, order, at.nowMs);
    }
    case 'order-delivered':
      return delivered(tx, at, await orderOf(tx, at, event.orderId), event.body);
    case 'order-closed': {
      const order = await orderOf(tx, at, event.orderId);
      if (bool(order.money_taken)) throw new Unusable('closed although it took money');
      await move(tx, at, order, 'closed', ['quoted', 'collecting']);
      await giveBack(tx, order.order_id);
      return;
    }
    case 'order-refunding':
      return refunding(tx, at, await orderOf(tx, at, event.orderId));
    case 'order-refunded': {
      const order = await orderOf(tx, at, event.orderId);
      await move(tx, at, order, 'refunded', PAID_STATES);
      await giveBack(tx, order.order_id);
      return;
    }
    case 'order-parked': {
      const order = await orderOf(tx, at, event.orderId);
      if (awaitsEcho(order)) return;
      await move(tx, at, order, 'parked', ['quoted', 'collecting', ...PAID_STATES]);
      await note(tx, order, `${event.body.reason}；${event.body.nextStep}`);
      return;
    }
    case 'credit-quoted':
    case 'credit-posting':
    case 'credit-posted':
      throw new Unusable('no account book for credit sales stands behind this central');
    default:
      return event satisfies never;
  }
}

async function quoted(
  tx: Sql,
  at: Place,
  orderId: string,
  body: Extract<JournalEvent, { kind: 'order-quoted' }>['body'],
): Promise<void> {
  const cost = body.shares.reduce((sum, s) => sum + s.costMicro, 0);
  const bought = body.shares.reduce((sum, s) => sum + s.quantity, 0);
  if (bought !== body.quantity) throw new Unusable('the shares do not add up to the quantity');
  if (body.shares.some((s) => s.costMicro !== s.priceE4 * s.quantity))
    throw new Unusable('a share’s cost is not price × quantity');
  if (body.amountFen * MICRO_PER_FEN + body.carriedUsedMicro - cost !== body.carriedAfterMicro)
    throw new Unusable('amount + carried − cost is not the remainder');
  if (body.offline && body.carriedUsedMicro !== 0)
    throw new Unusable('carried money is never spent offline');
  const card = (
    await tx.query<{ user_no: string }>('SELECT user_no FROM cards WHERE card_no = $1', [
      body.cardNo,
    ])
  )[0];
  if (card === undefined) throw new Unusable(`no account has card ${body.cardNo}`);
  if (card.user_no !== body.userNo) throw new Unusable('the card belongs to another user');
  if (body.carriedUsedMicro > 0) {
    const reserve = (
      await tx.query<{ micro: unknown }>(
        `SELECT micro FROM reserves WHERE order_id = $1 AND user_no = $2`,
        [orderId, card.user_no],
      )
    )[0];
    if (reserve === undefined || num(reserve.micro) !== body.carriedUsedMicro)
      throw new Unusable('no reserve of that size stands behind the carried money');
  }
  await tx.query(
    `INSERT INTO orders (order_id, terminal_id, card_no, user_no, next_count, amount_fen, quantity, carried_used_micro, carried_after_micro, offline, tag, state, created_ms, changed_ms, ref, layout, unit)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'quoted', $12, $12, $13, $14, $15)`,
    [
      orderId,
      at.terminalId,
      body.cardNo,
      body.userNo,
      body.nextCount,
      body.amountFen,
      body.quantity,
      body.carriedUsedMicro,
      body.carriedAfterMicro,
      body.offline,
      body.tag,
      at.wallMs,
      orderRefDigits(orderId),
      storable(body.layout),
      body.unit,
    ],
  );
  if (body.offline) {
    const holder = await takeClaim(
      tx,
      {
        cardNo: body.cardNo,
        nextCount: body.nextCount,
        orderId,
        terminalId: at.terminalId,
        expiresMs: at.nowMs + QUOTE_CLAIM_MS,
      },
      at.nowMs,
    );
    if (holder !== null)
      await tx.query('UPDATE orders SET note = $2 WHERE order_id = $1', [
        orderId,
        `离线成交时次数已被订单 ${holder.order_id} 占用`,
      ]);
  }
}

/** With the order: whoever finishes it next judges the card by it. */
async function keepRecord(tx: Sql, order: OrderRow, record: string): Promise<void> {
  await tx.query('UPDATE orders SET kept = $2 WHERE order_id = $1', [
    order.order_id,
    JSON.stringify([...keptOf(order), record]),
  ]);
}

/** What the order's own terminal says of its delivery; once another kiosk told it before, an echo. */
async function delivered(
  tx: Sql,
  at: Place,
  order: OrderRow,
  body: EventBody<'order-delivered'>,
): Promise<void> {
  if (awaitsEcho(order)) {
    checkDelivered(order, body);
    await tx.query('UPDATE orders SET origin_delivered = true WHERE order_id = $1', [
      order.order_id,
    ]);
    return;
  }
  if (body.by === 'elsewhere' && !isDelivered(order))
    throw new Unusable('delivered elsewhere, it says, but no other kiosk told so');
  await deliver(tx, at, order, body);
  await tx.query('UPDATE orders SET origin_delivered = true WHERE order_id = $1', [order.order_id]);
}

/** What a card in another kiosk says of an order. */
async function assisted(
  tx: Sql,
  at: Place,
  order: OrderRow,
  body: EventBody<'assist-ended'>,
): Promise<void> {
  if (body.origin !== order.terminal_id || body.cardNo !== order.card_no)
    throw new Unusable(
      `told of terminal ${body.origin}, card ${body.cardNo}; the order is terminal ${order.terminal_id}’s, card ${order.card_no}`,
    );
  switch (body.verdict) {
    case 'before':
      // Told of an earlier claim, and overtaken by the asking for this one: what is written under
      // this one is not known yet.
      if (
        order.write_open === at.terminalId &&
        (order.write_open_ms === null || (body.claimMs ?? 0) >= num(order.write_open_ms))
      )
        await tx.query('UPDATE orders SET write_open = NULL WHERE order_id = $1', [order.order_id]);
      return;
    case 'torn':
    case 'foreign':
      return;
    case 'superseded':
      // The card has moved on: whatever anybody wrote for this order is not on it.
      if (!isDelivered(order) && !isRefundClaimed(order))
        await tx.query(
          'UPDATE orders SET superseded_by = $2, write_open = NULL WHERE order_id = $1',
          [order.order_id, at.terminalId],
        );
      return;
    case 'after': {
      checkDelivered(order, body);
      if (order.cumulative === null || body.cumulative !== num(order.cumulative))
        throw new Unusable(
          `delivered cumulative ${body.cumulative}, the order’s is ${order.cumulative === null ? 'not known' : num(order.cumulative)}`,
        );
      if (isDelivered(order)) return;
      refuseAfterRefund(order);
      if (!bool(order.money_taken)) throw new Unusable('delivered before it was paid');
      try {
        await deliver(tx, at, order, body);
      } catch (cause) {
        const reason = unusableReason(cause);
        throw reason === null
          ? cause
          : new OnTheCard(`ON THE CARD, but the books cannot take it: ${reason}`);
      }
      return;
    }
    default:
      return body.verdict satisfies never;
  }
}

function checkDelivered(
  order: OrderRow,
  body: { readonly count: number; readonly quantity: number },
): void {
  if (body.count !== num(order.next_count) || body.quantity !== num(order.quantity))
    throw new Unusable(
      `delivered count ${body.count}, quantity ${body.quantity}; the order is ${num(order.next_count)}, ${num(order.quantity)}`,
    );
}

function refuseAfterRefund(order: OrderRow): void {
  if (isRefundClaimed(order))
    throw new Unusable(
      'DELIVERED AND REFUNDED: the purchase is on the card although a refund claim stands',
    );
}

/** The one way into the books for a delivery, whoever told it. */
async function deliver(
  tx: Sql,
  at: Place,
  order: OrderRow,
  body: { readonly count: number; readonly quantity: number },
): Promise<void> {
  if (!bool(order.money_taken)) throw new Unusable('delivered before it was paid');
  checkDelivered(order, body);
  refuseAfterRefund(order);
  const account = (
    await tx.query<{ count: unknown }>('SELECT count FROM accounts WHERE user_no = $1 FOR UPDATE', [
      order.user_no,
    ])
  )[0];
  if (account === undefined) throw new Unusable('the account is gone');
  if (num(account.count) !== body.count - 1)
    throw new Unusable(`the account’s count is ${num(account.count)}, delivered was ${body.count}`);
  await move(tx, at, order, 'delivered', ['paid', 'delivering', 'in-doubt', 'parked']);
  await tx.query('UPDATE orders SET delivered_by = $2 WHERE order_id = $1', [
    order.order_id,
    at.terminalId,
  ]);
  // One count of a card is one purchase: another order that took money for it (sold while a line
  // was down) was not on the card, and never can be.
  await tx.query(
    `UPDATE orders SET superseded_by = $4 WHERE card_no = $1 AND next_count = $2 AND order_id <> $3 AND superseded_by IS NULL AND delivered_by IS NULL AND state IN ('paid', 'delivering', 'in-doubt')`,
    [order.card_no, num(order.next_count), order.order_id, at.terminalId],
  );
  const used = num(order.carried_used_micro);
  if (used > 0) {
    // A reserve that was given back is taken again from what is free; where that is gone the check
    // on the account refuses, and a person settles it.
    await tx.query(
      `UPDATE accounts SET carried_micro = carried_micro - $3 WHERE user_no = $2 AND EXISTS (SELECT 1 FROM reserves WHERE order_id = $1 AND state = 'released')`,
      [order.order_id, order.user_no, used],
    );
    const consumed = await tx.query(
      `UPDATE reserves SET state = 'consumed' WHERE order_id = $1 AND state <> 'consumed' RETURNING micro`,
      [order.order_id],
    );
    if (consumed.length !== 1) throw new Unusable('its carried reserve was used before');
    await enter(tx, at, order, 'carried-used', { micro: -used });
  } else {
    await tx.query(
      `UPDATE reserves SET state = 'consumed' WHERE order_id = $1 AND state = 'held' AND micro = 0`,
      [order.order_id],
    );
  }
  const remainder = num(order.carried_after_micro);
  await tx.query(
    `UPDATE accounts SET count = count + 1, cumulative = cumulative + $2, year_quantity = year_quantity + $2, carried_micro = carried_micro + $3,
       period_left_quantity = CASE WHEN period_left_quantity IS NULL THEN NULL ELSE GREATEST(period_left_quantity - $2, 0) END WHERE user_no = $1`,
    [order.user_no, body.quantity, remainder],
  );
  await enter(tx, at, order, 'delivered', {
    amountFen: num(order.amount_fen),
    quantity: body.quantity,
  });
  if (remainder > 0) await enter(tx, at, order, 'carried', { micro: remainder });
  await tx.query('DELETE FROM claims WHERE order_id = $1', [order.order_id]);
}

/**
 * The count that this order was for is another order's, delivered: seen when the later of the two
 * is told.
 */
async function markIfSuperseded(tx: Sql, order: OrderRow): Promise<void> {
  if (order.superseded_by !== null || isDelivered(order)) return;
  const by = (
    await tx.query<{ delivered_by: string }>(
      'SELECT delivered_by FROM orders WHERE card_no = $1 AND next_count = $2 AND order_id <> $3 AND delivered_by IS NOT NULL LIMIT 1',
      [order.card_no, num(order.next_count), order.order_id],
    )
  )[0];
  if (by !== undefined)
    await tx.query('UPDATE orders SET superseded_by = $2 WHERE order_id = $1', [
      order.order_id,
      by.delivered_by,
    ]);
}

/**
 * A terminal begins a new epoch, its earlier facts told: a quote of before that no order came of is
 * forgotten on its disk, and nobody else would ever give back what it reserved.
 */
async function releaseForgotten(tx: Sql, at: Place): Promise<void> {
  const live = await tx.query<{ order_id: string }>(
    `SELECT q.order_id FROM quotes q WHERE q.terminal_id = $1 AND q.state = 'live' AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.order_id = q.order_id)`,
    [at.terminalId],
  );
  for (const { order_id } of live) {
    if (Number(order_id.split('-')[2] ?? at.epoch) >= at.epoch) continue;
    await tx.query(`UPDATE quotes SET state = 'released' WHERE order_id = $1`, [order_id]);
    await giveBack(tx, order_id);
  }
}

/**
 * From here on nothing may be written for the order, whether the terminal asked for the refund
 * claim or was certain without.
 */
async function refunding(tx: Sql, at: Place, order: OrderRow): Promise<void> {
  if (isDelivered(order))
    throw new Unusable(
      'REFUNDED AND DELIVERED: refunding began although the purchase is on the card',
    );
  await move(tx, at, order, 'refunding', PAID_STATES);
  const holder = writer(order, at.nowMs);
  if (holder !== null && holder !== order.terminal_id)
    await note(tx, order, `开始退款时终端 ${holder} 持有写卡授权`);
  // A counter claim ends here: the terminal read the card as unwritten while it stood.
  await tx.query(
    'UPDATE orders SET refund_claimed_ms = COALESCE(refund_claimed_ms, $2), counter_claim = false WHERE order_id = $1',
    [order.order_id, at.nowMs],
  );
}

/**
 * A technician settled parked money by hand. Money handed back is in the ledger like any refund:
 * once for each attempt.
 */
async function settledByHand(
  tx: Sql,
  at: Place,
  order: OrderRow,
  body: EventBody<'parked-settled'>,
): Promise<void> {
  const captured = await capturedBy(tx, order);
  const ofOrder =
    order.state === 'parked' && (body.attemptId === null || body.attemptId === captured?.attemptId);
  const how = {
    'refunded-by-hand': '人工退款',
    'delivered-by-hand': '人工补气',
    'nothing-due': '无需处理',
  }[body.how];
  if (body.how === 'refunded-by-hand') {
    const ownMoney = body.attemptId === null || body.attemptId === captured?.attemptId;
    const money = ownMoney
      ? captured
      : ((await capturedBy(tx, order, body.attemptId ?? undefined)) ??
        (await foundByHand(tx, at, order, body.attemptId, body.reference)));
    // An order that took no money itself: what was handed back is entered with its attempt.
    const nothingTaken = body.attemptId === null && ofOrder && !bool(order.money_taken);
    if (money === null && !nothingTaken)
      throw new Unusable('refunded by hand, but no such money stands in the books');
    if (
      (ofOrder || (captured !== null && money?.attemptId === captured.attemptId)) &&
      isDelivered(order)
    )
      throw new Unusable(
        'REFUNDED AND DELIVERED: refunded by hand although the purchase is on the card',
      );
    if (money !== null)
      await enter(tx, at, order, 'refunded', {
        attemptId: money.attemptId,
        amountFen: money.amountFen,
        reference: body.reference,
      });
    if (ofOrder)
      await tx.query(
        'UPDATE orders SET refund_claimed_ms = COALESCE(refund_claimed_ms, $2), counter_claim = false WHERE order_id = $1',
        [order.order_id, at.nowMs],
      );
  }
  // The next count is free again: what was delivered by hand shows in the account, which staff set
  // right.
  if (ofOrder && body.how !== 'delivered-by-hand') await giveBack(tx, order.order_id);
  else if (ofOrder) await tx.query('DELETE FROM claims WHERE order_id = $1', [order.order_id]);
  await note(tx, order, `${how}（${body.who}）：${body.reference}；${body.why}`);
}

/**
 * An attempt that was parked before anything was known to be captured, and a person found its money
 * and handed it back: what was asked for is what was taken. Null: no such attempt was parked.
 */
async function foundByHand(
  tx: Sql,
  at: Place,
  order: OrderRow,
  attemptId: string | null,
  reference: string,
): Promise<{ attemptId: string; amountFen: number } | null> {
  if (
    attemptId === null ||
    (
      await tx.query(
        `SELECT 1 FROM ledger WHERE order_id = $1 AND attempt_id = $2 AND kind = 'parked'`,
        [order.order_id, attemptId],
      )
    ).length === 0
  )
    return null;
  const money = { attemptId, amountFen: num(order.amount_fen) };
  await enter(tx, at, order, 'captured-extra', { ...money, reference });
  return money;
}

/**
 * The captured money of an order's attempt as the ledger has it; without `attemptId` the one that
 * the order took.
 */
async function capturedBy(
  tx: Sql,
  order: OrderRow,
  attemptId?: string,
): Promise<{ attemptId: string; amountFen: number } | null> {
  const rows = await tx.query<{ attempt_id: string; amount_fen: unknown; kind: string }>(
    `SELECT attempt_id, amount_fen, kind FROM ledger WHERE order_id = $1 AND kind IN ('captured', 'captured-extra')`,
    [order.order_id],
  );
  const row = rows.find((r) =>
    attemptId === undefined ? r.kind === 'captured' : r.attempt_id === attemptId,
  );
  return row === undefined ? null : { attemptId: row.attempt_id, amountFen: num(row.amount_fen) };
}

async function tell(tx: Sql, at: Place, kind: EventKind, body: unknown): Promise<void> {
  await tx.query(
    'INSERT INTO terminal_notes (terminal_id, epoch, seq, kind, body, at_ms) VALUES ($1, $2, $3, $4, $5, $6)',
    [at.terminalId, at.epoch, at.seq, kind, storable(JSON.stringify(body)), at.wallMs],
  );
}

async function anyOrder(tx: Sql, orderId: string | null): Promise<OrderRow> {
  const id = requireId(orderId);
  const order = await lockOrder(tx, id);
  if (order === null) throw new Unusable(`order ${id} is not known`);
  return order;
}

function requireId(orderId: string | null): string {
  if (orderId === null || orderId === '') throw new Unusable('an order event without an order id');
  return orderId;
}

async function orderOf(tx: Sql, at: Place, orderId: string | null): Promise<OrderRow> {
  const order = await anyOrder(tx, orderId);
  if (order.terminal_id !== at.terminalId)
    throw new Unusable(`order ${order.order_id} is terminal ${order.terminal_id}’s`);
  return order;
}

async function move(
  tx: Sql,
  at: Place,
  order: OrderRow,
  state: OrderState,
  from: readonly OrderState[],
): Promise<void> {
  if (!from.includes(order.state))
    throw new Unusable(`${order.state} → ${state} is not a step of an order`);
  await tx.query('UPDATE orders SET state = $2, changed_ms = $3 WHERE order_id = $1', [
    order.order_id,
    state,
    at.wallMs,
  ]);
}

async function note(tx: Sql, order: OrderRow, text: string): Promise<void> {
  await tx.query('UPDATE orders SET note = $2 WHERE order_id = $1', [
    order.order_id,
    storable(text),
  ]);
}

interface Entry {
  readonly attemptId?: string;
  readonly amountFen?: number;
  readonly quantity?: number;
  readonly micro?: number;
  readonly reference?: string;
}
async function enter(
  tx: Sql,
  at: Place,
  order: OrderRow,
  kind: string,
  entry: Entry,
): Promise<void> {
  await tx.query(
    'INSERT INTO ledger (terminal_id, epoch, seq, order_id, attempt_id, user_no, kind, amount_fen, quantity, micro, reference, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
    [
      at.terminalId,
      at.epoch,
      at.seq,
      order.order_id,
      entry.attemptId ?? '',
      order.user_no,
      kind,
      entry.amountFen ?? 0,
      entry.quantity ?? 0,
      entry.micro ?? 0,
      entry.reference ?? null,
      at.wallMs,
    ],
  );
}
