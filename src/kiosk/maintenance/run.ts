import { cardSaleOf } from '../../shared/sale.ts';
import type { BillingClient } from '../../billing/types.ts';
import type { CardReader, LayoutRegistry, PinVerdict } from '../../card/index.ts';
import type { Printer, SlipLine } from '../../device/printer/types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import { toHex } from '../../shared/bytes.ts';
import type { Header, OrderStory } from '../../shared/contract/index.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import { formatYuan } from '../../shared/money.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { never } from '../../shared/result.ts';
import { chinaTime } from '../../shared/time.ts';
import { lockLeftMs, NO_MAINTENANCE } from '../state/maintenance.ts';
import type {
  KeptLock,
  MaintenanceFacts,
  MaintenanceNews,
  MaintenanceOp,
  MaintenanceState,
  PinCard,
} from '../state/maintenance.ts';
import { orderFacts, standingOf, storyOf } from '../words/facts.ts';
import type { OrderAction } from '../words/facts.ts';
import { orderRef } from '../../shared/order-id.ts';
import { lastReconciled } from '../reconcile/daily.ts';
import { maskCardNo } from '../../shared/mask.ts';

/** What maintenance mode needs of the machine. */
export interface MaintenancePorts {
  readonly version: string;
  /** False: nobody may enter. */
  readonly enabled: boolean;
  /**
   * Whose PIN it is, of all users or of the one named; null: nobody's. Off the event loop, and as
   * slow for a wrong one as for a right one.
   */
  readonly checkPin: (pin: string, of?: string) => Promise<string | null>;
  /** The users' technician cards: number to name. Left out: nobody has one. */
  readonly cards?: ReadonlyMap<string, string>;
  readonly hasPrinter: boolean;
  /** Checks the journal's files beside the running core. */
  readonly verify: () => Promise<{ readonly ok: boolean; readonly problems: readonly string[] }>;
  /**
   * Writes, syncs and reads back a scratch file where the journal lives; the milliseconds it took. @throws
   * when the disk does not.
   */
  readonly scratch: () => Promise<number>;
  readonly uploadNow: () => void;
  /** Selling may be judged anew: a technician's word changed what it depends on. */
  readonly onChanged: () => void;
  /** Skew to central above which the clock counts as wrong, ms. */
  readonly maxClockSkewMs: () => number;
}

export interface RunnerOptions {
  readonly ports: MaintenancePorts;
  readonly journal: Journal;
  readonly reader: CardReader;
  readonly layouts: LayoutRegistry;
  readonly random: Random;
  readonly printer: Printer;
  /** Does the code scanner answer now? */
  readonly scannerUp: () => boolean;
  readonly providers: readonly PaymentProvider[];
  readonly billing: BillingClient;
  readonly clock: Clock;
  readonly header: Omit<Header, 'hotline'>;
  readonly log: LogFn;
  readonly tell: (news: MaintenanceNews) => void;
}

/** What a technician's card answers to. */
const CHALLENGE_BYTES = 8;
/** Keys of the journal's meta table. */
const LOCK = 'maintenance.lock';
const OPEN = 'maintenance.open';
const OUT = 'maintenance.out';
/** What is said once a word on an order is on record. */
const SETTLED = { zh: '已登记了结', en: 'recorded as settled' };
const SAID: Readonly<Record<OrderAction, ErrorText>> = {
  'retry-refund': { zh: '已按原退款单号重新退款', en: 'refunding again, under its own number' },
  'card-lost': {
    zh: '已登记，中心确认后转人工处理',
    en: 'recorded: goes to a person once central confirms',
  },
  'settle-refunded-by-hand': SETTLED,
  'settle-delivered-by-hand': SETTLED,
  'settle-nothing-due': SETTLED,
};
/** A self-test that has not answered by then has not passed. */
const TEST_MS = 20_000;
/** Parked and open orders come first among these. */
const ORDERS_SHOWN = 60;

