import type { Site } from './site.ts';
import type { FaultKind, Town } from './town.ts';
import type { SimCard } from './card.ts';
import type { Customer } from './customer.ts';

/** Counted when they happen, not when they are armed. */
export const CONSEQUENCES = [
  'card-torn',
  'late-capture',
  'second-capture',
  'reversed-capture',
  'code-paid',
  'switched',
  'taken-closing',
  'assisted-write',
  'claim-expired',
  'epoch-began',
  'wallet-left',
  'handed-back',
  'stopped-in-order',
] as const;

/** Nobody may lose money by a printer, nor be handed another's slip. */
function printerFault(
  { dice, timeline }: Town,
  { printer: { paper } }: Site,
  kind: 'printer-paper' | 'printer-cover' | 'printer-unplugged',
): void {
  const backMs = dice.between(2_000, 400_000);
  if (kind === 'printer-cover') {
    paper.condition.coverOpen = true;
    timeline.after(backMs, () => {
      paper.condition.coverOpen = false;
    });
  } else if (kind === 'printer-unplugged') {
    // In the middle of a slip, and with the power too, more often than not.
    paper.cutAfter(dice.between(1, 900));
    timeline.after(dice.between(500, 30_000), () => {
      paper.condition.off = true;
      if (dice.chance(0.6)) paper.powerOff();
      else paper.dropLines();
    });
    timeline.after(backMs + 30_000, () => {
      paper.cutAfter(null);
      paper.condition.off = false;
    });
  } else {
    paper.condition.rowsLeft = dice.between(1, 25);
    timeline.after(backMs, () => {
      paper.condition.rowsLeft = null;
      paper.condition.paper = 'ok';
    });
  }
}

