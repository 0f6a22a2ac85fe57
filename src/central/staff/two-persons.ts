import { hash } from 'node:crypto';
import { canonicalJson } from '../../shared/canonical-json.ts';
import { sameName } from '../../shared/same-name.ts';
import { DAY_MS } from '../../shared/time.ts';
import { num, numOrNull } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { audited, within } from './audit.ts';
import type { Via } from './audit.ts';

/** What nobody has decided after this is over, ms. */
export const LAPSES_MS = 7 * DAY_MS;

/** What one person wants done, and another one has to want as well. */
export interface Proposal {
  readonly id: number;
  /** The console's path that carries it out. */
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
  readonly subject: string;
  readonly who: string;
  readonly via: Exclude<Via, 'command'>;
  readonly askedMs: number;
  readonly lapsesMs: number;
  readonly state: 'open' | 'approved' | 'refused' | 'lapsed';
  readonly decided: { readonly who: string; readonly why: string; readonly atMs: number } | null;
}

/** Thrown to undo what was tried. */
class Undone extends Error {}

/**
 * Carries it out and undoes it: what cannot be done is not proposed.
 *
 * @throws the refusal of what was tried
 */
export async function tryOut(db: Db, work: (on: Db) => Promise<void>): Promise<void> {
  try {
    await db.transaction(async (tx) => {
      await work(within(db, tx));
      throw new Undone();
    });
  } catch (cause) {
    if (!(cause instanceof Undone)) throw cause;
  }
}

/** What it comes to, whoever proposes it and why. */
const digestOf = (path: string, form: Readonly<Record<string, string>>): string => {
  const { who: _who, why: _why, ...what } = form;
  return hash('sha256', canonicalJson([path, what]), 'hex');
};

/** What was not decided in time is over. */
const lapse = (sql: Sql, nowMs: number): Promise<unknown> =>
  sql.query(
    `UPDATE staff_proposals SET state = 'lapsed' WHERE state = 'open' AND lapses_ms <= $1`,
    [nowMs],
  );

/**
 * One person's word. Nothing is changed by it.
 *
 * @returns its number
 * @throws a refusal where the same is proposed already
 */
export function propose(
  db: Db,
  asked: Pick<Proposal, 'path' | 'form' | 'subject' | 'who' | 'via'>,
  nowMs: number,
): Promise<number> {
  const { path, form, subject, who, via } = asked;
  return db.transaction(async (tx) => {
    await lapse(tx, nowMs);
    const rows = await tx.query<{ id: unknown }>(
      `INSERT INTO staff_proposals (path, form, digest, subject, who, via, asked_ms, lapses_ms,
         state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open')
       ON CONFLICT (digest) WHERE state = 'open' DO NOTHING RETURNING id`,
      [
        path,
        canonicalJson(form),
        digestOf(path, form),
        subject,
        who,
        via,
        nowMs,
        nowMs + LAPSES_MS,
      ],
    );
    if (rows[0] === undefined)
      throw new Refusal('bad-request', 'asked-already: 这件事已经提出，等第二人核准', {
        status: 409,
      });
    const id = num(rows[0].id);
    const after = { id, path, form };
    await audited(tx, { atMs: nowMs, who, via, act: 'proposed', subject, before: null, after });
    return id;
  });
}

/** A second person's word. */
export interface Verdict {
  readonly id: number;
  readonly verdict: 'confirmed' | 'refused';
  readonly who: string;
  readonly why: string;
}

/**
 * The second person decides. What was proposed is carried out in the same transaction, under the
 * proposal's lock: of two who approve at once one finds it done.
 *
 * @param carryOut does it, on the database that is given; may throw a refusal, and then the
 *   proposal stays open
 * @throws a refusal that says what is wrong; nothing was changed then
 */
export function decideProposal(
  db: Db,
  { id, verdict, who, why }: Verdict,
  carryOut: (on: Db, proposal: Proposal) => Promise<void>,
  nowMs: number,
): Promise<void> {
  return db.transaction(async (tx) => {
    const [row] = await tx.query<Record<string, unknown>>(
      'SELECT * FROM staff_proposals WHERE id = $1 FOR UPDATE',
      [id],
    );
    const asked = row === undefined ? null : proposalOf(row);
    if (asked === null || asked.state !== 'open' || asked.lapsesMs <= nowMs)
      throw new Refusal('bad-request', 'gone: 已经有人处理，或已过期', { status: 409 });
    // His own he may take back, and not approve.
    if (verdict === 'confirmed' && sameName(asked.who, who))
      throw new Refusal('bad-request', 'same-person: 提出的人不能自己核准，须由第二人核准', {
        status: 409,
      });
    if (verdict === 'confirmed') await carryOut(within(db, tx), asked);
    const state = verdict === 'confirmed' ? 'approved' : 'refused';
    await tx.query(
      `UPDATE staff_proposals SET state = $2, decided_who = $3, decided_why = $4, decided_ms = $5
       WHERE id = $1`,
      [id, state, who, why, nowMs],
    );
    await audited(tx, {
      atMs: nowMs,
      who,
      via: 'console',
      act: state,
      subject: asked.subject,
      before: { id, path: asked.path, who: asked.who },
      after: { id, state, why },
    });
  });
}

/** The open ones, oldest first, then the newest that are over; at most 200 and 50. */
export async function proposals(sql: Sql, nowMs: number): Promise<readonly Proposal[]> {
  await lapse(sql, nowMs);
  const open = await sql.query<Record<string, unknown>>(
    `SELECT * FROM staff_proposals WHERE state = 'open' ORDER BY id LIMIT 200`,
  );
  const over = await sql.query<Record<string, unknown>>(
    `SELECT * FROM staff_proposals WHERE state <> 'open' ORDER BY id DESC LIMIT 50`,
  );
  return [...open, ...over].map(proposalOf);
}

/** One of them; null: there is none. */
export async function proposalNo(sql: Sql, id: number): Promise<Proposal | null> {
  const [row] = await sql.query<Record<string, unknown>>(
    'SELECT * FROM staff_proposals WHERE id = $1',
    [id],
  );
  return row === undefined ? null : proposalOf(row);
}

const proposalOf = (r: Record<string, unknown>): Proposal => ({
  id: num(r['id']),
  path: String(r['path']),
  form: JSON.parse(String(r['form'])) as Record<string, string>,
  subject: String(r['subject']),
  who: String(r['who']),
  via: r['via'] === 'api' ? 'api' : 'console',
  askedMs: num(r['asked_ms']),
  lapsesMs: num(r['lapses_ms']),
  state: r['state'] as Proposal['state'],
  decided:
    r['decided_who'] === null
      ? null
      : {
          who: String(r['decided_who']),
          why: String(r['decided_why']),
          atMs: numOrNull(r['decided_ms']) ?? 0,
        },
});
