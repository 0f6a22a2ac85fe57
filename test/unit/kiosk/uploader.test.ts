import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BillingClient, UploadResult } from '../../../src/billing/types.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { memoryStorage } from '../../../src/simulation/memory-storage.ts';
import { SAY_HEAD_MS, Uploader } from '../../../src/kiosk/watch/uploader.ts';
import { failure } from '../../../src/shared/errors.ts';
import { seededRandom } from '../../support/kiosk-world.ts';
import { Rig, orderId, sale } from '../journal/rig.ts';

/** The outbox and central’s answers, one exchange at a time. */
describe('an upload', () => {
  let rig: Rig;
  let journal: Journal;
  let forks: string[];
  let heard: string[];
  let batches: { from: number; to: number; reported: boolean }[];
  let answers: UploadResult[];
  let uploader: Uploader;
  beforeEach(() => {
    rig = new Rig('memory', memoryStorage());
    journal = rig.open();
    for (const e of sale(1)) journal.append([e]);
    [forks, heard, batches, answers] = [[], [], [], []];
    const upload: BillingClient['upload'] = ({ fromSeq, events }) => {
      batches.push({
        from: fromSeq,
        to: fromSeq + events.length - 1,
        reported: journal.mayBeReported(orderId(1)),
      });
      return Promise.resolve(answers.shift() ?? { kind: 'away', failure: failure('BILL-0101') });
    };
    uploader = new Uploader({
      journal,
      billing: { upload } as BillingClient,
      clock: rig.clock,
      random: seededRandom('up'),
      log: () => undefined,
      onReach: () => undefined,
      onFork: (f) => forks.push(f.code),
      onHeard: (how) => heard.push(how),
    });
  });
  afterEach(() => {
    uploader.stop();
    rig.close();
  });
  const acked = (seq: number, hash = journal.head.hash): UploadResult => ({
    kind: 'acked',
    answer: {
      ackSeq: seq,
      ackHash: hash,
      serverTimeMs: 0,
      nextUploadAfterMs: 100,
      quarantined: [],
    },
  });
  /** Lets the next exchange begin and end. */
  async function exchange(): Promise<void> {
    const before = batches.length;
    for (let n = 0; n < 70 && batches.length === before; n++) rig.clock.advance(1_000);
    for (let n = 0; n < 5; n++) await Promise.resolve();
  }

  it('is noted before it leaves: from then on central may know, whatever becomes of the answer', async () => {
    expect(journal.mayBeReported(orderId(1))).toBe(false);
    uploader.kick();
    await exchange();
    expect(batches).toEqual([{ from: 1, to: 7, reported: true }]);
    expect(journal.unsent(10)?.fromSeq).toBe(1);
    expect(rig.open().mayBeReported(orderId(1))).toBe(true);
  });

  it('is acknowledged by number and hash; an answer with another hash is a fork', async () => {
    answers.push(acked(7));
    uploader.kick();
    await exchange();
    expect([journal.unsent(10), forks]).toEqual([null, []]);
    for (const e of sale(2)) journal.append([e]);
    answers.push(acked(14, 'A'.repeat(64)));
    await exchange();
    expect(forks).toEqual(['BILL-0104']);
    expect(journal.stranded().events).toBe(7);
  });

  it('central was heard once it knows this journal as the process found it, not with the first part of it', async () => {
    for (let n = 2; n < 25; n++) for (const e of sale(n)) journal.append([e]);
    uploader = new Uploader({
      journal,
      billing: {
        upload: ({ fromSeq, events }) => {
          batches.push({ from: fromSeq, to: fromSeq + events.length - 1, reported: false });
          return Promise.resolve(
            answers.shift() ?? { kind: 'away', failure: failure('BILL-0101') },
          );
        },
      } as BillingClient,
      clock: rig.clock,
      random: seededRandom('up'),
      log: () => undefined,
      onReach: () => undefined,
      onFork: () => undefined,
      onHeard: (how) => heard.push(how),
    });
    for (const e of sale(30)) journal.append([e]);
    expect(journal.head.seq).toBe(175);
    const hashAt = journal.unsent(200)?.events.map((e) => e.hash) ?? [];
    answers.push(acked(100, hashAt[99]), acked(167, hashAt[166]), acked(170, hashAt[169]));
    uploader.kick();
    await exchange();
    expect(heard).toEqual([]);
    await exchange();
    // One fact of the start is still unknown to central.
    expect(heard).toEqual([]);
    await exchange();
    expect(heard).toEqual(['answered']);
  });

  it('says where the journal stands when there is nothing to send: at start, then each hour; away it is tried again, ever more seldom', async () => {
    answers.push(acked(7));
    uploader.kick();
    await exchange();
    expect([batches.length, heard]).toEqual([1, ['answered']]);
    rig.clock.advance(SAY_HEAD_MS - 5_000);
    expect(batches).toHaveLength(1);
    answers.push({ kind: 'away', failure: failure('BILL-0101') }, acked(7));
    rig.clock.advance(5_000);
    expect(batches.at(-1)).toMatchObject({ from: 8, to: 7 });
    for (let n = 0; n < 5; n++) await Promise.resolve();
    expect(heard).toEqual(['answered', 'away']);
    await exchange();
    expect([batches.length, heard, forks]).toEqual([3, ['answered', 'away', 'answered'], []]);
    uploader.stop();
    // Another process of the same journal: nothing to send, and it is said.
    answers.push(acked(9, 'b'.repeat(64)));
    const next = new Uploader({
      journal,
      billing: { upload: () => Promise.resolve(answers.shift()) } as unknown as BillingClient,
      clock: rig.clock,
      random: seededRandom('up'),
      log: () => undefined,
      onReach: () => undefined,
      onFork: (f) => forks.push(f.detail ?? ''),
      onHeard: () => undefined,
    });
    next.kick();
    rig.clock.advance(1_000);
    for (let n = 0; n < 5; n++) await Promise.resolve();
    expect(forks).toEqual(['central holds 9 events of epoch 1, this disk 7: an old disk?']);
    next.stop();
  });

  it('goes on from where central asks', async () => {
    answers.push(acked(7));
    uploader.kick();
    await exchange();
    for (const e of sale(2)) journal.append([e]);
    answers.push({ kind: 'gap', expectedSeq: 3 }, acked(14));
    await exchange();
    await exchange();
    expect(batches.map((b) => [b.from, b.to])).toEqual([
      [1, 7],
      [8, 14],
      [3, 14],
    ]);
    expect([journal.unsent(10), forks]).toEqual([null, []]);
  });

  it.each<UploadResult>([
    { kind: 'gap', expectedSeq: 9 },
    { kind: 'fork', failure: failure('BILL-0104') },
  ])(
    'to a central that holds more than this disk, or other facts, stops the selling, and nothing is dropped: $kind',
    async (answer) => {
      answers.push(answer);
      uploader.kick();
      await exchange();
      expect(forks).toEqual(['BILL-0104']);
      expect([journal.unsent(10), journal.stranded().events]).toEqual([null, 7]);
    },
  );
});
