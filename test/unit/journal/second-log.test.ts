import fc from 'fast-check';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogAnchor, LoggedEvent } from '../../../src/journal/records.ts';
import {
  LineCutter,
  NO_SCAN,
  SecondLog,
  scanSecondLog,
  secondLogFacts,
} from '../../../src/journal/second-log.ts';
import { readSecondLog } from '../../support/second-log.ts';
import { shorterLog } from '../../../src/journal/shorter-log.ts';
import { scratchFolder } from '../../support/kiosk-world.ts';
import { Rig, TERMINAL, sale, step } from './rig.ts';

let folder: string;
beforeEach(() => {
  folder = scratchFolder();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const log = (): string => SecondLog.path(folder, 1);

const hex = (n: number): string => n.toString(16).padStart(64, '0');
const line = (seq: number, over: Partial<LoggedEvent> = {}): LoggedEvent => ({
  epoch: 1,
  seq,
  kind: 'clock-step',
  wallMs: 1_764_000_000_000 + seq,
  orderId: null,
  body: { stepMs: seq, why: '表“一”,"hash":"x"}' },
  prevHash: hex(seq - 1),
  hash: hex(seq),
  ...over,
});
function write(anchor: LogAnchor | null, events: readonly LoggedEvent[]): void {
  SecondLog.rewrite(folder, 1, anchor, events);
}
const anchor = (seq: number): LogAnchor => ({
  epoch: 1,
  seq,
  hash: hex(seq),
  terminalId: TERMINAL,
});

describe('a log is looked through', () => {
  it('and what is seen is what reading it whole says, whatever is spoiled', () => {
    const spoiling = fc.record({
      anchored: fc.boolean(),
      events: fc.integer({ min: 0, max: 12 }),
      gap: fc.option(fc.integer({ min: 1, max: 12 })),
      flips: fc.array(fc.nat(4_000), { maxLength: 3 }),
      cut: fc.option(fc.nat(4_000)),
      tail: fc.constantFrom('', 'x', '\n', '00000000 {}\n', '{"anchor":1}\n'),
    });
    fc.assert(
      fc.property(spoiling, ({ anchored, events, gap, flips, cut, tail }) => {
        const from = anchored ? 20 : 0;
        const lines = Array.from({ length: events }, (_, i) => line(from + i + 1));
        write(
          anchored ? anchor(from) : null,
          lines.filter((e) => e.seq !== from + (gap ?? -1)),
        );
        const bytes = readFileSync(log());
        for (const at of flips) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 0x15;
        writeFileSync(log(), bytes);
        if (cut !== null && cut < bytes.length) truncateSync(log(), cut);
        appendFileSync(log(), tail);
        const { events: good, beyond, ...others } = readSecondLog(log());
        const links = (e: LoggedEvent | null): unknown =>
          e === null ? null : { epoch: e.epoch, seq: e.seq, prevHash: e.prevHash, hash: e.hash };
        expect(scanSecondLog(log())).toEqual({
          ...others,
          first: links(good[0] ?? null),
          last: links(good.at(-1) ?? null),
          lastBeyond: links(beyond.at(-1) ?? null),
          lines: good.length,
          chained: good
            .slice(1)
            .every((e, i) => e.seq === (good[i]?.seq ?? 0) + 1 && e.prevHash === good[i]?.hash),
        });
        expect([...secondLogFacts(log())]).toEqual(good);
        expect([...secondLogFacts(log(), true)]).toEqual([...good, ...beyond]);
      }),
      { numRuns: 300 },
    );
  });

  it('one that is not there has nothing; one that was written otherwise is read all the same', () => {
    expect(scanSecondLog(log())).toEqual(NO_SCAN);
    const { hash, ...others } = line(1);
    // Another order of fields.
    write(null, [{ hash, ...others }, line(2)]);
    expect(scanSecondLog(log())).toMatchObject({
      chained: true,
      first: { seq: 1, hash: hex(1) },
      last: { seq: 2 },
    });
  });

  it('a line of any length, over any bounds, and rubbish without an end', () => {
    const lines = [1, 2, 3].map((n) => line(n, { body: '长'.repeat(n * 300_000) }));
    write(null, lines);
    appendFileSync(log(), Buffer.alloc(9 << 20, 0x7a));
    expect(scanSecondLog(log())).toMatchObject({ last: { seq: 3 }, torn: true, chained: true });
    appendFileSync(log(), Buffer.alloc(9 << 20, 0x7a));
    appendFileSync(log(), '\n');
    const before = statSync(log()).size;
    const behind = join(folder, 'second-2.log');
    SecondLog.rewrite(folder, 2, null, [line(4)]);
    appendFileSync(log(), readFileSync(behind));
    expect(scanSecondLog(log())).toMatchObject({ last: { seq: 3 }, lastBeyond: { seq: 4 } });
    expect(readSecondLog(log())).toMatchObject({ badLines: 1, beyond: [{ seq: 4 }] });
    expect(before).toBeGreaterThan(18 << 20);
  });

  it('is cut into the same lines however its bytes come', () => {
    write(
      null,
      [1, 2, 3, 4].map((n) => line(n)),
    );
    const bytes = Buffer.concat([readFileSync(log()), Buffer.from('bad\nhalf')]);
    const whole = [...new LineCutter().push(bytes)];
    expect(whole.map((l) => l.json === null)).toEqual([false, false, false, false, true]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length }), { maxLength: 9 }), (cuts) => {
        const cutter = new LineCutter();
        const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
        const lines = ends.flatMap((end, i) => [
          ...cutter.push(bytes.subarray(ends[i - 1] ?? 0, end)),
        ]);
        expect(lines).toEqual(whole);
      }),
    );
  });
});

