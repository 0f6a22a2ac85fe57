import type { BillingClient } from '../../billing/types.ts';
import type { DeviceRegistry } from '../../device/device.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import type { ProviderKind } from '../../shared/contract/index.ts';
import { describeFailure, failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Command } from '../../shared/central-api/index.ts';
import type { IssuedPolicy } from '../../shared/policy.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { chinaTime, DAY_MS } from '../../shared/time.ts';
import { reconcileDaily } from '../reconcile/daily.ts';
import type { ServiceState } from '../state/kiosk.ts';

/** How often each thing is looked at: while it is well, and while it is not. */
export const PERIODS = {
  line: [15_000, 3_000],
  central: [20_000, 3_000],
  policy: [300_000, 5_000],
  commands: [20_000, 5_000],
  devices: [15_000, 5_000],
  local: [10_000, 10_000],
  upkeep: [3_600_000, 600_000],
} as const;
/** What is looked at now and then. */
export type Probe = keyof typeof PERIODS;

/** What the monitor looks at, and whom it tells. */
export interface MonitorOptions {
  readonly journal: Journal;
  readonly billing: BillingClient;
  readonly providers: readonly PaymentProvider[];
  readonly devices: DeviceRegistry;
  readonly clock: Clock;
  readonly log: LogFn;
  /** A provider number that is never used for a payment. */
  readonly probeTradeNo: string;
  /** Nothing is sold by a policy of before this one; left out: whichever central signed. */
  readonly minPolicyVersion?: number | undefined;
  readonly onChange: (change: Partial<ServiceState>) => void;
  readonly onCentralUp: () => void;
  /** Central's clock, as just heard. */
  readonly onCentralTime: (serverTimeMs: number) => void;
  readonly onCommand: (command: Command) => void;
  /** How often each thing is looked at, well and not well, in ms; {@link PERIODS} where not given. */
  readonly periods?: Readonly<Record<Probe, readonly [number, number]>>;
  /** Facts were written that are to be sent. */
  readonly onJournaled: () => void;
  /** A new epoch has begun: its first facts are to be sent. */
  readonly onEpoch: () => void;
}

/** A backup is made when the last one is older than this. */
const BACKUP_EVERY_MS = 24 * 3_600_000;
const FIRST_UPKEEP_MS = 60_000;
/** A time service slews or steps by less; so far only a clock goes that was wrong, and is set. */
const CLOCK_SET_MS = 600_000;

/** Watches what the service level depends on, and says every change once. */
export class Monitor {
  readonly #o: MonitorOptions;
  readonly #cancel = new Map<Probe, () => void>();
  readonly #turns = new Map<Probe, number>();
  readonly #unhook: (() => void)[] = [];
  /** No policy of before this one is taken. */
  #floor = 0;
  #stopped = false;
  #skewMs: number | null = null;
  /** The wall clock less the monotonic one, at the last look; null: not looked yet. */
  #aheadMs: number | null = null;
  #policy: IssuedPolicy | null = null;
  #last: Partial<ServiceState> = {};

  constructor(options: MonitorOptions) {
    this.#o = options;
  }

  start(): void {
    const kept = this.#o.journal.meta('policy');
    if (kept !== null) {
      const policy = this.#o.billing.verifyPolicy(kept);
      if (policy.ok) this.#takePolicy(policy.value);
    }
    // A journal that was restored, or a kept policy that does not hold: the facts tell which it was.
    if (this.#policy === null) this.#floor = this.#o.journal.policyVersionTaken() ?? 0;
    const { devices } = this.#o;
    for (const device of devices)
      this.#unhook.push(device.onChange(() => this.#say({ devices: devices.reports() })));
    for (const probe of Object.keys(PERIODS) as Probe[]) {
      // Room and backups cost the disk a moment: not the one in which a customer waits for the
      // screen.
      if (probe === 'upkeep')
        this.#cancel.set(
          probe,
          this.#o.clock.after(FIRST_UPKEEP_MS, () => this.#run(probe)),
        );
      else this.#run(probe);
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancel.values()) cancel();
    for (const off of this.#unhook) off();
  }

  /** Told by the uploader. */
  centralReached(up: boolean): void {
    if (this.#stopped) return;
    const was = this.#last.centralUp;
    this.#say({ centralUp: up });
    if (up && was === false) {
      if (this.#policy === null) this.#run('policy');
      this.#o.onCentralUp();
    }
  }
  /** Central and this disk disagree. Kept on disk: a restart does not make it good again. */
  forked(f: Failure): void {
    this.#o.log('error', 'upload', describeFailure(f));
    this.#o.journal.needEpoch(f.detail ?? f.code);
    this.#judge();
    this.#run('commands');
  }
  /** Central has something to tell: asked at once instead of at the next regular time. */
  commandsWanted(): void {
    this.#run('commands');
  }
  /** Something that selling depends on was changed here (a technician's word). */
  judgeAgain(): void {
    this.#judge();
  }

  #run(probe: Probe): void {
    this.#cancel.get(probe)?.();
    // Asked out of turn while an answer is awaited: only the newest asking goes on.
    const turn = (this.#turns.get(probe) ?? 0) + 1;
    this.#turns.set(probe, turn);
    void this.#probe(probe).then((well) => {
      if (!this.#stopped && this.#turns.get(probe) === turn)
        this.#cancel.set(
          probe,
          this.#o.clock.after((this.#o.periods ?? PERIODS)[probe][well ? 0 : 1], () =>
            this.#run(probe),
          ),
        );
    });
  }

