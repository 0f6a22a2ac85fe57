import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drive } from './driver.ts';

const kills = Number(process.env['PILOTLIGHT_KILLS'] ?? 12);
const seed = Number(process.env['PILOTLIGHT_SEED'] ?? Date.now() % 1_000_000);

/**
 * The same as `npm run test:kill -- --kills N`: customers and their killer, in two halls, one
 * behind a pcscd that is killed too, the other paid through the gateway.
 */
test(
  `${kills} processes are killed at random and aimed instants, and all books agree`,
  async () => {
    console.log(`random kills, seed ${seed} (PILOTLIGHT_SEED=${seed} plays the same customers)`);
    const never = new AbortController();
    const pcscd =
      process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/sbin/pcscd');
    const report = await drive({
      kills,
      halls: 2,
      seed,
      pcscd,
      say: (line) => console.error(line),
      signal: never.signal,
    });
    console.log(JSON.stringify(report));
    expect(report.violations).toEqual([]);
    expect(Object.values(report.kills).reduce((a, b) => a + b, 0)).toBe(kills);
    expect(report.captured).toBeGreaterThan(0);
    expect(report.captured).toBe(report.delivered + report.refunded);
  },
  120_000 + kills * 12_000,
);
