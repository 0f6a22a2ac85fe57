import {
  fingerprintOf,
  keysOfCode,
  makeCode,
  readCode,
  sameFingerprint,
} from '../../shared/enrolment.ts';
import type { Random } from '../../shared/ports.ts';
import { bool, num } from '../db/sql.ts';
import type { Script, Sql } from '../db/sql.ts';
import { changeKeyIn, isAnothers } from './keys.ts';

/** A terminal's code, and how far it was used. */
export interface Enrolment {
  readonly terminalId: string;
  /** `add`: a new terminal · `rotate`: the next key of one that there is. */
  readonly purpose: 'add' | 'rotate';
  readonly site: string;
  readonly name: string;
  readonly codeKeyPem: string;
  readonly answerSecret: string;
  readonly untilMs: number;
  /** A person compares fingerprints before the key counts. */
  readonly confirm: boolean;
  readonly overlapMs: number;
  readonly state: 'open' | 'keyed' | 'done';
  readonly publicKeyPem: string | null;
  /** How often somebody had the handle and not the code. */
  readonly wrong: number;
  readonly madeMs: number;
  readonly who: string;
}

/** So often may a proof by a code that exists be wrong; then the code is over. */
export const MAX_WRONG = 5;

const read = (row: Readonly<Record<string, unknown>>): Enrolment => ({
  terminalId: row['terminal_id'] as string,
  purpose: row['purpose'] as Enrolment['purpose'],
  site: row['site'] as string,
  name: row['name'] as string,
  codeKeyPem: row['code_key'] as string,
  answerSecret: row['answer_secret'] as string,
  untilMs: num(row['until_ms']),
  confirm: bool(row['confirm']),
  overlapMs: num(row['overlap_ms']),
  state: row['state'] as Enrolment['state'],
  publicKeyPem: row['public_key'] as string | null,
  wrong: num(row['wrong']),
  madeMs: num(row['made_ms']),
  who: row['who'] as string,
});

/** All codes that were made, one for each terminal. */
export async function enrolmentsOf(sql: Sql): Promise<readonly Enrolment[]> {
  const rows = await sql.query<Record<string, unknown>>(
    'SELECT * FROM enrolments ORDER BY terminal_id',
  );
  return rows.map(read);
}

/** A terminal's code; null: none was made. With `lock` it stays as it is until the commit. */
export async function enrolmentOf(
  sql: Sql,
  by: { readonly terminalId: string } | { readonly handle: string },
  lock = false,
): Promise<Enrolment | null> {
  const [column, value] = 'handle' in by ? ['handle', by.handle] : ['terminal_id', by.terminalId];
  const [row] = await sql.query<Record<string, unknown>>(
    `SELECT * FROM enrolments WHERE ${column} = $1${lock ? ' FOR UPDATE' : ''}`,
    [value],
  );
  return row === undefined ? null : read(row);
}

/** What a code is made for. */
export interface NewCode extends Pick<
  Enrolment,
  'terminalId' | 'purpose' | 'site' | 'name' | 'confirm' | 'overlapMs' | 'who'
> {
  readonly validMs: number;
}
/**
 * Makes a terminal's code; an earlier one of it is over.
 *
 * @returns the code in clear, which is nowhere else
 */
export async function newCode(
  sql: Sql,
  made: NewCode,
  random: Random,
  nowMs: number,
): Promise<string> {
  const code = makeCode(random);
  const keys = keysOfCode(readCode(code) as string);
  await sql.query(
    `INSERT INTO enrolments (terminal_id, purpose, site, name, handle, code_key, answer_secret,
       until_ms, confirm, overlap_ms, state, made_ms, who)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'open', $11, $12)
     ON CONFLICT (terminal_id) DO UPDATE SET purpose = EXCLUDED.purpose, site = EXCLUDED.site,
       name = EXCLUDED.name, handle = EXCLUDED.handle, code_key = EXCLUDED.code_key,
       answer_secret = EXCLUDED.answer_secret, until_ms = EXCLUDED.until_ms,
       confirm = EXCLUDED.confirm, overlap_ms = EXCLUDED.overlap_ms, state = 'open',
       public_key = NULL, wrong = 0, made_ms = EXCLUDED.made_ms, used_ms = NULL,
       who = EXCLUDED.who`,
    [
      made.terminalId,
      made.purpose,
      made.site,
      made.name,
      keys.handle,
      keys.publicKeyPem,
      keys.answerSecret,
      nowMs + made.validMs,
      made.confirm,
      made.overlapMs,
      nowMs,
      made.who,
    ],
  );
  return code;
}

/**
 * Lets a key in that a code brought: the terminal's row is made, or its next key registered.
 *
 * @returns null, or why not
 */
export async function letIn(
  tx: Script,
  e: Enrolment & { readonly publicKeyPem: string },
  by: { readonly who: string; readonly why: string },
  nowMs: number,
): Promise<string | null> {
  if (e.purpose === 'rotate') {
    const { terminalId, publicKeyPem: nextKey, overlapMs } = e;
    if (!(await changeKeyIn(tx, { terminalId, nextKey, overlapMs, ...by }, nowMs)))
      return 'the terminal was revoked, this key is its own or another’s, or another change of its key goes on';
  } else {
    // Two machines of one disk's copy may both have waited with one key.
    if (await isAnothers(tx, e.publicKeyPem, e.terminalId)) return 'another terminal has this key';
    const made = await tx.query(
      `INSERT INTO terminals (terminal_id, public_key, epoch, site, name)
       VALUES ($1, $2, 1, $3, $4) ON CONFLICT DO NOTHING RETURNING terminal_id`,
      [e.terminalId, e.publicKeyPem, e.site, e.name],
    );
    if (made.length === 0) return 'there is such a terminal';
    await tx.query(
      `INSERT INTO status_changes (terminal_id, status, who, why, at_ms)
       VALUES ($1, 'active', $2, $3, $4)`,
      [e.terminalId, by.who, `KEY: ${by.why}`, nowMs],
    );
  }
  await tx.query(`UPDATE enrolments SET state = 'done' WHERE terminal_id = $1`, [e.terminalId]);
  return null;
}

/**
 * A person has compared the fingerprint that the machine shows.
 *
 * @returns the enrolment as it was, or why nothing was done
 */
export async function confirmKey(
  tx: Script,
  asked: { readonly terminalId: string; readonly fingerprint: string; readonly who: string },
  nowMs: number,
): Promise<Enrolment | string> {
  const e = await enrolmentOf(tx, asked, true);
  if (e === null) return 'no code was made for this terminal';
  if (e.state === 'done') return 'its key counts already';
  if (e.publicKeyPem === null) return 'no machine has used its code yet';
  if (!sameFingerprint(asked.fingerprint, fingerprintOf(e.publicKeyPem)))
    return 'this is not the fingerprint of the key that came: compare once more, and if it differs, make another code';
  const by = { who: asked.who, why: 'fingerprint compared' };
  return (await letIn(tx, { ...e, publicKeyPem: e.publicKeyPem }, by, nowMs)) ?? e;
}
