import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openPglite } from '../../../src/central/db/pglite.ts';
import { openRoom } from './harness.ts';
import type { Terminal } from './harness.ts';

describe('the embedded database', () => {
  it('sells, and keeps its books', async () => {
    const room = await openRoom(await openPglite(null), 1);
    const t = room.terminals[0] as Terminal;
    const orderId = `PL-${t.id}-1-0001-0000`;
    const quote = await t.client.quote({
      orderId,
      cardNo: '8800003922',
      nextCount: 42,
      amountFen: 10_000,
    });
    if (!quote.ok) throw new Error(quote.error.code);
    t.journal.quoted(orderId, quote.value, '1002203322');
    t.journal.paid(orderId, 10_000);
    const nul = t.journal.add('attempt-paid', orderId, {
      attemptId: `${orderId}/2`,
      transactionId: '42\0',
      amountFen: 10_000,
      taken: false,
    });
    t.journal.delivered(orderId, quote.value);
    expect(await t.upload()).toEqual([nul]);
    expect(
      await room.db.query('SELECT kind, amount_fen FROM ledger ORDER BY entry_id'),
    ).toMatchObject([
      { kind: 'captured', amount_fen: 10_000 },
      { kind: 'delivered', amount_fen: 10_000 },
      { kind: 'carried' },
    ]);
    await room.close();
  });

  it('what was committed on disk survives SIGKILL, and one process has the folder', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pl-central-'));
    try {
      const dbModule = pathToFileURL(
        join(import.meta.dirname, '../../../src/central/db/pglite.ts'),
      ).href;
      const migrateModule = new URL('migrate.ts', dbModule).href;
      const script = `const { openPglite } = await import(${JSON.stringify(dbModule)}); const { migrate } = await import(${JSON.stringify(migrateModule)}); const db = await openPglite(${JSON.stringify(dir)}); await migrate(db); await db.transaction((tx) => tx.query("INSERT INTO tariffs VALUES ('kept', 1, '[]')")); process.stdout.write('committed'); setInterval(() => undefined, 1000);`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve());
        child.once('exit', (code) => reject(new Error(`exit ${code}`)));
      });
      await expect(openPglite(dir)).rejects.toThrow('in use');
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      const db = await openPglite(dir);
      expect(await db.query("SELECT tariff_id FROM tariffs WHERE tariff_id = 'kept'")).toHaveLength(
        1,
      );
      await db.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }, 90_000);
});
