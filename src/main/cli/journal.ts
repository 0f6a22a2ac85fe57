import { maskCardNo } from '../../shared/mask.ts';
import { existsSync, lchownSync, lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type Database from 'better-sqlite3';
import type { AttemptRow, OrderRow } from '../../journal/fold.ts';
import { backupBeside } from '../../journal/backup.ts';
import type { BackupMade } from '../../journal/backup.ts';
import { inspect } from '../../journal/inspect.ts';
import { diskFailure, journalFailure, systemCode } from '../../journal/disk-cause.ts';
import { Journal } from '../../journal/journal.ts';
import { openToRead } from '../../journal/open-to-read.ts';
import type { OpenToRead } from '../../journal/open-to-read.ts';
import { carryOut, survey, terminalOf } from '../../journal/restore.ts';
import type { Source } from '../../journal/restore.ts';
import { fileStorage } from '../../journal/storage.ts';
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
  /** As terminal.json says; null: none does. */
  readonly terminalId: string | null;
}

/**
 * The journal of a folder: the folder of a `terminal.json` (a demo's data folder) stands for the
 * folders that file names; any other folder is taken as the journal's own, with its second log only
 * where `second` names it.
 */
export function journalPlace(folder: string, second: string | null): JournalPlace {
  const config = join(folder, 'terminal.json');
  const named = !existsSync(Journal.file(folder)) && existsSync(config);
  return (
    (named ? configuredPlace(config, second) : null) ?? {
      dataDir: folder,
      secondPath: second,
      terminalId: null,
    }
  );
}

/** The folders that a `terminal.json` names; null: it names none that could be read. */
export function configuredPlace(config: string, second: string | null): JournalPlace | null {
  const loaded = loadConfig(config);
  if (loaded.ok) {
    const { dataDir, secondPath, terminalId } = loaded.value.config;
    return {
      dataDir: loaded.value.path(dataDir),
      secondPath: second ?? loaded.value.path(secondPath),
      terminalId,
    };
  }
  // A journal is checked for itself, even beside a configuration that is not valid.
  const loose = looseFolders(config);
  if (loose === null) return null;
  const folder = dirname(config);
  return {
    dataDir: resolve(folder, loose.dataDir),
    secondPath: second ?? resolve(folder, loose.secondPath),
    terminalId: loose.terminalId,
  };
}

