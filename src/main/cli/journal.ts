import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import { Journal } from '../../journal/journal.ts';
import { verifyJournal } from '../../journal/verify.ts';
import type { VerifyReport } from '../../journal/verify.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { loadConfig } from '../config.ts';
import { table } from './text.ts';

export interface JournalPlace {
  readonly dataDir: string;
  /** Null: not known, and not checked. */
  readonly secondPath: string | null;
}

/**
 * The journal of a folder: the folder of a `terminal.json` (a demo's data folder) stands for the folders that file
 * names; any other folder is taken as the journal's own, with its second log only where `second` names it.
 */
export function journalPlace(folder: string, second: string | null): JournalPlace {
  const config = join(folder, 'terminal.json');
  if (!existsSync(Journal.file(folder)) && existsSync(config)) {
    const loaded = loadConfig(config);
    if (loaded.ok) return { dataDir: loaded.value.path(loaded.value.config.dataDir), secondPath: second ?? loaded.value.path(loaded.value.config.secondPath) };
    // A journal is checked for itself, even beside a configuration that is not valid.
    const loose = looseFolders(config);
    if (loose !== null) return { dataDir: resolve(folder, loose.dataDir), secondPath: second ?? resolve(folder, loose.secondPath) };
  }
  return { dataDir: folder, secondPath: second };
}

function looseFolders(config: string): { readonly dataDir: string; readonly secondPath: string } | null {
  try {
    const { dataDir, secondPath } = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>;
    return typeof dataDir === 'string' && typeof secondPath === 'string' ? { dataDir, secondPath } : null;
  } catch {
    return null;
  }
}

export interface VerifyAnswer extends VerifyReport {
  readonly dataDir: string;
  readonly secondPath: string | null;
}

/** Checks the journal without changing it; safe beside a running core. */
export function verifyAt(place: JournalPlace): VerifyAnswer {
  return { dataDir: place.dataDir, secondPath: place.secondPath, ...verifyJournal(place.dataDir, place.secondPath) };
}

export function verifyText(answer: VerifyAnswer): string {
  const facts: (readonly string[])[] = [
    ['journal', Journal.file(answer.dataDir)],
    ['second log', answer.secondPath ?? 'not checked (name its folder with --second)'],
    ['terminal', `${answer.terminalId ?? '-'}, epoch ${answer.epoch ?? '-'}`],
    ['events', `${answer.events}, ${answer.unsent} not yet acknowledged by central`],
    ['orders', `${answer.orders}, attempts ${answer.attempts}`],
    ['head', answer.headHash ?? '-'],
  ];
  const verdict = answer.ok
    ? `OK: schema, hash chain${answer.secondPath === null ? ' and rows agree' : ', rows and second log agree'}`
    : ['FAIL', ...answer.problems.map((p) => `  ${p}`), 'Do not repair this by hand. Keep a copy of both folders, stop the kiosk and compare with central.'].join('\n');
  return `${table(facts)}\n${verdict}`;
}

export interface OrderAnswer extends OrderRow {
  readonly attempts: readonly AttemptRow[];
}

/** All orders with their attempts, oldest first, read beside whatever else has the journal open. */
export function readOrders(dataDir: string): Result<readonly OrderAnswer[], Failure> {
  const file = Journal.file(dataDir);
  if (!existsSync(file)) return err(failure('JRNL-0101', `no journal at ${file}`));
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    const read = db.transaction((open: Database.Database) => ({
      orders: open.prepare<[], string>('SELECT row FROM orders').pluck().all().map((row) => JSON.parse(row) as OrderRow),
      attempts: open.prepare<[], string>('SELECT row FROM attempts ORDER BY created_ms, attempt_id').pluck().all().map((row) => JSON.parse(row) as AttemptRow),
    }));
    const { orders, attempts } = read(db);
    const byOrder = Map.groupBy(attempts, (a) => a.orderId);
    return ok(orders.toSorted((a, b) => a.createdMs - b.createdMs || (a.orderId < b.orderId ? -1 : 1)).map((o) => ({ ...o, attempts: byOrder.get(o.orderId) ?? [] })));
  } catch (cause) {
    return err(failure('JRNL-0101', `${file}: ${cause instanceof Error ? cause.message : String(cause)}`, cause));
  } finally {
    db?.close();
  }
}

const yuan = (fen: number): string => `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const when = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
/** As on a screen: a card number is shown in part only. */
const masked = (cardNo: string): string => cardNo.replace(/^(\d{2})\d+(\d{4})$/, '$1****$2');

export function ordersText(orders: readonly OrderAnswer[]): string {
  if (orders.length === 0) return 'no orders';
  const rows = orders.flatMap((o) => [
    [o.orderId, o.state, when(o.createdMs), masked(o.quote.cardNo), yuan(o.quote.amountFen), [o.reason, o.nextStep].filter((s) => s !== null && s !== '').join('; ')],
    ...o.attempts.map((a) => [`  ${a.outTradeNo}`, a.state, when(a.createdMs), a.provider, yuan(a.amountFen), [a.taken === false ? 'not taken by the order' : '', a.reason ?? ''].filter((s) => s !== '').join('; ')]),
  ]);
  return table([['order / attempt', 'state', 'begun', 'card / provider', 'yuan', 'note'], ...rows]);
}
