import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestClient } from '../../../src/billing/types.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { RequestParts } from '../../../src/kiosk/watch/request-parts.ts';
import { failure } from '../../../src/shared/errors.ts';
import type { ErrorCode } from '../../../src/shared/errors.ts';
import { sealedHash } from '../../../src/shared/sealed-box.ts';
import { err, ok } from '../../../src/shared/result.ts';
import { memoryStorage } from '../../../src/simulation/memory-storage.ts';
import { Rig, TERMINAL } from '../journal/rig.ts';

/** Sealed parts on their way to central, one exchange at a time. */
describe('sealed parts', () => {
  let rig: Rig;
  let journal: Journal;
  let parts: RequestParts;
  let sent: string[];
  /** What central says of a number; null: it takes it. */
  let says: (number: string) => ErrorCode | null;
  /** Runs while a part is under way. */
  let meanwhile: () => void;
  beforeEach(() => {
    rig = new Rig('memory', memoryStorage());
    journal = rig.open();
    [sent, says, meanwhile] = [[], () => null, () => undefined];
    const sendSealed: RequestClient['sendSealed'] = async (number) => {
      sent.push(number);
      meanwhile();
      const code = says(number);
      return code === null ? ok(undefined) : err(failure(code));
    };
    parts = new RequestParts({
      journal,
      billing: { requests: { sendSealed } as RequestClient },
      clock: rig.clock,
      log: () => undefined,
      keepDays: () => 7,
    });
  });
  afterEach(() => {
    parts.stop();
    rig.close();
  });
  /** Made, and its fact acknowledged. */
  function make(n: number): string {
    const number = `RQ-${TERMINAL}-1-${String(n).padStart(4, '0')}-1234`;
    journal.makeRequest(
      {
        number,
        category: 'repair',
        kind: 'repair',
        name: { zh: '报修', en: 'Repair' },
        choice: null,
        slot: null,
        userNo: null,
        madeMs: rig.clock.nowMs(),
        dueMs: rig.clock.nowMs(),
        sealedHash: sealedHash(number),
        policyVersion: 1,
      },
      number,
    );
    const { epoch, seq, hash } = journal.head;
    journal.acknowledge(epoch, seq, hash);
    return number;
  }
  async function pass(ms: number): Promise<void> {
    rig.clock.advance(ms);
    for (let n = 0; n < 400; n++) await Promise.resolve();
  }

  it('one that comes to be due while another is refused does not wait', async () => {
    const refused = make(1);
    says = (number) => (number === refused ? 'REQ-0103' : null);
    let later = '';
    meanwhile = () => {
      meanwhile = () => undefined;
      later = make(2);
      parts.kick();
    };
    parts.kick();
    await pass(20);
    expect(sent).toEqual([refused]);
    await pass(20);
    expect(sent).toEqual([refused, refused, later]);
    // What is refused is tried again, a minute later.
    await pass(59_000);
    expect(sent).toHaveLength(3);
    await pass(1_000);
    expect(sent).toHaveLength(4);
  });

  it('any number that central does not take keep none of the others', async () => {
    const refused = Array.from({ length: 25 }, (_, n) => make(n + 1));
    const good = make(26);
    says = (number) => (refused.includes(number) ? 'REQ-0103' : null);
    parts.kick();
    await pass(20);
    expect(sent).toContain(good);
    expect(journal.unsentParts(100).map((p) => p.number)).toEqual(refused);
  });

  it('with central away only the first is tried', async () => {
    const all = [make(1), make(2), make(3)];
    says = () => 'BILL-0101';
    parts.kick();
    await pass(20);
    expect(sent).toEqual(all.slice(0, 1));
    says = () => null;
    await pass(60_000);
    expect(sent).toEqual([all[0], ...all]);
    expect(journal.unsentParts(10)).toEqual([]);
  });
});
