import { cardNoOf } from '../../shared/sale.ts';
import type { BillingClient } from '../../billing/types.ts';
import type { CardReader, LayoutRegistry, PinVerdict } from '../../card/index.ts';
import { isFitted } from '../../device/device.ts';
import type { DeviceRegistry } from '../../device/device.ts';
import type { Printer, SlipLine } from '../../device/printer/types.ts';
import type { Journal } from '../../journal/journal.ts';
import type { PaymentProvider } from '../../payment/types.ts';
import type { Header, MaintenanceRole } from '../../shared/contract/index.ts';
import { ERRORS, describeFailure } from '../../shared/errors.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import { formatYuan } from '../../shared/money.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { never } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { shiftDoubts, shiftRef } from '../../shared/shift.ts';
import { chinaTime } from '../../shared/time.ts';
import { lockAtStart, NO_MAINTENANCE, parseLocks } from '../state/maintenance.ts';
import type {
  KeptLock,
  MaintenanceFacts,
  MaintenanceNews,
  MaintenanceOp,
  MaintenanceState,
  PinCard,
  Wanted,
} from '../state/maintenance.ts';
import { storyOf } from '../words/facts.ts';
import { orderFacts, standingOf } from '../words/standing.ts';
import type { OrderAction } from '../words/standing.ts';
import { orderRef } from '../../shared/order-id.ts';
import { lookAround } from './look.ts';
import type { Exports } from './look.ts';
import { closedByRef, comparedOf } from './daybook.ts';
import { purchasesOf } from '../words/purchases.ts';
import { copySlip } from '../words/my-account-slips.ts';
import { shiftSlip } from '../words/shift-slip.ts';
import type { SlipAt } from '../words/slip-base.ts';
import { LogReader } from './logs.ts';
import type { ProgramLine } from './logs.ts';
import { MachineRunner } from './machine.ts';
import { selfTest } from './self-tests.ts';
import type { SystemPort } from './system.ts';
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
  /** The users' roles, by name. Left out: all are technicians. */
  readonly roles?: ReadonlyMap<string, MaintenanceRole>;
  /** What may be exported, and where to. Left out: nothing. */
  readonly exports?: Exports & {
    /** Writes the export; what to tell of it, or why it was not written. Never rejects. */
    readonly write: () => Promise<Result<ErrorText, Failure>>;
  };
  /** The machine under the kiosk; left out: nothing is known of it, and it cannot be restarted. */
  readonly system?: SystemPort;
  /** What the programs warned of, the newest first; left out: nobody kept it. */
  readonly programLines?: () => readonly ProgramLine[];
  /** The users' technician cards: number to name. Left out: nobody has one. */
  readonly cards?: ReadonlyMap<string, string>;
  /** Checks the journal's files beside the running core. */
  readonly verify: () => Promise<{ readonly ok: boolean; readonly problems: readonly string[] }>;
  /**
   * Writes, syncs and reads back a scratch file where the journal lives; the milliseconds it took.
   *
   * @throws when the disk does not.
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
  readonly devices: DeviceRegistry;
  readonly providers: readonly PaymentProvider[];
  readonly billing: BillingClient;
  readonly clock: Clock;
  readonly header: Omit<Header, 'hotline'>;
  readonly log: LogFn;
  readonly hotline: () => string;
  /** Money or a card write is on its way. */
  readonly inFlight: () => boolean;
  /** As a kiosk's `setSpeakerLevel`. */
  readonly setSpeakerLevel: (level: number | null) => void;
  /** New facts are in the outbox. */
  readonly onJournaled: () => void;
  readonly tell: (news: MaintenanceNews) => void;
}

/** What a technician's card answers to. */
const CHALLENGE_BYTES = 8;
/** Keys of the journal's meta table. */
const LOCK = 'maintenance.lock';
const OPEN = 'maintenance.open';
const OUT = 'maintenance.out';
const PRINTED: ErrorText = { zh: '已打印', en: 'printed' };
const NOT_PRINTED: ErrorText = {
  zh: '没有打出来，请检查打印机',
  en: 'not printed: check the printer',
};
/** What is said once a word on an order is on record. */
const SETTLED = {
  zh: '已报中心，等第二人核准',
  en: 'sent to central, where a second person confirms',
};
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

function isOrderAction(action: string): action is OrderAction {
  return Object.hasOwn(SAID, action);
}

type Op<K extends MaintenanceOp['kind']> = Extract<MaintenanceOp, { kind: K }>;

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
  const kept = Object.entries(parseLocks(journal.meta(LOCK) ?? ''));
  return {
    ...NO_MAINTENANCE,
    enabled: ports?.enabled === true,
    cards: ports?.cards ?? NO_MAINTENANCE.cards,
    roles: ports?.roles ?? NO_MAINTENANCE.roles,
    version: ports?.version ?? '',
    outOfService,
    locks: new Map(
      kept.map(([way, lock]) => [way, lockAtStart(lock, clock.nowMs(), clock.monoMs())]),
    ),
  };
}

