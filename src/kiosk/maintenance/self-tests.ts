import type { BillingClient } from '../../billing/types.ts';
import type { CardReader } from '../../card/index.ts';
import type { Printer } from '../../device/printer/types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import { toHex } from '../../shared/bytes.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock } from '../../shared/ports.ts';
import { chinaTime } from '../../shared/time.ts';

/** What a self-test came to, with its evidence. */
export interface Outcome {
  readonly ok: boolean;
  readonly detail: ErrorText;
}

/** What the self-tests are made with. */
export interface Bench {
  readonly reader: CardReader;
  readonly printer: Printer;
  /** Does the code scanner answer now? */
  readonly scannerUp: () => boolean;
  readonly providers: readonly PaymentProvider[];
  readonly billing: BillingClient;
  readonly journal: Pick<Journal, 'space'>;
  readonly clock: Clock;
  readonly terminalId: string;
  /** Checks the journal's files beside the running core. */
  readonly verify: () => Promise<{ readonly ok: boolean; readonly problems: readonly string[] }>;
  /** As {@link MaintenancePorts.scratch}. */
  readonly scratch: () => Promise<number>;
  /** Skew to central above which the clock counts as wrong, ms. */
  readonly maxClockSkewMs: () => number;
}

/** A self-test that has not answered by then has not passed. */
const TEST_MS = 20_000;

/** A real test of one device, within its time. */
export async function selfTest(device: string, bench: Bench): Promise<Outcome> {
  const late = sleep(bench.clock, TEST_MS).then(() =>
    outcome(false, `${TEST_MS / 1000} 秒内没有应答`, `no answer within ${TEST_MS / 1000} s`),
  );
  const test = TESTS.get(device) ?? ((b, ms) => testLine(device, b, ms));
  const began = bench.clock.monoMs();
  const took = (): number => Math.round(bench.clock.monoMs() - began);
  return Promise.race([test(bench, took), late]);
}

/** `ms`: how long the test has taken so far. */
type Test = (bench: Bench, ms: () => number) => Promise<Outcome>;

/** By the device's id; every other id is a payment line's. */
const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['reader', testReader],
  ['printer', testPrinter],
  ['scanner', testScanner],
  ['central', testCentral],
  ['clock', testClock],
  ['journal', testJournal],
  ['disk', testDisk],
]);

async function testReader({ reader }: Bench, ms: () => number): Promise<Outcome> {
  const status = reader.status();
  if (status.state === 'offline' || status.state === 'mute') return failed(status.failure);
  if (status.state === 'empty')
    return outcome(true, '读卡器应答正常，卡座空', 'the reader answers; no card');
  // Reset and answer only: nothing is selected, nothing is written.
  const atr = await reader.open(status.insertion).reset();
  if (!atr.ok) return failed(atr.error);
  const hex = toHex(atr.value);
  return outcome(true, `卡复位应答 ${hex}，${ms()} 毫秒`, `the card answers ${hex} in ${ms()} ms`);
}

async function testPrinter(
  { printer, terminalId, clock }: Bench,
  ms: () => number,
): Promise<Outcome> {
  const printed = await printer.print([
    { kind: 'text', text: '打印机自检', align: 'center', size: 'double' },
    { kind: 'pair', label: '终端', value: terminalId },
    { kind: 'pair', label: '时间', value: chinaTime(clock.nowMs()) },
    { kind: 'text', text: '字迹清楚、切纸完整即为正常。' },
  ]);
  return printed.ok
    ? outcome(true, `测试凭条已打印，${ms()} 毫秒`, `the test slip is printed, ${ms()} ms`)
    : failed(printed.error);
}

/** Whether it reads, only a code before it shows: a technician holds one there on the pay screen. */
async function testScanner({ scannerUp }: Bench): Promise<Outcome> {
  return scannerUp()
    ? outcome(
        true,
        '线路通；请在付款页用一个码试读',
        'its line is open; try a code on the pay screen',
      )
    : outcome(false, 'DEV-0201', 'DEV-0201');
}

async function testCentral(bench: Bench, ms: () => number): Promise<Outcome> {
  return askTime(bench, ms, () => true);
}

async function testClock(bench: Bench, ms: () => number): Promise<Outcome> {
  return askTime(bench, ms, (skewMs) => Math.abs(skewMs) <= bench.maxClockSkewMs());
}

async function askTime(
  { billing, clock }: Bench,
  ms: () => number,
  good: (skewMs: number) => boolean,
): Promise<Outcome> {
  const answer = await billing.time();
  if (!answer.ok) return failed(answer.error);
  const { roundTripMs, serverTimeMs } = answer.value;
  const skewMs = Math.round(clock.nowMs() - roundTripMs / 2 - serverTimeMs);
  const skew = `${skewMs >= 0 ? '+' : '−'}${(Math.abs(skewMs) / 1000).toFixed(1)}`;
  return outcome(
    good(skewMs),
    `应答 ${ms()} 毫秒，与中心相差 ${skew} 秒`,
    `answered in ${ms()} ms, ${skew} s from central`,
  );
}

async function testJournal({ verify }: Bench, ms: () => number): Promise<Outcome> {
  const { ok, problems } = await verify();
  return ok
    ? outcome(true, `账本校验通过，${ms()} 毫秒`, `the journal is whole, ${ms()} ms`)
    : outcome(false, problems[0] ?? '', problems[0] ?? '');
}

async function testDisk({ scratch, journal }: Bench): Promise<Outcome> {
  try {
    const took = Math.round(await scratch());
    const good = journal.space() === 'ample';
    return outcome(
      good,
      `写、同步、读回 ${took} 毫秒${good ? '' : '，空间不足'}`,
      `written, synced and read back in ${took} ms${good ? '' : '; too little space'}`,
    );
  } catch (cause) {
    return outcome(false, String(cause), String(cause));
  }
}

/** A payment line is asked for a trade that nobody made: any answer that verifies will do. */
async function testLine(
  device: string,
  { providers, terminalId }: Bench,
  ms: () => number,
): Promise<Outcome> {
  const provider = providers.find((p) => device === `line-${p.kind}`);
  if (provider === undefined) return outcome(false, '没有这个设备', 'no such device');
  const answer = await provider.query({ outTradeNo: `PROBE${terminalId}`, amountFen: 0 });
  return answer.kind === 'unknown'
    ? failed(answer.failure)
    : outcome(true, `应答已验签，${ms()} 毫秒`, `a verified answer in ${ms()} ms`);
}

function outcome(ok: boolean, zh: string, en: string): Outcome {
  return { ok, detail: { zh, en } };
}

function failed(why: Failure): Outcome {
  return outcome(false, describeFailure(why), describeFailure(why));
}