describe('a shorter copy of a log', () => {
  it('holds what stays, byte for byte, and what came meanwhile', async () => {
    write(
      anchor(2),
      [3, 4, 5, 6].map((n) => line(n)),
    );
    const copy = await shorterLog(log(), anchor(4), () => undefined);
    const writer = SecondLog.open(folder, 1, statSync(log()).size);
    writer.append([line(7), line(8)]);
    writer.close();
    const was = readFileSync(log(), 'utf8').split('\n');
    const length = copy.finish();
    expect(length).toBe(statSync(log()).size);
    expect(readFileSync(log(), 'utf8').split('\n').slice(1)).toEqual(was.slice(3));
    expect(readSecondLog(log())).toMatchObject({ anchor: anchor(4), torn: false });
    expect(readSecondLog(log()).events.map((e) => e.seq)).toEqual([5, 6, 7, 8]);
  });
  it('of nothing that stays, and one that is not wanted', async () => {
    write(null, [line(1)]);
    (await shorterLog(log(), anchor(1), () => undefined)).drop();
    expect([existsSync(`${log()}.new`), readSecondLog(log()).events.length]).toEqual([false, 1]);
    (await shorterLog(log(), anchor(1), () => undefined)).finish();
    expect(readSecondLog(log())).toMatchObject({ anchor: anchor(1), events: [] });
    await expect(shorterLog(join(folder, 'none.log'), anchor(1), () => undefined)).rejects.toThrow(
      'ENOENT',
    );
  });

  it('asks for room for what stays, and is none where somebody cleared it away', async () => {
    write(
      null,
      [1, 2, 3].map((n) => line(n)),
    );
    const size = statSync(log()).size;
    const demanded: number[] = [];
    const copy = await shorterLog(log(), anchor(2), (bytes) => void demanded.push(bytes));
    expect(demanded).toEqual([size / 3]);
    rmSync(`${log()}.new`);
    expect(() => copy.finish()).toThrow('ENOENT');
    expect(readSecondLog(log()).events.map((e) => e.seq)).toEqual([1, 2, 3]);
    const other = await shorterLog(log(), anchor(2), () => undefined);
    writeFileSync(`${log()}.new`, 'x');
    expect(() => other.finish()).toThrow('is not what was copied');
    expect(readSecondLog(log()).events.map((e) => e.seq)).toEqual([1, 2, 3]);
  });
});

describe('a journal', () => {
  it('is opened and joined without its second log in memory', () => {
    const rig = new Rig(folder);
    const j = rig.open();
    j.append(sale(1));
    j.append([step(1)]);
    rig.close();
    const real = rig.files();
    const facts = (): never => {
      throw new Error('its facts are asked for');
    };
    const again = rig.open({ ...real, second: { ...real.second, facts } });
    expect([again.head.seq, again.condition()]).toEqual([8, { kind: 'good' }]);
    expect(rig.verify()).toEqual([]);
  });
});
