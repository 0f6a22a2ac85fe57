import { existsSync } from 'node:fs';
import { createBillingClient } from '../../billing/client.ts';
import { journalFailure } from '../../journal/disk-cause.ts';
import { Journal } from '../../journal/journal.ts';
import { openToRead } from '../../journal/open-to-read.ts';
import type { OpenToRead } from '../../journal/open-to-read.ts';
import { readMoneyDay } from '../../journal/money-day.ts';
import { reconcileDay } from '../../kiosk/reconcile/day.ts';
import { DEED_WORDS, DIFFERENCE_WORDS, todo } from '../../kiosk/words/reconcile.ts';
import type { DayReport, Difference } from '../../kiosk/reconcile/report.ts';
import { loadPayments } from '../../payment/load.ts';
import { failure } from '../../shared/errors.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import { formatYuan } from '../../shared/money.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { loadConfig } from '../config.ts';
import { clockBeside } from '../demo-clock.ts';
import { loadCentralLine } from '../core/central-line.ts';
import { loadTerminalKeys } from '../core/terminal-keys.ts';
import { table } from './text.ts';

const NETWORK_TIMEOUT_MS = 8_000;

/** What `--json` prints: the report, each difference in words. */
export interface ReconcileAnswer extends Omit<DayReport, 'differences'> {
  readonly differences: readonly (Difference & {
    readonly what: ErrorText;
    readonly system: ErrorText;
    readonly todo: ErrorText;
  })[];
}

/**
 * Compares a day: the bills of the configured providers, the journal (read beside a running core,
 * nothing is written), central's ledger. The error says why it cannot be done at all.
 */
export async function reconcileAt(
  configFile: string,
  date: string,
  machine: { readonly clock: Clock; readonly random: Random },
): Promise<Result<ReconcileAnswer, Failure>> {
  const loaded = loadConfig(configFile);
  if (!loaded.ok) return loaded;
  const ports = { ...machine, clock: clockBeside(loaded.value, machine.clock) };
  const { config, path, baseDir } = loaded.value;
  const line = loadCentralLine(loaded.value);
  if (!line.ok) return line;
  const providers = loadPayments(config, baseDir, {
    ...ports,
    timeoutMs: NETWORK_TIMEOUT_MS,
    gatewaySend: line.value,
  });
  if (!providers.ok) return providers;
  const terminalKeys = loadTerminalKeys(loaded.value);
  if (!terminalKeys.ok) return terminalKeys;
  const billing = createBillingClient({
    clock: ports.clock,
    random: ports.random,
    baseUrl: config.central.baseUrl,
    terminalId: config.terminalId,
    ...terminalKeys.value,
    timeoutMs: NETWORK_TIMEOUT_MS,
    ...(line.value === undefined ? {} : { send: line.value }),
  });
  const file = Journal.file(path(config.dataDir));
  if (!existsSync(file)) return err(failure('JRNL-0101', `no journal at ${file}`));
  let opened: OpenToRead | null = null;
  try {
    const { db } = (opened = openToRead(file));
    const report = await reconcileDay(date, {
      terminalId: config.terminalId,
      providers: providers.value,
      money: (query) => readMoneyDay(db, query),
      ledger: (day) => billing.ledger(day),
      nowMs: () => ports.clock.nowMs(),
    });
    if (!report.ok) return err(failure('JRNL-0101', report.error));
    return ok({
      ...report.value,
      differences: report.value.differences.map((d) => ({
        ...d,
        what: DIFFERENCE_WORDS[d.type],
        system: DEED_WORDS[d.did],
        todo: todo(d),
      })),
    });
  } catch (cause) {
    return err(journalFailure(file, cause));
  } finally {
    opened?.close();
  }
}

/**
 * 0: the books agree, as far as they are closed · 1: a person must look · 3: not all could be
 * compared now, ask again later.
 */
export function reconcileCode(report: Pick<DayReport, 'persons' | 'complete'>): 0 | 1 | 3 {
  return report.persons > 0 ? 1 : report.complete ? 0 : 3;
}

const money = (fen: number | null): string => (fen === null ? '-' : formatYuan(fen));

export function reconcileText(answer: ReconcileAnswer): string {
  const sums = table([
    ['provider', 'bill', 'payments', 'refunds', 'reversals', 'other terminals'],
    ...answer.providers.map((p) => [
      p.provider,
      p.detail === null ? p.bill : `${p.bill} (${p.detail})`,
      ...[p.payments, p.refunds, p.reversals, p.others].map(
        (s) => `${s.count}: ${formatYuan(s.fen)}`,
      ),
    ]),
  ]);
  const lines = [
    `terminal ${answer.terminalId}, ${answer.date} (China)`,
    sums,
    `central’s ledger: ${answer.ledger}${answer.ledgerDetail === null ? '' : ` (${answer.ledgerDetail})`}`,
  ];
  for (const d of answer.differences) {
    lines.push(
      `${d.type}${d.person ? '' : ' (nobody needs to act)'}: ${`${d.provider} ${d.outTradeNo}`.trim()}${d.orderId === null ? '' : `, order ${d.orderId}`}; journal ${money(d.journalFen)}, bill ${money(d.billFen)}, ledger ${money(d.ledgerFen)}`,
    );
    lines.push(
      `  ${d.what.zh}。系统：${d.system.zh}。人工：${d.todo.zh}`,
      `  ${d.what.en}. System: ${d.system.en}. You: ${d.todo.en}`,
    );
  }
  lines.push(
    answer.persons > 0
      ? `${answer.persons} for a person.`
      : answer.complete
        ? 'The books agree.'
        : 'Nothing is wrong so far, but not everything could be compared: run it again later (bills are ready after 10:00 of the next day).',
  );
  if (answer.persons > 0 && !answer.complete)
    lines.push('Not everything could be compared: run it again later.');
  return lines.join('\n');
}
