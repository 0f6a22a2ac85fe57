import { canonicalJson } from '../../shared/canonical-json.ts';
import type { UploadAnswer, UploadEvent, UploadRequest } from '../../shared/central-api/index.ts';
import { EVENTS } from '../../shared/facts/catalogue.ts';
import type { EventKind, JournalEvent } from '../../shared/facts/catalogue.ts';
import { eventHash, genesisHash, headText } from '../../shared/journal-hash.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { OnTheCard, storable, unusableReason } from './books.ts';
import type { Place } from './books.ts';
import { cursorOf, moveCursor } from './epochs.ts';
import { apply, changesBooks } from './facts.ts';

/**
 * At most so many forked facts of one terminal are kept; a terminal that tells more is broken, and
 * its alarm stands anyway.
 */
const MAX_FORKED = 10_000;

/** What a batch is taken with. */
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
        `INSERT INTO forked_events (terminal_id, epoch, seq, hash, kind, wall_ms, order_id, body,
           received_ms)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9 WHERE NOT EXISTS
           (SELECT 1 FROM journal_events
            WHERE terminal_id = $1 AND epoch = $2 AND seq = $3 AND hash = $4)
         ON CONFLICT DO NOTHING RETURNING seq`,
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
  refuseBrokenChain(request);

  const heldHash = (seq: number) => hashHeld(tx, terminalId, epoch, seq);
  if ((await heldHash(request.fromSeq - 1)) !== request.prevHash)
    throw new Refusal('fork', `event ${request.fromSeq - 1} has another hash here`);
  if (request.events.length === 0) await refuseLeftEpoch(tx, terminalId, epoch);

  const quarantined: number[] = [];
  for (const e of request.events) {
    if (e.seq <= lastSeq) {
      if ((await heldHash(e.seq)) !== e.hash)
        throw new Refusal('fork', `event ${e.seq} has another hash here`);
      continue;
    }
    const place: Place = { terminalId, epoch, seq: e.seq, wallMs: e.wallMs, nowMs };
    if (!(await append(tx, place, e))) quarantined.push(e.seq);
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

/** Each event's hash must be that of its contents after the one before it. */
function refuseBrokenChain(request: UploadRequest): void {
  let previous = request.prevHash;
  for (const e of request.events) {
    const { seq, kind, wallMs, orderId, body } = e;
    const event = { epoch: request.epoch, seq, kind, wallMs, orderId, body };
    if (eventHash(previous, event) !== e.hash)
      throw new Refusal('bad-request', `the hash of event ${e.seq} is not that of its contents`);
    previous = e.hash;
  }
}

/** The hash under a number as it is held; before the first stands the genesis hash. */
async function hashHeld(
  tx: Sql,
  terminalId: string,
  epoch: number,
  seq: number,
): Promise<string | undefined> {
  if (seq === 0) return genesisHash(terminalId, epoch);
  const rows = await tx.query<{ hash: string }>(
    'SELECT hash FROM journal_events WHERE terminal_id = $1 AND epoch = $2 AND seq = $3',
    [terminalId, epoch, seq],
  );
  return rows[0]?.hash;
}

/** Whoever only says where it stands, in an epoch that its terminal has left. */
async function refuseLeftEpoch(tx: Sql, terminalId: string, epoch: number): Promise<void> {
  const newer = (
    await tx.query<{ epoch: unknown }>(
      'SELECT epoch FROM cursors WHERE terminal_id = $1 AND epoch > $2 AND last_seq > 0 LIMIT 1',
      [terminalId, epoch],
    )
  )[0];
  if (newer !== undefined)
    throw new Refusal('old-epoch', `this terminal went on in epoch ${num(newer.epoch)}`);
}

/** Holds an event, with what it does. False: it was set aside. */
async function append(tx: Sql, place: Place, e: UploadEvent): Promise<boolean> {
  const { terminalId, epoch, seq, nowMs } = place;
  await tx.query(
    `INSERT INTO journal_events (terminal_id, epoch, seq, kind, wall_ms, order_id, body, hash,
       received_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      terminalId,
      epoch,
      seq,
      storable(e.kind),
      e.wallMs,
      storable(e.orderId),
      canonicalJson(e.body),
      e.hash,
      nowMs,
    ],
  );
  const reason = await applyOrReason(tx, place, e);
  if (reason === null) return true;
  await tx.query(
    `INSERT INTO quarantine (terminal_id, epoch, seq, kind, order_id, reason, at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [terminalId, epoch, seq, storable(e.kind), storable(e.orderId), storable(reason), nowMs],
  );
  return false;
}

/**
 * Effects of one event inside a savepoint.
 *
 * @returns why it is unusable, null when it was applied
 */
async function applyOrReason(tx: Sql, place: Place, e: UploadEvent): Promise<string | null> {
  if (!Object.hasOwn(EVENTS, e.kind)) return `unknown kind ${e.kind.slice(0, 60)}`;
  const parsed = EVENTS[e.kind as EventKind].safeParse(e.body);
  if (!parsed.success)
    return `body: ${parsed.error.issues
      .map((i) => `${i.path.join('.')} ${i.message}`)
      .join('; ')
      .slice(0, 300)}`;
  const event = { kind: e.kind, orderId: e.orderId, body: parsed.data } as JournalEvent;
  if (!changesBooks(event.kind)) return null;
  await tx.query('SAVEPOINT event');
  try {
    await apply(tx, place, event.kind, event);
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