  async #probe(probe: Probe): Promise<boolean> {
    const { billing, providers, devices, probeTradeNo } = this.#o;
    switch (probe) {
      case 'line': {
        const asked = await Promise.all(
          providers.map(async (provider) => ({
            kind: provider.kind,
            answer: await provider.query({ outTradeNo: probeTradeNo, amountFen: 0 }),
          })),
        );
        const down: ProviderKind[] = [];
        for (const { kind, answer } of asked) {
          // An unsigned "no such order" still shows that the line is there. Nothing is built on it:
          // a code is shown, and a payment believed, only under its own good signature.
          if (
            answer.kind !== 'unknown' ||
            (answer.failure.code === 'PAY-0201' &&
              /^HTTP 404\b.*signature headers missing$/.test(answer.failure.detail ?? ''))
          )
            continue;
          down.push(kind);
          if (this.#last.linesDown?.includes(kind) !== true)
            this.#o.log('warn', 'payment', `line of ${kind}: ${describeFailure(answer.failure)}`);
        }
        this.#say({ lineUp: down.length < providers.length, linesDown: down });
        return down.length === 0;
      }
      case 'central': {
        const answer = await billing.time();
        if (answer.ok)
          this.#skewMs = Math.round(
            this.#o.clock.nowMs() - answer.value.roundTripMs / 2 - answer.value.serverTimeMs,
          );
        if (answer.ok && !this.#stopped) this.#o.onCentralTime(answer.value.serverTimeMs);
        this.centralReached(answer.ok);
        this.#judge();
        return answer.ok;
      }
      case 'policy': {
        const answer = await billing.policy();
        if (!answer.ok) {
          if (answer.error.code !== 'BILL-0101')
            this.#o.log('warn', 'billing', describeFailure(answer.error));
          return false;
        }
        this.#offered(answer.value.policy, answer.value.raw);
        return true;
      }
      case 'commands':
        return this.#askCommands();
      case 'upkeep':
        return this.#upkeep();
      case 'devices': {
        const reports = await Promise.all([...devices].map((device) => device.look()));
        this.#say({ devices: devices.reports() });
        return reports.every((r) => r.usable);
      }
      case 'local':
        this.#judge();
        // What waits for an hour of the day does not wait for its turn by the old clock.
        if (this.#clockWasSet()) for (const late of ['policy', 'upkeep'] as const) this.#run(late);
        return true;
    }
  }

  /** The wall clock went another way than the time that has passed since the last look. */
  #clockWasSet(): boolean {
    const aheadMs = this.#o.clock.nowMs() - this.#o.clock.monoMs();
    const wasMs = this.#aheadMs ?? aheadMs;
    this.#aheadMs = aheadMs;
    return Math.abs(aheadMs - wasMs) > CLOCK_SET_MS;
  }

