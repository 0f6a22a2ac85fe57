import { verify } from 'node:crypto';
import {
  answerProof,
  enrolRequestSchema,
  enrolText,
  fingerprintOf,
  normalKey,
} from '../../shared/enrolment.ts';
import type { Enrolled, EnrolRequest } from '../../shared/enrolment.ts';
import { num } from '../db/sql.ts';
import type { Db, Script, Sql } from '../db/sql.ts';
import { crowdOf } from '../http/limits.ts';
import { Refusal } from '../http/problem.ts';
import { bodyOf, json } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { audited } from '../staff/audit.ts';
import { enrolmentOf, letIn, MAX_WRONG } from './enrolments.ts';
import type { Enrolment } from './enrolments.ts';
import { KEY_COLUMNS, liveKeys } from './keys.ts';
import type { KeyColumns } from './keys.ts';

export interface EnrolParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** Central's own, PEM (SPKI): a machine is told them under the code. */
  readonly publicKeys: Enrolled['publicKeys'];
}

/**
 * So many codes of one source may be wrong in a minute, in all processes together. There is no
 * bound for all sources: 80 bits need none, and anybody could use it up.
 */
const WRONG_A_MINUTE = 10;
const MINUTE_MS = 60_000;

/**
 * `POST /v1/enrol`: a machine brings its key under a one-time code (shared/enrolment.ts). The same
 * key with the same code is answered the same again, so a cut loses nothing; another key is
 * refused.
 */
export function enrolRoute(parts: EnrolParts): Route {
  const { db, now } = parts;
  return {
    method: 'POST',
    path: '/v1/enrol',
    answer: async (request) => {
      const source = request.source === undefined ? 'unknown' : crowdOf(request.source);
      await refuseGuesser(db(), source, now());
      const asked = bodyOf(request, enrolRequestSchema);
      let key: string;
      try {
        key = normalKey(asked.publicKeyPem);
      } catch {
        throw new Refusal('bad-request', 'publicKeyPem: not an Ed25519 public key (PEM)');
      }
      const text = Buffer.from(enrolText(asked), 'utf8');
      if (!signed(key, text, asked.keySignature)) {
        await countWrong(db(), source, null, now());
        throw new Refusal('bad-signature', 'keySignature: not by this key');
      }
      const known = await enrolmentOf(db(), { handle: asked.handle });
      if (known === null || !signed(known.codeKeyPem, text, asked.codeSignature)) {
        await countWrong(db(), source, known, now());
        throw new Refusal('code-refused', 'no such code, or it was made anew');
      }
      const enrolled = await db().transaction((tx) => take(tx, parts, asked, key));
      const body = JSON.stringify(enrolled);
      return json({ body, proof: answerProof(known.answerSecret, asked, body) });
    },
  };
}

function signed(keyPem: string, text: Uint8Array, signature: string): boolean {
  try {
    return verify(null, text, keyPem, Buffer.from(signature, 'base64'));
  } catch {
    return false;
  }
}

async function take(
  tx: Script,
  { now, publicKeys }: EnrolParts,
  asked: EnrolRequest,
  key: string,
): Promise<Enrolled> {
  const nowMs = now();
  const e = await enrolmentOf(tx, { handle: asked.handle }, true);
  if (e === null || e.wrong >= MAX_WRONG)
    throw new Refusal('code-refused', 'no such code, or it was made anew');
  const told = (state: Enrolled['state']): Enrolled => ({
    terminalId: e.terminalId,
    site: e.site,
    name: e.name,
    state,
    fingerprint: fingerprintOf(key),
    publicKeys,
    serverTimeMs: nowMs,
  });
  if (e.state !== 'open') {
    if (e.publicKeyPem === key) return told(e.state === 'done' ? 'active' : 'waiting');
    throw new Refusal(
      'code-refused',
      'the code was used with another key: if that was not this machine, tell central at once',
    );
  }
  if (nowMs >= e.untilMs) throw new Refusal('code-refused', 'the code is over');
  if (await isTaken(tx, key)) throw new Refusal('code-refused', 'a terminal has this key already');
  await tx.query(
    `UPDATE enrolments SET state = 'keyed', public_key = $2, used_ms = $3 WHERE terminal_id = $1`,
    [e.terminalId, key, nowMs],
  );
  const vouched = await isVouched(tx, e, asked, nowMs);
  const counts = vouched || !e.confirm;
  const why = vouched ? 'by code and the old key' : 'by code';
  if (counts) {
    const by = { who: e.who, why };
    const not = await letIn(tx, { ...e, publicKeyPem: key }, by, nowMs);
    if (not !== null) throw new Refusal('code-refused', not);
  }
  await audited(tx, {
    atMs: nowMs,
    who: e.who,
    via: 'api',
    act: `terminal.${e.purpose === 'add' ? 'enrol' : 'rotate'}`,
    subject: e.terminalId,
    before: null,
    after: { fingerprint: fingerprintOf(key), state: counts ? 'active' : 'waiting', why },
  });
  return told(counts ? 'active' : 'waiting');
}

/** One key, one terminal, and for one time: what was retired may be in others' hands. */
async function isTaken(sql: Sql, key: string): Promise<boolean> {
  const rows = await sql.query(
    `SELECT 1 AS n FROM terminals WHERE public_key = $1 OR next_key = $1
     UNION ALL SELECT 1 FROM earlier_keys WHERE public_key = $1 LIMIT 1`,
    [key],
  );
  return rows.length > 0;
}

/** The key that the terminal has speaks for the next one: it is the same machine. */
async function isVouched(
  sql: Sql,
  e: Enrolment,
  asked: EnrolRequest,
  nowMs: number,
): Promise<boolean> {
  const { oldSignature } = asked;
  if (e.purpose !== 'rotate' || oldSignature === undefined) return false;
  const [row] = await sql.query<KeyColumns>(
    `SELECT ${KEY_COLUMNS} FROM terminals WHERE terminal_id = $1`,
    [e.terminalId],
  );
  const text = Buffer.from(enrolText(asked), 'utf8');
  return row !== undefined && liveKeys(row, nowMs).some((k) => signed(k, text, oldSignature));
}

async function refuseGuesser(sql: Sql, source: string, nowMs: number): Promise<void> {
  const minute = Math.floor(nowMs / MINUTE_MS);
  const [row] = await sql.query<{ n: unknown }>(
    'SELECT n FROM enrol_tries WHERE source = $1 AND minute = $2',
    [source, minute],
  );
  if (num(row?.n ?? 0) >= WRONG_A_MINUTE)
    throw new Refusal('too-many', 'too many wrong codes: wait a minute');
}

async function countWrong(
  db: Db,
  source: string,
  known: Enrolment | null,
  nowMs: number,
): Promise<void> {
  const minute = Math.floor(nowMs / MINUTE_MS);
  await db.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO enrol_tries (source, minute, n) VALUES ($1, $2, 1)
       ON CONFLICT (source, minute) DO UPDATE SET n = enrol_tries.n + 1`,
      [source, minute],
    );
    await tx.query('DELETE FROM enrol_tries WHERE minute < $1', [minute - 10]);
    if (known !== null)
      await tx.query(
        `UPDATE enrolments SET wrong = wrong + 1 WHERE terminal_id = $1 AND state = 'open'`,
        [known.terminalId],
      );
  });
}
