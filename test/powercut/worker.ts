// The journal process whose disk operations are recorded: real Journal, real SQLite, real files.
// Every fact that append acknowledged is told on standard output, after append returned.
// Usage: worker.ts DATA SECOND
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { Journal } from '../../src/journal/journal.ts';
import { SecondLog } from '../../src/journal/second-log.ts';
import { fileStorage } from '../../src/journal/storage.ts';
import type { JournalEvent } from '../../src/shared/facts/catalogue.ts';
import type { Clock } from '../../src/shared/ports.ts';
import { SALES, TERMINAL, orderFacts } from './script.ts';
import type { Ending } from './script.ts';

const [dataDir = '', secondPath = ''] = process.argv.slice(2);
const say = (mark: unknown): void => {
  writeSync(1, `${JSON.stringify(mark)}\n`);
};

let nowMs = 1_795_348_800_000;
const clock: Clock = {
  nowMs: () => nowMs,
  monoMs: () => nowMs - 1_795_000_000_000,
  after: () => () => undefined,
};
let seed = 7;
const random = {
  bytes: (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % 251),
};
// A small log between checkpoints: they happen in the middle of work, not only when the journal is
// closed.
const files = fileStorage(dataDir, secondPath);
const storage = {
  ...files,
  open: () => {
    const db = files.open();
    db.pragma('wal_autocheckpoint = 60');
    return db;
  },
};

function open(): Journal {
  const opened = Journal.open({
    dataDir,
    secondPath,
    terminalId: TERMINAL,
    clock,
    random,
    storage,
    onFatal: (f) => say({ fatal: f.code, detail: String(f.cause) }),
  });
  if (!opened.ok)
    throw new Error(
      `${opened.error.code} ${opened.error.detail ?? ''} ${String(opened.error.cause)}`,
    );
  say({ opened: opened.value.condition().kind });
  return opened.value;
}
/** What stands there now has been acknowledged. */
function told(events: readonly JournalEvent[] = []): void {
  const { epoch, seq, hash } = journal.head;
  nowMs += 1_000;
  if (seq > 0) say({ ack: { epoch, seq, hash }, events });
}
function append(events: readonly JournalEvent[]): void {
  journal.append(events);
  told(events);
}
function number(): number {
  const n = journal.nextOrderNumber();
  say({ number: n });
  return n;
}
function sell(which: Ending): void {
  for (const batch of orderFacts(journal.epoch, number(), which)) append(batch);
}
function upload(): void {
  for (let batch = journal.unsent(40); batch !== null; batch = journal.unsent(40)) {
    const last = batch.events.at(-1);
    if (last === undefined) return;
    journal.noteSent(batch.epoch, last.seq);
    journal.acknowledge(batch.epoch, last.seq, last.hash);
  }
}
/** Overwrites part of a file, as a dying disk would. */
function spoil(path: string, from: number, length: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, new Uint8Array(length).fill(0x5a), 0, length, from);
  closeSync(fd);
}

let journal = open();
for (const which of SALES) sell(which);
upload();
await journal.backup();
sell('delivered');
journal.close();
journal = open();
told();
sell('in-doubt');
say({ began: journal.beginEpoch(2, 'a new epoch') });
told();
for (const which of SALES) sell(which);
upload();
nowMs += 86_400_000;
append([{ kind: 'clock-step', orderId: null, body: { stepMs: 1 } }]);
const pruned = journal.prune(3_600_000);
say({ pruned });
told();
const shortened = journal.shortenSecondLogs();
// Written while the log is copied.
sell('refunded');
await shortened;
sell('delivered');
await journal.backup();
sell('delivered');
journal.close();

say({ spoiled: 'second log' });
const log = SecondLog.path(secondPath, 2);
spoil(log, Math.floor(readFileSync(log).indexOf(0x0a) * 2.5), 200);
journal = open();
told();
sell('delivered');
journal.close();

say({ spoiled: 'database' });
spoil(Journal.file(dataDir), 4096, statSync(Journal.file(dataDir)).size - 4096);
journal = open();
told();
journal.acceptDamage('t1', 'looked at');
told();
journal.beginEpoch(3, 'restored');
told();
sell('delivered');
sell('closed');
journal.close();
say({ end: true });