/** Carries out maintenance mode's effects; the end of each is told. */
export class MaintenanceRunner {
  readonly #o: RunnerOptions;
  readonly #logs: LogReader;
  readonly #machine: MachineRunner;

  constructor(options: RunnerOptions) {
    this.#o = options;
    const { ports } = options;
    this.#logs = new LogReader(options.journal, ports.programLines ?? (() => []));
    this.#machine = new MachineRunner({ ...options, system: ports.system ?? null });
  }

  run(op: MaintenanceOp): void {
    const { journal, ports, clock, log, tell } = this.#o;
    switch (op.kind) {
      case 'check-pin':
        this.#checkPin(op);
        return;
      case 'clear-lock':
        this.#keepLock(op.way, null);
        return;
      case 'keep-open':
        journal.setMeta(OPEN, op.who ?? '');
        return;
      case 'keep-out':
        journal.setMeta(OUT, op.out ? '1' : '');
        return;
      case 'look':
        tell({ news: 'looked', facts: this.#look(op.wanted) });
        if (op.wanted.tab === 'system') this.#machine.look();
        return;
      case 'look-back':
        tell({ news: 'looked-back', logs: this.#logs.look(op.log.filter, op.log.from) });
        return;
      case 'restart-core':
        this.#machine.restartCore();
        return;
      case 'restart-machine':
        this.#machine.restartMachine();
        return;
      case 'volume':
        this.#o.setSpeakerLevel(op.level);
        return;
      case 'brightness':
        this.#machine.setBrightness(op.percent);
        return;
      case 'readiness':
        this.#machine.readiness(op.of, op.paper);
        return;
      case 'test':
        this.#test(op.device);
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
      case 'accept-damage':
        this.#acceptDamage(op);
        return;
      case 'order':
        this.#decide(op);
        return;
      case 'print-story':
        this.#onPaper(() => this.#printStory(op.orderId));
        return;
      case 'print-copy':
        this.#onPaper(() => this.#printCopy(op.orderId));
        return;
      case 'print-shift':
        this.#onPaper(() => this.#printShift(op.ref, true));
        return;
      case 'close-shift':
        this.#closeShift(op);
        return;
      case 'export':
        void this.#export();
        return;
      case 'log':
        log('info', 'maintenance', op.message);
        return;
      default:
        never(op);
    }
  }

  #checkPin(op: Op<'check-pin'>): void {
    const { ports, clock, tell } = this.#o;
    const { check, pin, card } = op;
    const { way, fails, lockMs } = op.lock;
    // On disk before the check begins: pulling the plug during it saves no try.
    this.#keepLock(way, { fails, setMs: clock.nowMs(), lockMs });
    if (card === null) {
      void ports.checkPin(pin).then((who) => tell({ news: 'checked', check, way, who }));
      return;
    }
    const { who } = card;
    void this.#atCard(pin, card).then((verdict) =>
      tell(
        verdict === 'open'
          ? { news: 'checked', check, way, who }
          : { news: 'checked', check, way, who: null, card: { who, why: verdict } },
      ),
    );
  }

  /** @param lock null: the right PIN came */
  #keepLock(way: string, lock: KeptLock | null): void {
    const { journal } = this.#o;
    const kept = new Map(Object.entries(parseLocks(journal.meta(LOCK) ?? '')));
    kept.delete(way);
    if (lock !== null) kept.set(way, lock);
    journal.setMeta(LOCK, kept.size === 0 ? '' : JSON.stringify(Object.fromEntries(kept)));
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

  #look(wanted: Wanted): MaintenanceFacts {
    const { journal, devices, clock, ports } = this.#o;
    const hasPrinter = isFitted(devices.reports(), 'printer');
    const exports = ports.exports ?? null;
    return lookAround(journal, hasPrinter, wanted, clock.nowMs(), exports, this.#logs);
  }

  #test(device: string): void {
    const { header, ports, log, tell } = this.#o;
    const bench = { ...this.#o, ...ports, terminalId: header.terminalId };
    void selfTest(device, bench).then(({ ok, detail }) => {
      log(ok ? 'info' : 'warn', 'maintenance', `self-test ${device}: ${detail.en}`);
      tell({ news: 'tested', device, ok, detail });
    });
  }

  #acceptDamage({ who, why }: Op<'accept-damage'>): void {
    const accepted = this.#o.journal.acceptDamage(who, why);
    this.#o.ports.onChanged();
    this.#o.tell({
      news: 'told',
      text: accepted
        ? { zh: '已确认恢复结果', en: 'the restore is accepted' }
        : { zh: '没有待确认的恢复', en: 'there is nothing to accept' },
    });
  }

  /** A technician's word on an order, if its rows still allow it. */
  #decide({ orderId, action, who, why, reference }: Op<'order'>): void {
    const { journal, tell } = this.#o;
    if (!isOrderAction(action)) return;
    const order = journal.order(orderId);
    const events =
      order === undefined
        ? null
        : orderFacts(order, journal.attemptsOf(orderId), action, who, why, reference);
    tell(
      events === null
        ? {
            news: 'told',
            text: { zh: '这笔订单已不需要此操作', en: 'this no longer applies to the order' },
          }
        : { news: 'decided', events, text: SAID[action] },
    );
  }

  #onPaper(print: () => Promise<boolean>): void {
    void print().then((ok) => this.#o.tell({ news: 'told', text: ok ? PRINTED : NOT_PRINTED }));
  }

  /** Closes the shift if its figures allow it, and prints it. */
  #closeShift({ number, who, why }: Op<'close-shift'>): void {
    const { journal, tell, devices, onJournaled } = this.#o;
    const say = (zh: string, en: string): void => tell({ news: 'told', text: { zh, en } });
    const condition = journal.condition();
    if (condition.kind === 'restored' && !condition.accepted)
      return say('账本恢复过：先在“同步”页确认恢复结果', 'accept the restored journal first');
    const shift = journal.openShift();
    if (shift === null) return say('还在统计，请稍等再结', 'still counting: try again in a moment');
    if (String(shift.number) !== number)
      return say('这一班已经结过了，现在是下一班', 'that shift is closed; this is the next one');
    const doubts = shiftDoubts(shift, comparedOf(journal, shift).persons);
    if (doubts.length > 0 && why === '')
      return say('本班有要说明的事，选了原因才能结班', 'say why before you close it');
    journal.closeShift(who, why);
    onJournaled();
    const closed = { zh: `第 ${shift.number} 班已结`, en: `shift ${shift.number} is closed` };
    if (!isFitted(devices.reports(), 'printer')) return say(closed.zh, closed.en);
    void this.#printShift(shiftRef(shift), false).then((ok) =>
      say(
        `${closed.zh}，${ok ? '请签字' : '凭条没有打出来：装好纸后在下面的列表里补打'}`,
        `${closed.en}, ${ok ? 'please sign' : 'the slip was not printed: print it again from the list'}`,
      ),
    );
  }

  async #export(): Promise<void> {
    const { ports, tell, log } = this.#o;
    const written = await ports.exports?.write();
    if (written === undefined) return;
    if (written.ok) return tell({ news: 'exported', text: written.value });
    const { code } = written.error;
    log('warn', 'maintenance', `export: ${describeFailure(written.error)}`);
    const { title, technician } = ERRORS[code];
    tell({
      news: 'exported',
      text: {
        zh: `${code} ${title.zh}：${technician.zh}`,
        en: `${code} ${title.en}: ${technician.en}`,
      },
    });
  }

  #slipAt(): Omit<SlipAt, 'locale'> {
    const { header, hotline, clock } = this.#o;
    return { header, hotline: hotline(), nowMs: clock.nowMs() };
  }

  async #printShift(ref: string, isCopy: boolean): Promise<boolean> {
    const { journal, printer } = this.#o;
    const closed = closedByRef(journal, ref);
    if (closed === undefined) return false;
    const { state, persons } = comparedOf(journal, closed.shift);
    const compared = {
      none: '没有收付',
      waits: '次日核对',
      agrees: '已核对，相符',
      differs: `${persons} 笔需核对`,
    }[state];
    return (await printer.print(shiftSlip(closed, isCopy, compared, this.#slipAt()))).ok;
  }

  /** An order's receipt once more, marked as a copy. */
  async #printCopy(orderId: string): Promise<boolean> {
    const { journal, printer, header } = this.#o;
    const order = journal.order(orderId);
    const purchase = order && purchasesOf([order], header.terminalId)[0];
    if (order === undefined || purchase === undefined) return false;
    const number = maskCardNo(cardNoOf(order) ?? order.sale.userNo);
    const lines = copySlip(purchase, number, { ...this.#slipAt(), locale: 'zh-CN' });
    return (await printer.print(lines)).ok;
  }

  /** What became of an order, event by event, on paper. */
  async #printStory(orderId: string): Promise<boolean> {
    const { journal, printer, header, clock } = this.#o;
    const order = journal.order(orderId);
    if (order === undefined) return false;
    const cardNo = cardNoOf(order);
    const { reason, nextStep } = standingOf(order, journal.attemptsOf(orderId), true);
    const lines: SlipLine[] = [
      { kind: 'text', text: '订单经过', align: 'center', size: 'double' },
      { kind: 'rule' },
      { kind: 'pair', label: '订单号', value: orderRef(orderId) },
      ...(cardNo === null
        ? []
        : [{ kind: 'pair' as const, label: '卡号', value: maskCardNo(cardNo) }]),
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
    return (await printer.print(lines, orderRef(orderId))).ok;
  }
}