  async #askCommands(): Promise<boolean> {
    const { billing, journal } = this.#o;
    const answer = await billing.commands();
    if (!answer.ok) {
      if (answer.error.code !== 'BILL-0101')
        this.#o.log('warn', 'billing', describeFailure(answer.error));
      return false;
    }
    if (this.#stopped) return true;
    for (const command of answer.value.commands) this.#o.onCommand(command);
    const condition = journal.condition();
    if (condition.kind === 'good' || condition.epochGranted) return true;
    const { seq, hash } = journal.head;
    const granted = await billing.requestEpoch({
      epoch: journal.epoch,
      lastSeq: seq,
      lastHash: hash,
      why: condition.why.slice(0, 300),
    });
    if (!granted.ok) return false;
    if (this.#stopped || granted.value === null || granted.value <= journal.epoch) return false;
    journal.beginEpoch(granted.value, condition.why.slice(0, 300));
    this.#judge();
    this.#o.onEpoch();
    return true;
  }

  /**
   * Room kept for what is in flight, a daily backup, old facts let go that central holds,
   * yesterday's books compared. Never a reason to stop selling: the second log and central hold the
   * same facts.
   */
  async #upkeep(): Promise<boolean> {
    const { journal, clock, log } = this.#o;
    journal.keepBallast();
    let failed = false;
    const now = clock.nowMs();
    const at = Number(journal.meta('backup_ms') ?? '0');
    if (now - at >= BACKUP_EVERY_MS || now < at) {
      const made = await journal.backup();
      if (this.#stopped) return true;
      if (made.ok) journal.setMeta('backup_ms', String(now));
      else {
        failed = true;
        log('error', 'journal', `backup: ${describeFailure(made.error)}`);
      }
    }
    // Also where no backup could be made: room is used again, and the books are compared.
    if (this.#policy !== null) journal.prune(this.#policy.retentionDays * DAY_MS);
    try {
      await journal.shortenSecondLogs();
    } catch (cause) {
      log('error', 'journal', `the second log stays as long as it is: ${String(cause)}`);
    }
    if (this.#stopped) return true;
    const { billing, providers } = this.#o;
    const compared = reconcileDaily(
      { journal, billing, providers, clock, log, onJournaled: this.#o.onJournaled },
      () => this.#stopped,
    );
    return failed ? compared.then(() => false) : compared;
  }

  /** Central's policy: a newer version, or the same for longer. What is older is a replay. */
  #offered(policy: IssuedPolicy, raw: string): void {
    if (this.#stopped) return;
    const { journal, log } = this.#o;
    const mine = this.#policy;
    if (policy.version < this.#floor) {
      log('warn', 'billing', `policy ${policy.version} after ${this.#floor}: not taken`);
      return;
    }
    const newer = mine === null || policy.version > mine.version;
    if (!newer && policy.expiresAtMs <= mine.expiresAtMs) return;
    journal.setMeta('policy', raw);
    if (newer)
      journal.append([{ kind: 'policy-taken', orderId: null, body: { version: policy.version } }]);
    this.#takePolicy(policy);
  }

  #takePolicy(policy: IssuedPolicy): void {
    this.#floor = policy.version;
    this.#policy = policy;
    this.#say({ policy });
    this.#judge();
  }

  /**
   * How late it is: by the machine's clock, but never before what central said last. One that is
   * dead, or was set back, does not make a policy count for ever; one that is ahead is CORE-0102 as
   * soon as central is heard, and once it is right again nobody has to come.
   */
  #nowMs(): number {
    return Math.max(this.#o.clock.nowMs(), this.#o.journal.centralMs() ?? 0);
  }

  /** Why nothing may be sold by this policy. */
  #policyFault(policy: IssuedPolicy): Failure | null {
    const { minPolicyVersion = 0 } = this.#o;
    if (policy.version < minPolicyVersion)
      return failure(
        'SALE-0118',
        `policy version ${policy.version}, terminal.json asks for ${minPolicyVersion}`,
      );
    return policy.expiresAtMs < this.#nowMs()
      ? failure('SALE-0118', `policy ${policy.version} was over ${chinaTime(policy.expiresAtMs)}`)
      : null;
  }

  /** Why nothing may be sold at all. */
  #judge(): void {
    // What is answered after the end finds the journal closed; the process may live on.
    if (this.#stopped) return;
    const { journal, clock } = this.#o;
    const condition = journal.condition();
    let blocked: Failure | null = null;
    if (condition.kind === 'restored' && !condition.accepted)
      blocked = failure('JRNL-0106', condition.why);
    else if (condition.kind !== 'good' && !condition.epochGranted)
      blocked = failure(condition.kind === 'forked' ? 'BILL-0104' : 'BILL-0109', condition.why);
    if (journal.space() !== 'ample') blocked ??= failure('JRNL-0104');
    const policy = this.#policy;
    if (blocked === null && policy !== null) {
      if (this.#skewMs !== null && Math.abs(this.#skewMs) > policy.maxClockSkewMs)
        blocked = failure('CORE-0102', `${this.#skewMs} ms`);
      blocked ??= this.#policyFault(policy);
      const u = journal.unsynced();
      if (
        blocked === null &&
        (u.events > policy.unsynced.maxEvents ||
          u.soldFen > policy.unsynced.maxFen ||
          (u.oldestMs !== null && clock.nowMs() - u.oldestMs > policy.unsynced.maxAgeMs))
      ) {
        blocked = failure('SALE-0110', `not uploaded: ${u.events} events, ${u.soldFen} fen`);
      }
    }
    this.#say({ blocked, clockSkewMs: this.#skewMs });
  }

  #say(change: Partial<ServiceState>): void {
    const fresh = Object.entries(change).filter(
      ([k, v]) => JSON.stringify(v) !== JSON.stringify(this.#last[k as keyof ServiceState]),
    );
    this.#last = { ...this.#last, ...change };
    if (fresh.length > 0 && !this.#stopped) this.#o.onChange(Object.fromEntries(fresh));
  }
}