/** Lets one fault begin at machine `i`; what lasts ends by itself. */
export function startFault(
  world: Town,
  i: number,
  kind: FaultKind,
  customer: Customer | null,
): void {
  const { dice, timeline, wallets } = world;
  const site = world.sites[i];
  const lines = world.lines[i];
  const drive = world.disks[i];
  if (site === undefined || lines === undefined || drive === undefined) return;
  const disk = drive.faulty;
  const after = (ms: number, fn: () => void): void => void timeline.after(ms, fn);
  const inside: SimCard | null = site.slot.card;
  /** The card of who stands there; null: he has none. */
  const own: SimCard | null = customer?.card ?? null;
  const happened = (): void => {
    world.count(kind);
    world.tell(`${site.terminalId} fault: ${kind}`);
  };
  switch (kind) {
    case 'card-torn-before':
    case 'card-torn-after':
      happened();
      own?.arm({
        kind: 'tear',
        at: dice.between(1, 30),
        when: kind === 'card-torn-before' ? 'before' : 'after',
      });
      return;
    case 'card-swapped': {
      const other = world.cards.find((c) => c.free);
      if (inside === null || inside !== own || other === undefined) return;
      happened();
      other.free = false;
      site.slot.swap(other.card);
      after(dice.between(500, 20_000), () => {
        if (site.slot.card === other.card) site.slot.remove();
        other.free = true;
      });
      return;
    }
    case 'card-lies':
      happened();
      for (let n = dice.pick([1, 1, 3, 4] as const); n > 0; n--) own?.arm({ kind: 'lie' });
      return;
    case 'pcsc-lost':
      happened();
      site.slot.lost(true);
      after(dice.between(300, 12_000), () => site.slot.lost(false));
      return;
    case 'meter-visit-between': {
      // Home and back while something is unfinished: only a card that is in nobody's slot can go.
      const held = world.cards.find((c) => c.card === own);
      if (held === undefined || world.sites.some((s) => s.slot.card === held.card)) return;
      happened();
      world.visitMeter(held);
      return;
    }
    case 'payment-request-lost':
    case 'payment-answer-lost':
    case 'payment-late':
    case 'payment-duplicate':
    case 'payment-reordered':
    case 'payment-failed-after': {
      // Counted by the line when it happens.
      const mishap = kind.slice('payment-'.length) as
        | 'request-lost'
        | 'answer-lost'
        | 'late'
        | 'duplicate'
        | 'reordered'
        | 'failed-after';
      // With a gateway there are two lines on the way to a wallet.
      const line = world.paySet !== 'direct' && dice.chance(0.5) ? world.walletLine : lines.payment;
      for (let n = dice.between(1, 3); n > 0; n--) line.next.push(mishap);
      return;
    }
    case 'central-request-lost':
    case 'central-answer-lost':
    case 'central-duplicate':
    case 'central-failed-after': {
      const mishap = kind.slice('central-'.length) as
        | 'request-lost'
        | 'answer-lost'
        | 'duplicate'
        | 'failed-after';
      for (let n = dice.between(1, 3); n > 0; n--) lines.central.next.push(mishap);
      return;
    }
    case 'printer-paper':
    case 'printer-cover':
    case 'printer-unplugged':
      happened();
      return printerFault(world, site, kind);
    case 'payment-line-cut':
      happened();
      lines.payment.cut = true;
      after(dice.between(2_000, 120_000), () => {
        lines.payment.cut = false;
      });
      return;
    case 'central-gone':
      happened();
      lines.central.cut = true;
      after(dice.between(2_000, 400_000), () => {
        lines.central.cut = false;
      });
      return;
    case 'central-slow':
      happened();
      lines.central.slowMs = dice.between(1_000, 6_000);
      after(dice.between(5_000, 60_000), () => {
        lines.central.slowMs = 0;
      });
      return;
    case 'refund-stuck':
      happened();
      dice.pick(Object.values(world.wallets)).control.faults({ refundStuck: 1 });
      after(dice.between(10_000, 200_000), () => world.releaseRefunds());
      return;
    case 'refund-refused':
      happened();
      if (dice.chance(0.3))
        wallets.alipay.control.faults(dice.chance(0.5) ? { refundRefused: 1 } : { notEnough: 1 });
      else
        wallets.wechat.control.faults(dice.chance(0.5) ? { refundAbnormal: 1 } : { notEnough: 1 });
      if (world.paySet !== 'direct')
        wallets.unionpay.control.faults(dice.chance(0.5) ? { refundFails: 1 } : { notEnough: 1 });
      return;
    case 'code-declined': {
      happened();
      const why = dice.pick([{ balanceShort: 1 }, { riskRefused: 1 }, { codeExpired: 1 }] as const);
      wallets.wechat.control.faults(why);
      wallets.alipay.control.faults(why);
      return;
    }
    case 'code-asks-password':
      happened();
      wallets.wechat.control.faults({ askPassword: 1 });
      wallets.alipay.control.faults({ askPassword: 1 });
      return;
    case 'reversal-not-held':
      happened();
      wallets.wechat.control.faults({ reverseForgotten: dice.pick([1, 1, 2, 8] as const) });
      wallets.alipay.control.faults({ retryCancel: dice.between(1, 3) });
      return;
    case 'central-killed':
      // Counted when it happens.
      world.central.cutIn = dice.between(1, dice.chance(0.5) ? 12 : 80);
      return;
    case 'power-cut':
      world.tell(`${site.terminalId} fault: the power goes soon`);
      site.cutIn = dice.between(1, dice.chance(0.5) ? 30 : 160);
      return;
    case 'mains-off':
      if (!site.cabinet.onMains) return;
      happened();
      site.cabinet.mains('battery');
      after(dice.between(1_000, 120_000), () => site.cabinet.mains('on'));
      return;
    case 'battery-empty':
      if (!site.cabinet.onMains) return;
      happened();
      site.cabinet.mains('battery');
      after(dice.between(0, 60_000), () => {
        if (world.quiet) return;
        site.cabinet.mains('battery', true);
        // The mains come back just in time, or the power goes while it waits, or before it could.
        const isEnd = dice.chance(0.6);
        after(dice.between(0, 60_000), () => {
          site.cabinet.mains('on');
          if (isEnd && !world.quiet) site.die('battery empty');
        });
      });
      return;
    case 'upsd-gone':
      if (!site.cabinet.onMains) return;
      happened();
      site.cabinet.mains('unknown');
      after(dice.between(1_000, 120_000), () => site.cabinet.mains('on'));
      return;
    case 'door-open':
      happened();
      site.cabinet.door(dice.chance(0.8) ? 'open' : 'unknown');
      after(dice.between(500, 90_000), () => site.cabinet.door('closed'));
      return;
    case 'second-log-torn':
      if (disk === null) return;
      happened();
      disk.tearSecondLog = true;
      return;
    case 'disk-full':
      if (disk === null) return;
      happened();
      if (dice.chance(0.5)) disk.failNext = 'full';
      else {
        const had = disk.free;
        disk.free = dice.pick([8, 60, 100] as const) * 1024 * 1024;
        after(dice.between(5_000, 60_000), () => {
          disk.free = Math.max(disk.free, had);
        });
      }
      return;
    case 'fsync-error':
      if (disk === null) return;
      happened();
      disk.failNext = dice.pick(['lost', 'kept'] as const);
      return;
    case 'database-lost':
      if (!site.alive) return;
      happened();
      site.die('database lost');
      site.journal?.close();
      site.journal = null;
      drive.lose();
      world.databaseLost(site.terminalId);
      return;
    case 'clock-step': {
      happened();
      const step = dice.between(-200_000, 200_000);
      site.skewMs += step;
      after(dice.between(5_000, 120_000), () => {
        // Once all is mended nothing is set back any more.
        if (!world.quiet) site.skewMs -= step;
      });
      return;
    }
    default:
      kind satisfies never;
  }
}
