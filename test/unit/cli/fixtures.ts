import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '../../../src/journal/journal.ts';
import { systemClock, systemRandom } from '../../../src/main/ports.ts';
import { runCli } from '../../../src/main/cli/run.ts';
import type { CliPorts } from '../../../src/main/cli/run.ts';
import type { EventBody, JournalEvent } from '../../../src/shared/facts/catalogue.ts';
import type { Clock } from '../../../src/shared/ports.ts';

export const TERMINAL = '000000000311';

/** A folder of its own under the system's temporary one. */
export function temporaryFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'pilotlight-cli-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Runs the command line in this process, with no PC/SC service. */
export async function cli(
  args: readonly string[],
  cwd: string,
  ports: Partial<CliPorts> = {},
): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    cwd,
    out: (text) => {
      out += `${text}\n`;
    },
    err: (text) => {
      err += `${text}\n`;
    },
    clock: systemClock,
    random: systemRandom,
    pcsc: () => Promise.resolve({ kind: 'loads' }),
    readers: () => null,
    owners: { uid: 0, fstab: () => '', mounts: () => '' },
    ...ports,
  });
  return { code, out, err };
}

const attempt = (attemptId: string, n: number) =>
  ({
    kind: 'attempt-creating',
    body: {
      attemptId,
      provider: 'wechat',
      outTradeNo: `PL0311T${n}`,
      outRefundNo: `PL0311R${n}`,
      amountFen: 10_000,
      expiresAtMs: 1,
    },
  }) as const;

/** Two orders: one delivered after a first attempt that was closed, one parked. */
export function writeJournal(
  dataDir: string,
  secondPath: string,
  clock: Clock = systemClock,
): void {
  const opened = Journal.open({
    dataDir,
    secondPath,
    terminalId: TERMINAL,
    clock,
    random: systemRandom,
    onFatal: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.error.detail);
  const journal = opened.value;
  const order = (
    orderId: string,
    ...events: {
      [K in JournalEvent['kind']]: Omit<Extract<JournalEvent, { kind: K }>, 'orderId'>;
    }[JournalEvent['kind']][]
  ): void => {
    for (const event of events) journal.append([{ ...event, orderId }]);
  };
  const quote: EventBody<'order-quoted'> = {
    cardNo: '8800003921',
    userNo: '1002203344',
    layout: 'PL-CPU',
    unit: 'volume',
    nextCount: 42,
    amountFen: 10_000,
    quantity: 3773,
    shares: [{ tier: 1, priceE4: 26_500, quantity: 3773, costMicro: 99_984_500 }],
    carriedUsedMicro: 0,
    carriedAfterMicro: 15_500,
    tariffId: 'gas',
    tariffVersion: 1,
    offline: false,
    tag: 'ADE6788A',
  };
  const before = '002900001388000320C825101000000000';
  const after = '002A00000EBD00032F85261122ADE6788A';
  order(
    'PL-000000000311-1-0042',
    { kind: 'order-quoted', body: quote },
    attempt('a1', 1),
    { kind: 'attempt-pending', body: { attemptId: 'a1' } },
    { kind: 'attempt-closing', body: { attemptId: 'a1', why: 'expired' } },
    { kind: 'attempt-closed', body: { attemptId: 'a1' } },
    attempt('a2', 2),
    { kind: 'attempt-pending', body: { attemptId: 'a2' } },
    {
      kind: 'attempt-paid',
      body: { attemptId: 'a2', transactionId: 't2', amountFen: 10_000, taken: true },
    },
    { kind: 'order-paid', body: { attemptId: 'a2', amountFen: 10_000 } },
    {
      kind: 'order-delivering',
      body: { insertion: 1, before, after, cumulative: 208_773, plan: ['update'] },
    },
    {
      kind: 'order-delivered',
      body: { by: 'read-back', count: 42, quantity: 3773, cumulative: 208_773 },
    },
  );
  order(
    'PL-000000000311-1-0043',
    { kind: 'order-quoted', body: { ...quote, nextCount: 43 } },
    attempt('a3', 3),
    { kind: 'attempt-pending', body: { attemptId: 'a3' } },
    {
      kind: 'attempt-paid',
      body: { attemptId: 'a3', transactionId: 't3', amountFen: 10_000, taken: true },
    },
    { kind: 'order-paid', body: { attemptId: 'a3', amountFen: 10_000 } },
    {
      kind: 'order-delivering',
      body: { insertion: 2, before, after, cumulative: 208_773, plan: ['update'] },
    },
    {
      kind: 'order-parked',
      body: { reason: 'foreign card image', nextStep: 'service hall checks the card' },
    },
  );
  journal.close();
}