function looseFolders(config: string): {
  readonly dataDir: string;
  readonly secondPath: string;
  readonly terminalId: string | null;
} | null {
  try {
    const { dataDir, secondPath, terminalId } = JSON.parse(readFileSync(config, 'utf8')) as Record<
      string,
      unknown
    >;
    return typeof dataDir === 'string' && typeof secondPath === 'string'
      ? { dataDir, secondPath, terminalId: typeof terminalId === 'string' ? terminalId : null }
      : null;
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
  return {
    dataDir: place.dataDir,
    secondPath: place.secondPath,
    ...verifyJournal(place.dataDir, place.secondPath),
  };
}

export function verifyText(answer: VerifyAnswer): string {
  const facts: (readonly string[])[] = [
    ['journal', Journal.file(answer.dataDir)],
    ['second log', answer.secondPath ?? 'not checked (name its folder with --second)'],
    ['terminal', `${answer.terminalId ?? '-'}, epoch ${answer.epoch ?? '-'}`],
    [
      'events',
      `${answer.events}, ${answer.unsent} not yet acknowledged by central${answer.stranded > 0 ? `, ${answer.stranded} that central refused for good` : ''}`,
    ],
    ...(answer.anchor === null
      ? []
      : [
          [
            'begins',
            `after event ${answer.anchor.seq} of epoch ${answer.anchor.epoch}: older ones were pruned`,
          ],
        ]),
    ['orders', `${answer.orders}, attempts ${answer.attempts}`],
    ['head', answer.headHash ?? '-'],
  ];
  const verdict = answer.ok
    ? `OK: schema, hash chain${answer.secondPath === null ? ' and rows agree' : ', rows and second log agree'}`
    : [
        'FAIL',
        ...answer.problems.map((p) => `  ${p}`),
        'Do not repair this by hand. Keep a copy of both folders and stop the kiosk; `pilotlight journal restore` shows what can be brought back.',
      ].join('\n');
  return `${table(facts)}\n${verdict}`;
}

/** A backup, made beside whoever has the journal open. Never rejects. */
export async function backupAt({ dataDir, terminalId }: JournalPlace): Promise<BackupMade> {
  const file = Journal.file(dataDir);
  if (!existsSync(file)) return err(failure('JRNL-0101', `no journal at ${file}`));
  return backupBeside(dataDir, terminalId);
}

export interface RestoreAnswer {
  readonly dataDir: string;
  readonly secondPath: string;
  readonly terminalId: string | null;
  /** What is wrong with the journal; null: nothing. */
  readonly damage: string | null;
  readonly sources: readonly Source[];
  /** What a restore gives; null: nothing to restore, or nothing to restore it from. */
  readonly result: {
    readonly from: string;
    readonly epoch: number;
    readonly seq: number;
    readonly lostAfterSeq: number | null;
    readonly certain: boolean;
  } | null;
  /** Where the damaged files lie once it was done; null: it was not done. */
  readonly aside: string | null;
}

/**
 * Shows what can be brought back of a journal and, with `yes`, does it: the same code as at the
 * core's start. Refused (JRNL-0101) while a core has the journal; JRNL-0107 when nothing is left
 * that it could be brought back from.
 */
export function restoreAt(
  place: JournalPlace,
  yes: boolean,
  nowMs: number,
): Result<RestoreAnswer, Failure> {
  const { dataDir, secondPath } = place;
  if (secondPath === null)
    return err(failure('JRNL-0101', 'where is the second log? Name its folder with --second'));
  if (!existsSync(dataDir)) return err(failure('JRNL-0101', `no such folder: ${dataDir}`));
  const storage = fileStorage(dataDir, secondPath);
  try {
    storage.lock();
  } catch (cause) {
    storage.close();
    return err(
      systemCode(cause)?.startsWith('SQLITE_BUSY') === true
        ? failure('JRNL-0101', 'a core has this journal: stop the kiosk first', cause)
        : diskFailure('the folder cannot be written', cause, [dataDir]),
    );
  }
  try {
    // A restore that was cut is ended first.
    if (yes) storage.finishSwap();
    const terminalId = place.terminalId ?? terminalOf(storage);
    if (terminalId === null)
      return err(
        failure(
          'JRNL-0107',
          'nothing says which terminal’s journal this was: give the folder of its terminal.json',
        ),
      );
    const found = inspect(storage, terminalId);
    if (found.kind === 'refused') return err(found.failure);
    if (found.kind === 'new')
      return err(failure('JRNL-0101', `no journal at ${Journal.file(dataDir)}`));
    const damage = found.kind === 'damaged' ? found.why : null;
    const { sources, plan } = survey(storage, terminalId, damage ?? '');
    const answer = { dataDir, secondPath, terminalId, damage, sources, result: null, aside: null };
    if (damage === null) return ok(answer);
    if (plan === null) return err(failure('JRNL-0107', damage));
    const { epoch, seq } = plan.head;
    const result = {
      from:
        plan.base === null
          ? 'the facts themselves'
          : `${plan.base} and ${plan.add.length} facts after it`,
      epoch,
      seq,
      lostAfterSeq: plan.lost ? seq : null,
      certain: plan.complete,
    };
    return ok({
      ...answer,
      result,
      aside: yes ? carryOut(storage, plan, { terminalId, nowMs }) : null,
    });
  } catch (cause) {
    return err(diskFailure('the restore did not come to its end', cause, [dataDir, secondPath]));
  } finally {
    storage.close();
    keepOwner(dataDir);
    if (existsSync(secondPath)) keepOwner(secondPath);
  }
}

/**
 * Root repairs what is the kiosk's: whatever was made in a folder is given to the folder's owner,
 * or the kiosk could not open its own journal (or the lock beside it) again. Links are not
 * followed: the kiosk's user may have put one there, and what lies behind it is none of the
 * folder's.
 */
function keepOwner(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  // By hand: Node's recursive reading goes through links to folders.
  const walk = (inside: string): void => {
    for (const entry of readdirSync(inside, { withFileTypes: true })) {
      if (entry.isSymbolicLink()) continue;
      const file = join(inside, entry.name);
      const is = lstatSync(file);
      if (is.uid !== uid || is.gid !== gid) lchownSync(file, uid, gid);
      if (entry.isDirectory()) walk(file);
    }
  };
  walk(folder);
}

export function restoreText(answer: RestoreAnswer): string {
  const { damage, result, aside } = answer;
  const sources = table([
    ['what is there', 'facts', 'up to', 'worth'],
    ...answer.sources.map((s) => [
      `${s.what} ${s.name}`,
      String(s.events),
      s.upto === null ? '-' : `${s.upto.seq} of epoch ${s.upto.epoch}`,
      s.problem ?? 'whole',
    ]),
  ]);
  if (damage === null) return `${sources}\nThe journal is whole: there is nothing to restore.`;
  const lines = [`terminal ${answer.terminalId ?? '-'}: ${damage}`, sources];
  if (result !== null) {
    lines.push(
      `A restore gives everything up to event ${result.seq} of epoch ${result.epoch}, from ${result.from}.`,
    );
    if (result.lostAfterSeq !== null)
      lines.push(`LOST: facts after event ${result.lostAfterSeq} were seen and cannot be joined.`);
    else
      lines.push(
        result.certain
          ? 'Nothing is missing.'
          : 'Whether facts are missing after it cannot be told from here: compare with central.',
      );
  }
  if (aside === null) lines.push('Nothing was changed. To do it: the same command with --yes.');
  else
    lines.push(
      `Done. The damaged files lie in ${aside}; keep them.`,
      'The kiosk sells again once a technician has accepted this in maintenance mode and central has granted a new epoch.',
    );
  return lines.join('\n');
}

export interface OrderAnswer extends OrderRow {
  readonly attempts: readonly AttemptRow[];
}

/** All orders with their attempts, oldest first, read beside whatever else has the journal open. */
export function readOrders(dataDir: string): Result<readonly OrderAnswer[], Failure> {
  const file = Journal.file(dataDir);
  if (!existsSync(file)) return err(failure('JRNL-0101', `no journal at ${file}`));
  let opened: OpenToRead | null = null;
  try {
    opened = openToRead(file);
    const { db } = opened;
    const read = db.transaction((open: Database.Database) => ({
      orders: open
        .prepare<[], string>('SELECT row FROM orders')
        .pluck()
        .all()
        .map((row) => JSON.parse(row) as OrderRow),
      attempts: open
        .prepare<[], string>('SELECT row FROM attempts ORDER BY created_ms, attempt_id')
        .pluck()
        .all()
        .map((row) => JSON.parse(row) as AttemptRow),
    }));
    const { orders, attempts } = read(db);
    const byOrder = Map.groupBy(attempts, (a) => a.orderId);
    return ok(
      orders
        .toSorted((a, b) => a.createdMs - b.createdMs || (a.orderId < b.orderId ? -1 : 1))
        .map((o) => ({ ...o, attempts: byOrder.get(o.orderId) ?? [] })),
    );
  } catch (cause) {
    return err(journalFailure(file, cause));
  } finally {
    opened?.close();
  }
}

const yuan = (fen: number): string =>
  `${Math.trunc(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const when = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;

export function ordersText(orders: readonly OrderAnswer[]): string {
  if (orders.length === 0) return 'no orders';
  const rows = orders.flatMap((o) => [
    [
      o.orderId,
      o.state,
      when(o.createdMs),
      o.sale.kind === 'card' ? maskCardNo(o.sale.cardNo) : `account ${maskCardNo(o.sale.userNo)}`,
      yuan(o.sale.amountFen),
      [o.reason, o.nextStep].filter((s) => s !== null && s !== '').join('; '),
    ],
    ...o.attempts.map((a) => [
      `  ${a.outTradeNo}`,
      a.state,
      when(a.createdMs),
      a.provider,
      yuan(a.amountFen),
      [a.taken === false ? 'not taken by the order' : '', a.reason ?? '']
        .filter((s) => s !== '')
        .join('; '),
    ]),
  ]);
  return table([['order / attempt', 'state', 'begun', 'card / provider', 'yuan', 'note'], ...rows]);
}
