import { canonicalJson } from '../../shared/canonical-json.ts';
import type { UploadAnswer, UploadEvent, UploadRequest } from '../../shared/central-api/index.ts';
import { eventHashOfText, genesisHash, headText } from '../../shared/journal-hash.ts';
import type { Keyring } from '../../shared/signatures.ts';
import { anyOf, insertRows, keepRows, list } from '../db/sets.ts';
import { num, storable } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { KEY_COLUMNS, terminalDisbelief } from '../fleet/keys.ts';
import type { KeyColumns } from '../fleet/keys.ts';
import { Refusal } from '../http/problem.ts';
import { cursorOf, moveCursor } from './epochs.ts';
import { post } from './post.ts';
import { FORKED_EVENTS, JOURNAL_EVENTS } from './tables.ts';
import type { Trust } from './trust.ts';

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
  readonly trust: Trust;
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
  const { epoch } = request;
  const events = factsOf(request);
  await db.transaction(async (tx) => {
    await tx.query('UPDATE terminals SET alarm = $2 WHERE terminal_id = $1', [
      terminalId,
      `FORK: epoch ${epoch}: ${why}`,
    ]);
    const kept = await tx.query<{ n: unknown }>(
      'SELECT COUNT(*) AS n FROM forked_events WHERE terminal_id = $1',
      [terminalId],
    );
    const from = events[0]?.seq ?? 0;
    const held = await hashesHeld(tx, terminalId, epoch, from, events.at(-1)?.seq ?? 0);
    const forked = events.filter((e) => held.get(e.seq) !== e.hash);
    await keepRows(
      tx,
      FORKED_EVENTS,
      forked
        .slice(0, Math.max(0, MAX_FORKED - num(kept[0]?.n)))
        .map((e) => eventRow(terminalId, epoch, nowMs, e)),
    );
  });
}

/** A fact as it is held. */
const eventRow = (terminalId: string, epoch: number, nowMs: number, e: Fact) => ({
  terminal_id: terminalId,
  epoch,
  seq: e.seq,
  kind: storable(e.kind),
  wall_ms: e.wallMs,
  order_id: storable(e.orderId),
  body: e.bodyJson,
  hash: e.hash,
  received_ms: nowMs,
});

/**
 * Locks the terminal, and those whose orders the batch tells of: their journals wait meanwhile, so
 * a fact that came too early is seen by the one that it waits for. In one order for everybody.
 * Their keys stay readable: whoever only refers to a terminal does not wait.
 */
async function lockTerminals(
  tx: Sql,
  terminalId: string,
  events: readonly UploadEvent[],
): Promise<(KeyColumns & { readonly epoch: unknown }) | undefined> {
  const told = events.flatMap(({ kind, body }) => {
    const origin = kind.startsWith('assist-')
      ? (body as { origin?: unknown } | null)?.origin
      : null;
    return typeof origin === 'string' ? [storable(origin)] : [];
  });
  const rows = await tx.query<KeyColumns & { terminal_id: string; epoch: unknown }>(
    `SELECT terminal_id, ${KEY_COLUMNS}, epoch FROM terminals WHERE terminal_id ${anyOf('$1')}
     ORDER BY terminal_id FOR NO KEY UPDATE`,
    [list(new Set([terminalId, ...told]))],
  );
  return rows.find((r) => r.terminal_id === terminalId);
}

async function take(
  tx: Sql,
  terminalId: string,
  request: UploadRequest,
  { nowMs, keysOf, trust, nextUploadAfterMs }: IngestPorts,
): Promise<UploadAnswer> {
  const terminal = await lockTerminals(tx, terminalId, request.events);
  if (terminal === undefined) throw new Refusal('unknown-terminal', 'not registered');
  const { epoch } = request;
  if (epoch > num(terminal.epoch))
    throw new Refusal('old-epoch', `epoch ${epoch} was not granted, ${num(terminal.epoch)} is`);
  const { lastSeq, lastHash } = await cursorOf(tx, terminalId, epoch);
  if (request.fromSeq < 1 || request.events.some((e, i) => e.seq !== request.fromSeq + i))
    throw new Refusal('bad-request', 'event numbers are not contiguous from fromSeq');
  const last = request.events.at(-1) ?? { seq: request.fromSeq - 1, hash: request.prevHash };
  const head = headText(epoch, last.seq, last.hash);
  if (terminalDisbelief(terminal, { keysOf, nowMs }, head, request.headSig) !== null)
    throw new Refusal('bad-signature', 'headSig does not sign this head');
  if (request.fromSeq > lastSeq + 1)
    throw new Refusal('gap', `holding up to ${lastSeq}`, { expectedSeq: lastSeq + 1 });
  const facts = factsOf(request);
  refuseBrokenChain(request, facts);

  const held = await hashesHeld(tx, terminalId, epoch, request.fromSeq - 1, last.seq);
  if (held.get(request.fromSeq - 1) !== request.prevHash)
    throw new Refusal('fork', `event ${request.fromSeq - 1} has another hash here`);
  for (const e of request.events)
    if (e.seq <= lastSeq && held.get(e.seq) !== e.hash)
      throw new Refusal('fork', `event ${e.seq} has another hash here`);
  if (request.events.length === 0) await refuseLeftEpoch(tx, terminalId, epoch);

  const news = facts.filter((e) => e.seq > lastSeq);
  await append(tx, terminalId, epoch, nowMs, news);
  const quarantined = await post(tx, { terminalId, epoch, nowMs, trust }, news);
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

/** A fact with its body as the text that its hash covers and that is kept: made once. */
type Fact = UploadEvent & { readonly bodyJson: string };

const factsOf = (request: UploadRequest): readonly Fact[] =>
  request.events.map((e) => ({ ...e, bodyJson: canonicalJson(e.body) }));

/** Each event's hash must be that of its contents after the one before it. */
function refuseBrokenChain({ epoch, prevHash }: UploadRequest, facts: readonly Fact[]): void {
  let previous = prevHash;
  for (const e of facts) {
    if (eventHashOfText(previous, { ...e, epoch }, e.bodyJson) !== e.hash)
      throw new Refusal('bad-request', `the hash of event ${e.seq} is not that of its contents`);
    previous = e.hash;
  }
}

/** The hashes that are held under these numbers; before the first stands the genesis hash. */
async function hashesHeld(
  tx: Sql,
  terminalId: string,
  epoch: number,
  from: number,
  to: number,
): Promise<ReadonlyMap<number, string>> {
  const rows = await tx.query<{ seq: unknown; hash: string }>(
    `SELECT seq, hash FROM journal_events
     WHERE terminal_id = $1 AND epoch = $2 AND seq >= $3 AND seq <= $4`,
    [terminalId, epoch, from, to],
  );
  const held = new Map(rows.map((r) => [num(r.seq), r.hash]));
  if (from === 0) held.set(0, genesisHash(terminalId, epoch));
  return held;
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

/** Holds the facts as they were told. */
async function append(
  tx: Sql,
  terminalId: string,
  epoch: number,
  nowMs: number,
  events: readonly Fact[],
): Promise<void> {
  await insertRows(
    tx,
    JOURNAL_EVENTS,
    events.map((e) => eventRow(terminalId, epoch, nowMs, e)),
  );
}
