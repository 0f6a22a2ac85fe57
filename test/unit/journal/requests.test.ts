import Database from 'better-sqlite3';
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/journal/journal.ts';
import type { EventBody } from '../../../src/shared/facts/catalogue.ts';
import { DAY_MS } from '../../../src/shared/time.ts';
import { T0, scratchFolder } from '../../support/kiosk-world.ts';
import { Rig, step, TERMINAL } from './rig.ts';

/** Requests, and what identifies their customers: sealed, beside the hash chain. */
let folder: string;
let rig: Rig;
beforeEach(() => {
  folder = scratchFolder();
  rig = new Rig(folder);
});
afterEach(() => {
  rig.close();
  rmSync(folder, { recursive: true, force: true });
});

const body = (n: number): EventBody<'request-made'> => ({
  number: `RQ-${TERMINAL}-1-${String(n).padStart(4, '0')}-4821`,
  category: 'repair',
  kind: 'repair',
  name: { zh: '报修', en: 'Repair' },
  choice: null,
  slot: null,
  userNo: null,
  madeMs: T0,
  dueMs: T0 + 1,
  sealedHash: 'a'.repeat(64),
  policyVersion: 1,
});
const make = (j: Journal, ...numbers: number[]): void => {
  for (const n of numbers) j.makeRequest(body(n), `sealed ${n}`);
};
const waiting = (j: Journal): readonly string[] => j.unsentParts(50).map((p) => p.sealed);
const acknowledge = (j: Journal): void => {
  const { epoch, seq, hash } = j.head;
  expect(j.acknowledge(epoch, seq, hash)).toBe(true);
};

describe('a request in the journal', () => {
  it('its sealed part waits for the fact, and is no part of the chain', () => {
    let j = rig.open();
    make(j, 1, 2);
    expect(waiting(j)).toEqual([]);
    acknowledge(j);
    expect(waiting(j)).toEqual(['sealed 1', 'sealed 2']);
    j.partTaken(body(1).number);
    rig.close();
    j = rig.open();
    expect(waiting(j)).toEqual(['sealed 2']);
    // Deleted after its days, the taken one only; what nobody takes goes in the end too.
    rig.clock.advance(DAY_MS);
    j.forgetParts(DAY_MS, 90 * DAY_MS);
    expect([j.requestsSince(0), waiting(j)]).toEqual([1, ['sealed 2']]);
    rig.clock.advance(90 * DAY_MS);
    j.forgetParts(DAY_MS, 90 * DAY_MS);
    expect(j.requestsSince(0)).toBe(0);
    expect(rig.verify()).toEqual([]);
  });

  it('central that forgot the fact gets the part again too', () => {
    const j = rig.open();
    make(j, 1, 2);
    const { seq } = j.head;
    acknowledge(j);
    j.partTaken(body(1).number);
    j.partTaken(body(2).number);
    expect(j.resendFrom(1, seq)).toBe(true);
    expect(waiting(j)).toEqual([]);
    acknowledge(j);
    expect(waiting(j)).toEqual(['sealed 2']);
  });

  it('one that central refused with its epoch is said again in the next, once, under its number', () => {
    const j = rig.open();
    make(j, 1);
    j.strand(1, 1);
    expect(waiting(j)).toEqual([]);
    expect(j.beginEpoch(2, 'fork')).toBe(true);
    const told = j.unsent(50)?.events.filter((e) => e.kind === 'request-made');
    expect(told?.map((e) => e.body)).toEqual([body(1)]);
    acknowledge(j);
    expect(waiting(j)).toEqual(['sealed 1']);
    expect(j.beginEpoch(3, 'fork')).toBe(true);
    expect(j.unsent(50)?.events.map((e) => e.kind)).toEqual(['epoch-began']);
  });

  it('a damaged journal that can be read gives its sealed parts back', () => {
    let j = rig.open();
    make(j, 1, 2);
    j.append([step(1)]);
    rig.close();
    const file = new Database(Journal.file(rig.dataDir));
    const triggers = file
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
      .all() as { name: string; sql: string }[];
    file.exec(
      `${triggers.map((t) => `DROP TRIGGER ${t.name};`).join('')} UPDATE events SET body = '{}' WHERE seq = 3; ${triggers.map((t) => t.sql).join(';')}`,
    );
    file.close();
    j = rig.open();
    expect(j.condition()).toMatchObject({ kind: 'restored' });
    acknowledge(j);
    expect(waiting(j)).toEqual(['sealed 1', 'sealed 2']);
    // From the second log alone the facts come back; central says that the parts are missing.
    rig.close();
    rmSync(Journal.file(rig.dataDir));
    j = rig.open();
    expect(waiting(j)).toEqual([]);
    expect(j.unsent(50)?.events.map((e) => e.kind)).toContain('request-made');
  });
});
