import { defineConfig } from 'vitest/config';

/**
 * vitest's own second is short on a machine with other work; a test says a number only where it
 * waits for more, or for less.
 */
const expect = { poll: { timeout: 15_000 } };

/**
 * Suites: unit (everything in-process; central on a PostgreSQL of the run), concurrency (several
 * centrals on one database), integration (real pcscd), conformance (every layout on real
 * reader stacks; only in the full run), powercut (the journal’s disk replayed), proof (real
 * processes killed), e2e (browser and Electron). `scripts/test.mjs` runs them.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          expect,
          name: 'unit',
          maxWorkers: 2,
          include: ['test/unit/**/*.test.{ts,tsx}', 'test/attacks/**/*.test.ts'],
          globalSetup: ['test/support/postgres-setup.ts'],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          expect,
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          expect,
          name: 'concurrency',
          include: ['test/concurrency/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          expect,
          name: 'conformance',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          expect,
          name: 'powercut',
          include: ['test/powercut/**/*.test.ts'],
          // It yields to the suites beside it.
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          expect,
          name: 'kill',
          include: ['test/kill/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          expect,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/hall-setup.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          maxWorkers: 3,
        },
      },
    ],
  },
});
