import { join } from 'node:path';
import { Journal } from '../../../src/journal/journal.ts';
import { fileStorage } from '../../../src/journal/storage.ts';
import type { JournalStorage } from '../../../src/journal/storage.ts';
import { verifyJournal } from '../../../src/journal/verify.ts';
import type { JournalEvent } from '../../../src/shared/facts/catalogue.ts';
import { ManualClock } from '../../support/clock.ts';
import { T0, seededRandom } from '../../support/kiosk-world.ts';

export const TERMINAL = '000000000311';
export const orderId = (n: number, epoch = 1): string =>
  `PL-${TERMINAL}-${epoch}-${String(n).padStart(4, '0')}-7391`;

/** The facts of one sale, delivered. */
export function sale(n: number, epoch = 1): JournalEvent[] {
  const id = orderId(n, epoch);
  const attemptId = `${id}/1`;
  return [
    {
      kind: 'order-quoted',
      orderId: id,
      body: {
        cardNo: '8800003921',
        userNo: '1002203344',
        layout: 'PL-CPU',
        unit: 'volume',
        nextCount: 41 + n,
        amountFen: 10_000 + n,
        quantity: 3773,
        shares: [],
        carriedUsedMicro: 0,
        carriedAfterMicro: 15_500,
        tariffId: 't',
        tariffVersion: 1,
        offline: false,
        tag: 'ADE6788A',
      },
    },
    {
      kind: 'attempt-creating',
      orderId: id,
      body: {
        attemptId,
        provider: 'wechat',
        outTradeNo: `P${id}`,
        outRefundNo: `R${id}`,
        amountFen: 10_000 + n,
        expiresAtMs: T0 + 180_000,
      },
    },
    { kind: 'attempt-pending', orderId: id, body: { attemptId } },
    {
      kind: 'attempt-paid',
      orderId: id,
      body: { attemptId, transactionId: `T${n}`, amountFen: 10_000 + n, taken: true },
    },
    { kind: 'order-paid', orderId: id, body: { attemptId, amountFen: 10_000 + n } },
    {
      kind: 'order-delivering',
      orderId: id,
      body: { insertion: 1, before: 'AA', after: 'BB', cumulative: 208_773, plan: ['x'] },
    },
    {
      kind: 'order-delivered',
      orderId: id,
      body: { by: 'read-back', count: 41 + n, quantity: 3773, cumulative: 208_773 },
    },
  ];
}
export const inDoubt = (n: number, epoch = 1): JournalEvent => ({
  kind: 'order-in-doubt',
  orderId: orderId(n, epoch),
  body: { failure: { code: 'CARD-0203' } },
});
export const parked = (n: number, epoch = 1): JournalEvent => ({
  kind: 'order-parked',
  orderId: orderId(n, epoch),
  body: { reason: 'foreign card image', nextStep: 'service hall' },
});
export const settled = (n: number, epoch = 1): JournalEvent => ({
  kind: 'parked-settled',
  orderId: orderId(n, epoch),
  body: { attemptId: null, how: 'refunded-by-hand', reference: 'X1', who: 'tech', why: 'by hand' },
});
export const step = (stepMs: number): JournalEvent => ({
  kind: 'clock-step',
  orderId: null,
  body: { stepMs },
});

/** A kiosk's disks and the processes that come and go on them. */
export class Rig {
  readonly clock = new ManualClock(T0);
  readonly fatal: string[] = [];
  readonly storage: JournalStorage | null;
  readonly folder: string;
  #open: Journal | null = null;

  constructor(folder: string, storage: JournalStorage | null = null) {
    this.folder = folder;
    this.storage = storage;
  }
  get dataDir(): string {
    return join(this.folder, 'data');
  }
  get secondPath(): string {
    return join(this.folder, 'second');
  }
  files(): JournalStorage {
    return fileStorage(this.dataDir, this.secondPath);
  }
  tryOpen(terminalId = TERMINAL, storage = this.storage) {
    this.close();
    const opened = Journal.open({
      dataDir: this.dataDir,
      secondPath: this.secondPath,
      terminalId,
      clock: this.clock,
      random: seededRandom('rig'),
      onFatal: (f) => this.fatal.push(f.code),
      ...(storage === null ? {} : { storage }),
    });
    if (opened.ok) this.#open = opened.value;
    return opened;
  }
  open(storage = this.storage): Journal {
    const opened = this.tryOpen(TERMINAL, storage);
    if (!opened.ok)
      throw new Error(
        `${opened.error.code} ${opened.error.detail ?? ''} ${String(opened.error.cause)}`,
      );
    return opened.value;
  }
  close(): void {
    this.#open?.close();
    this.#open = null;
  }
  verify(): readonly string[] {
    return verifyJournal(this.dataDir, this.secondPath).problems;
  }
}