/** Maintenance mode as the last run left it. A restart ends an open one, and says so. */
export function maintenanceAtStart(
  journal: Journal,
  ports: MaintenancePorts | undefined,
  clock: Clock,
): MaintenanceState {
  const outOfService = journal.meta(OUT) === '1';
  const who = journal.meta(OPEN) ?? '';
  if (who !== '') {
    journal.append([{ kind: 'maintenance-left', orderId: null, body: { who, why: 'restart' } }]);
    journal.setMeta(OPEN, '');
  }
  const text = journal.meta(LOCK) ?? '';
  const kept: KeptLock | null = text === '' ? null : (JSON.parse(text) as KeptLock);
  const left = kept === null ? 0 : lockLeftMs(kept, clock.nowMs());
  return {
    ...NO_MAINTENANCE,
    enabled: ports?.enabled === true,
    cards: ports?.cards ?? NO_MAINTENANCE.cards,
    version: ports?.version ?? '',
    outOfService,
    fails: kept?.fails ?? 0,
    lockedUntilMono: left === 0 ? 0 : clock.monoMs() + left,
  };
}

/** Carries out maintenance mode's effects; the end of each is told. */
export class MaintenanceRunner {
  readonly #o: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#o = options;
  }

  run(op: MaintenanceOp): void {
    const { journal, ports, clock, log, tell } = this.#o;
    switch (op.kind) {
      case 'check-pin': {
        // On disk before the check begins: pulling the plug during it saves no try.
        const kept: KeptLock = { fails: op.fails, setMs: clock.nowMs(), lockMs: op.lockMs };
        journal.setMeta(LOCK, JSON.stringify(kept));
        const { card } = op;
        if (card === null)
          void ports
            .checkPin(op.pin)
            .then((who) => tell({ news: 'checked', check: op.check, who }));
        else
          void this.#atCard(op.pin, card).then((verdict) =>
            tell(
              verdict === 'open'
                ? { news: 'checked', check: op.check, who: card.who }
                : {
                    news: 'checked',
                    check: op.check,
                    who: null,
                    card: { who: card.who, why: verdict },
                  },
            ),
          );
        return;
      }
      case 'clear-lock':
        journal.setMeta(LOCK, '');
        return;
      case 'keep-open':
        journal.setMeta(OPEN, op.who ?? '');
        return;
      case 'keep-out':
        journal.setMeta(OUT, op.out ? '1' : '');
        return;
      case 'look':
        tell({ news: 'looked', facts: this.#facts(op.openOrderId) });
        return;
      case 'test':
        void this.#test(op.device).then(({ ok, detail }) => {
          log(ok ? 'info' : 'warn', 'maintenance', `self-test ${op.device}: ${detail.en}`);
          tell({ news: 'tested', device: op.device, ok, detail });
        });
        return;
      case 'verify':
        void ports
          .verify()
          .then(({ ok, problems }) =>
            tell({ news: 'verified', ok, problems, atMs: clock.nowMs() }),
          );
        return;
      case 'upload':
        ports.uploadNow();
        return;
      case 'accept-damage': {
        const accepted = journal.acceptDamage(op.who, op.why);
        ports.onChanged();
        tell({
          news: 'told',
          text: accepted
            ? { zh: '已确认恢复结果', en: 'the restore is accepted' }
            : { zh: '没有待确认的恢复', en: 'there is nothing to accept' },
        });
        return;
      }
      case 'order': {
        const { action } = op;
        if (
          action !== 'retry-refund' &&
          action !== 'settle-refunded-by-hand' &&
          action !== 'settle-delivered-by-hand' &&
          action !== 'settle-nothing-due' &&
          action !== 'card-lost'
        )
          return;
        const order = journal.order(op.orderId);
        const events =
          order === undefined
            ? null
            : orderFacts(
                order,
                journal.attemptsOf(op.orderId),
                action,
                op.who,
                op.why,
                op.reference,
              );
        if (events === null)
          tell({
            news: 'told',
            text: { zh: '这笔订单已不需要此操作', en: 'this no longer applies to the order' },
          });
        else tell({ news: 'decided', events, text: SAID[action] });
        return;
      }
      case 'print-story':
        void this.#printStory(op.orderId).then((ok) =>
          tell({
            news: 'told',
            text: ok
              ? { zh: '已打印', en: 'printed' }
              : { zh: '没有打出来，请检查打印机', en: 'not printed: check the printer' },
          }),
        );
        return;
      case 'log':
        log('info', 'maintenance', op.message);
        return;
      default:
        never(op);
    }
  }

  /** A technician's PIN at his card: by the card itself where it can, else by his own hash. */
  async #atCard(pin: string, card: PinCard): Promise<PinVerdict | 'no-answer'> {
    const { ports, reader, layouts, random, log } = this.#o;
    if (card.judgedBy === null)
      return (await ports.checkPin(pin, card.who)) === card.who ? 'open' : 'wrong';
    const present = layouts.byId(card.judgedBy)?.presentPin;
    if (present === undefined) return 'no-answer';
    const verdict = await present(
      reader.open(card.insertion),
      card.cardNo,
      pin,
      random.bytes(CHALLENGE_BYTES),
    );
    if (verdict.ok) return verdict.value;
    log('warn', 'maintenance', `card of ${card.who}: ${describeFailure(verdict.error)}`);
    return 'no-answer';
  }

  #facts(openOrderId: string | null): MaintenanceFacts {
    const { journal, reader, ports, clock } = this.#o;
    const rows = journal.recentOrders(ORDERS_SHOWN);
    const orders = rows.map((order): OrderStory => {
      const standing = standingOf(order, journal.attemptsOf(order.orderId), ports.hasPrinter);
      return {
        orderId: order.orderId,
        orderRef: orderRef(order.orderId),
        ...standing,
        actions: [...standing.actions],
        amountFen: order.sale.amountFen,
        cardMasked: maskCardNo(cardSaleOf(order).cardNo),
        createdMs: order.createdMs,
        story:
          order.orderId === openOrderId
            ? journal
                .story(order.orderId)
                .map((e) => ({ atMs: e.atMs, text: storyOf(e.kind, e.body) }))
            : [],
      };
    });
    const first = (o: OrderStory): number => (o.state === 'parked' ? 0 : 1);
    orders.sort((a, b) => first(a) - first(b));
    const { events, oldestMs, soldFen } = journal.unsynced();
    const backupMs = Number(journal.meta('backup_ms') ?? '0');
    const free = journal.freeBytes();
    const condition = journal.condition();
    const { seq, hash } = journal.head;
    return {
      readerName: reader.name(),
      hasPrinter: ports.hasPrinter,
      orders,
      space: journal.space(),
      sync: {
        unsentEvents: events,
        unsentFen: soldFen,
        oldestUnsentMs: oldestMs,
        epoch: journal.epoch,
        headSeq: seq,
        headHash: hash,
        // Coarse, so that another program's file makes no new screen.
        freeBytes: free >= 1e9 ? Math.floor(free / 1e8) * 1e8 : Math.floor(free / 1e7) * 1e7,
        backupAtMs: backupMs > 0 && backupMs <= clock.nowMs() ? backupMs : null,
        reconciled: lastReconciled(journal),
        damage:
          condition.kind === 'good'
            ? null
            : condition.kind === 'restored'
              ? {
                  atMs: condition.atMs,
                  why: condition.why,
                  aside: condition.aside,
                  restoredSeq: condition.restoredSeq,
                  lostAfterSeq: condition.lostAfterSeq,
                  accepted: condition.accepted,
                  epochGranted: condition.epochGranted,
                }
              : // Nothing was damaged: central holds other facts, and only central can let it go on.
                {
                  atMs: condition.atMs,
                  why: condition.why,
                  aside: '',
                  restoredSeq: seq,
                  lostAfterSeq: null,
                  accepted: true,
                  epochGranted: condition.epochGranted,
                },
      },
    };
  }

  async #printStory(orderId: string): Promise<boolean> {
    const { journal, printer, header, clock } = this.#o;
    const order = journal.order(orderId);
    if (order === undefined) return false;
    const attempts = journal.attemptsOf(orderId);
    const { reason, nextStep } = standingOf(order, attempts, true);
    const lines: SlipLine[] = [
      { kind: 'text', text: '订单经过', align: 'center', size: 'double' },
      { kind: 'rule' },
      { kind: 'pair', label: '订单号', value: orderRef(orderId) },
      { kind: 'pair', label: '卡号', value: maskCardNo(cardSaleOf(order).cardNo) },
      { kind: 'pair', label: '金额', value: `${formatYuan(order.sale.amountFen)} 元` },
      { kind: 'pair', label: '终端', value: header.terminalId },
      { kind: 'pair', label: '打印', value: chinaTime(clock.nowMs()) },
      { kind: 'rule' },
      ...journal.story(orderId).map((e): SlipLine => ({
        kind: 'text',
        text: `${chinaTime(e.atMs).slice(5)} ${storyOf(e.kind, e.body).zh}`,
      })),
    ];
    if (reason.zh !== '')
      lines.push({ kind: 'rule' }, { kind: 'text', text: `${reason.zh}。${nextStep.zh}` });
    return (await printer.print(lines)).ok;
  }

  /** A real test of one device, within its time. */
  async #test(device: string): Promise<{ readonly ok: boolean; readonly detail: ErrorText }> {
    const late = sleep(this.#o.clock, TEST_MS).then(() =>
      outcome(false, `${TEST_MS / 1000} 秒内没有应答`, `no answer within ${TEST_MS / 1000} s`),
    );
    return Promise.race([this.#testNow(device), late]);
  }

  async #testNow(device: string): Promise<{ readonly ok: boolean; readonly detail: ErrorText }> {
    const { reader, printer, billing, providers, ports, clock, header, journal } = this.#o;
    const began = clock.monoMs();
    const ms = (): number => Math.round(clock.monoMs() - began);
    switch (device) {
      case 'reader': {
        const status = reader.status();
        if (status.state === 'offline' || status.state === 'mute')
          return outcome(false, describeFailure(status.failure), describeFailure(status.failure));
        if (status.state === 'empty')
          return outcome(true, '读卡器应答正常，卡座空', 'the reader answers; no card');
        // Reset and answer only: nothing is selected, nothing is written.
        const atr = await reader.open(status.insertion).reset();
        return atr.ok
          ? outcome(
              true,
              `卡复位应答 ${toHex(atr.value)}，${ms()} 毫秒`,
              `the card answers ${toHex(atr.value)} in ${ms()} ms`,
            )
          : outcome(false, describeFailure(atr.error), describeFailure(atr.error));
      }
      case 'printer': {
        const printed = await printer.print([
          { kind: 'text', text: '打印机自检', align: 'center', size: 'double' },
          { kind: 'pair', label: '终端', value: header.terminalId },
          { kind: 'pair', label: '时间', value: chinaTime(clock.nowMs()) },
          { kind: 'text', text: '字迹清楚、切纸完整即为正常。' },
        ]);
        return printed.ok
          ? outcome(true, `测试凭条已打印，${ms()} 毫秒`, `the test slip is printed, ${ms()} ms`)
          : outcome(false, describeFailure(printed.error), describeFailure(printed.error));
      }
      case 'scanner':
        // Whether it reads, only a code before it shows: the technician holds one there on the pay
        // screen.
        return this.#o.scannerUp()
          ? outcome(
              true,
              '线路通；请在付款页用一个码试读',
              'its line is open; try a code on the pay screen',
            )
          : outcome(false, 'DEV-0201', 'DEV-0201');
      case 'central':
      case 'clock': {
        const answer = await billing.time();
        if (!answer.ok)
          return outcome(false, describeFailure(answer.error), describeFailure(answer.error));
        const skewMs = Math.round(
          clock.nowMs() - answer.value.roundTripMs / 2 - answer.value.serverTimeMs,
        );
        const good = device === 'central' || Math.abs(skewMs) <= ports.maxClockSkewMs();
        const skew = `${skewMs >= 0 ? '+' : '−'}${(Math.abs(skewMs) / 1000).toFixed(1)}`;
        return outcome(
          good,
          `应答 ${ms()} 毫秒，与中心相差 ${skew} 秒`,
          `answered in ${ms()} ms, ${skew} s from central`,
        );
      }
      case 'journal': {
        const { ok, problems } = await ports.verify();
        return ok
          ? outcome(true, `账本校验通过，${ms()} 毫秒`, `the journal is whole, ${ms()} ms`)
          : outcome(false, problems[0] ?? '', problems[0] ?? '');
      }
      case 'disk':
        try {
          const took = await ports.scratch();
          const good = journal.space() === 'ample';
          return outcome(
            good,
            `写、同步、读回 ${Math.round(took)} 毫秒${good ? '' : '，空间不足'}`,
            `written, synced and read back in ${Math.round(took)} ms${good ? '' : '; too little space'}`,
          );
        } catch (cause) {
          return outcome(false, String(cause), String(cause));
        }
      default: {
        const provider = providers.find((p) => device === `line-${p.kind}`);
        if (provider === undefined) return outcome(false, '没有这个设备', 'no such device');
        const answer = await provider.query({
          outTradeNo: `PROBE${header.terminalId}`,
          amountFen: 0,
        });
        return answer.kind === 'unknown'
          ? outcome(false, describeFailure(answer.failure), describeFailure(answer.failure))
          : outcome(true, `应答已验签，${ms()} 毫秒`, `a verified answer in ${ms()} ms`);
      }
    }
  }
}

function outcome(
  ok: boolean,
  zh: string,
  en: string,
): { readonly ok: boolean; readonly detail: ErrorText } {
  return { ok, detail: { zh, en } };
}
