import type { BillingClient } from '../../billing/types.ts';
import type { DeviceRegistry, SelfTest } from '../../device/device.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock } from '../../shared/ports.ts';

/** What the self-tests are made with. */
export interface Bench {
  readonly devices: DeviceRegistry;
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
export async function selfTest(device: string, bench: Bench): Promise<SelfTest> {
  const late = sleep(bench.clock, TEST_MS).then(() =>
    outcome(false, `${TEST_MS / 1000} 秒内没有应答`, `no answer within ${TEST_MS / 1000} s`),
  );
  const own = bench.devices.get(device);
  const test: Test =
    own === undefined
      ? (TESTS.get(device) ?? ((b, ms) => testLine(device, b, ms)))
      : () => own.selfTest();
  const began = bench.clock.monoMs();
  const took = (): number => Math.round(bench.clock.monoMs() - began);
  return Promise.race([test(bench, took), late]);
}

/** `ms`: how long the test has taken so far. */
type Test = (bench: Bench, ms: () => number) => Promise<SelfTest>;

/** What is no device, by its id; every other id is a device's or a payment line's. */
const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['central', testCentral],
  ['clock', testClock],
  ['journal', testJournal],
  ['disk', testDisk],
  ['service', testAll],
]);

/** Each device is asked once more, and those that do not do their work are named. */
async function testAll({ devices }: Bench, ms: () => number): Promise<SelfTest> {
  const all = [...devices];
  const reports = await Promise.all(all.map((device) => device.look()));
  const down = all.filter((_, n) => reports[n]?.usable === false);
  const names = (lang: 'zh' | 'en'): string => down.map((d) => d.name[lang]).join('、');
  return outcome(
    down.length === 0,
    down.length === 0 ? `${all.length} 个设备都可用，${ms()} 毫秒` : `不可用：${names('zh')}`,
    down.length === 0 ? `${all.length} devices work, ${ms()} ms` : `not usable: ${names('en')}`,
  );
}

async function testCentral(bench: Bench, ms: () => number): Promise<SelfTest> {
  return askTime(bench, ms, () => true);
}

async function testClock(bench: Bench, ms: () => number): Promise<SelfTest> {
  return askTime(bench, ms, (skewMs) => Math.abs(skewMs) <= bench.maxClockSkewMs());
}

async function askTime(
  { billing, clock }: Bench,
  ms: () => number,
  good: (skewMs: number) => boolean,
): Promise<SelfTest> {
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

async function testJournal({ verify }: Bench, ms: () => number): Promise<SelfTest> {
  const { ok, problems } = await verify();
  return ok
    ? outcome(true, `账本校验通过，${ms()} 毫秒`, `the journal is whole, ${ms()} ms`)
    : outcome(false, problems[0] ?? '', problems[0] ?? '');
}

async function testDisk({ scratch, journal }: Bench): Promise<SelfTest> {
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
): Promise<SelfTest> {
  const provider = providers.find((p) => device === `line-${p.kind}`);
  if (provider === undefined) return outcome(false, '没有这个设备', 'no such device');
  const answer = await provider.query({ outTradeNo: `PROBE${terminalId}`, amountFen: 0 });
  return answer.kind === 'unknown'
    ? failed(answer.failure)
    : outcome(true, `应答已验签，${ms()} 毫秒`, `a verified answer in ${ms()} ms`);
}

function outcome(ok: boolean, zh: string, en: string): SelfTest {
  return { ok, detail: { zh, en } };
}

function failed(why: Failure): SelfTest {
  return outcome(false, describeFailure(why), describeFailure(why));
}
