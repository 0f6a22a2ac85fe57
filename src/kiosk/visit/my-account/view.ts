import { isUsable } from '../../../device/device.ts';
import type { Purchase, UtilityUse } from '../../../shared/central-api/index.ts';
import type {
  FaultView,
  MyPage,
  PurchaseView,
  Snapshot,
  SnapshotOf,
  UseView,
} from '../../../shared/contract/index.ts';
import { maskCardNo, maskName, maskUserNo } from '../../../shared/mask.ts';
import { abnormalMonth, METER_FAULTS } from '../../../shared/my-account.ts';
import type { AbnormalRule, MeterFault } from '../../../shared/my-account.ts';
import { orderRef } from '../../../shared/order-id.ts';
import { MAX_DIGITS } from '../../../shared/requests.ts';
import type { KioskState } from '../../state/kiosk.ts';
import type { MyAccountSession } from '../../state/my-account.ts';
import { notSelling } from '../../watch/selling.ts';
import { judgeCard } from '../card-sale/sellable.ts';
import { cardView, dateOf } from '../card-view.ts';
import { wallMs } from '../view-base.ts';
import type { Base, ViewContext } from '../view-base.ts';

/** So many papers a visit: a copy for him, and one that went wrong. */
const MOST_PAPERS = 4;
/** Bits of what a meter writes back (docs/layouts), in their order; the valve is a field of its own. */
const CARD_FAULTS: readonly MeterFault[] = ['battery', 'magnet', 'leak', 'flow', 'clock'];

/** The screens of it: a number to type, a wait, or the account. */
export function myAccountView(
  state: KioskState,
  s: MyAccountSession,
  base: Base,
  ctx: ViewContext,
): Snapshot {
  const { policy } = state.service;
  const deadlineMs = wallMs(ctx, s.deadlineMono);
  if (s.stage === 'asking' && s.card !== null)
    return { ...base, screen: 'reading', stage: 'account' };
  if (s.stage !== 'shown')
    return {
      ...base,
      screen: 'my-account-no',
      digits: policy?.credit?.userNo.digits ?? MAX_DIGITS,
      hint: policy?.credit?.userNo.hint ?? { zh: '', en: '' },
      busy: s.stage === 'asking',
      problem: s.problem,
      deadlineMs,
    };
  const use = useOf(s);
  const open = s.purchases.find((p) => p.orderId === s.order);
  return {
    ...base,
    screen: 'my-account',
    holderMasked: holderOf(s),
    numberMasked: numberOf(s),
    byCard: s.card !== null,
    away: s.away,
    pages: [...pagesOf(s)],
    page: pageOf(s),
    card: cardOf(s),
    balance: s.found?.balance ?? null,
    meter: s.card === null ? (s.found?.meter ?? null) : null,
    kinds: (s.found?.uses ?? []).map((u) => u.kind),
    use: use === null ? null : useView(use, policy?.myAccount),
    faults: [...faultsOf(s, use)],
    purchases: s.purchases.map((p) => purchaseView(p, ctx)),
    order:
      open === undefined
        ? null
        : { ...purchaseView(open, ctx), receiptUrl: receiptOf(state, open, ctx) },
    slip: s.slip,
    canPrint: mayPrint(state, s),
    recharge: mayRecharge(state, s),
    emergency: policy?.info?.emergency ?? ctx.hotline,
    deadlineMs,
  };
}

const holderOf = ({ found, card }: MyAccountSession): string =>
  found?.holderName ?? (card?.account == null ? '' : maskName(card.account.holderName));

/** A card's number, or a user number, masked. */
export const numberOf = ({ found, card }: MyAccountSession): string =>
  card === null ? maskUserNo(found?.userNo ?? '') : maskCardNo(card.reading.cardNo);

/** What there is to look at. */
function pagesOf({ found, card }: MyAccountSession): readonly MyPage[] {
  const uses = found?.uses ?? [];
  return [
    ...(uses.length > 0 || card === null ? (['use'] as const) : []),
    ...(card === null ? [] : (['card'] as const)),
    'purchases',
  ];
}

/** The page that is shown: the one chosen, where it is there. */
export function pageOf(s: MyAccountSession): MyPage {
  const pages = pagesOf(s);
  return s.page !== null && pages.includes(s.page) ? s.page : (pages[0] ?? 'purchases');
}

/** The utility that is shown; null: nothing is known of any. */
export const useOf = ({ found, kind }: MyAccountSession): UtilityUse | null =>
  found?.uses[kind] ?? found?.uses[0] ?? null;

function cardOf({ card }: MyAccountSession): SnapshotOf<'my-account'>['card'] {
  if (card === null) return null;
  const { reading, account } = card;
  return {
    view: cardView(reading, account),
    lastVisit: reading.fresh ? null : dateOf(reading.meter.lastVisit),
    taken: reading.meter.countTaken,
  };
}

function useView(use: UtilityUse, rule: AbnormalRule | undefined): UseView {
  const { faults: _faults, ...shown } = use;
  const found = rule === undefined ? null : abnormalMonth(use.months, rule);
  return {
    ...shown,
    abnormal:
      found === null || found.quantity === null || found.yearBefore === null
        ? null
        : {
            month: found.month,
            percent: Math.floor((found.quantity * 100) / found.yearBefore),
            goesOn: found === use.months.at(-1),
          },
  };
}

/** What the card brought back from its meter, and what the company knows of it; each once. */
function faultsOf(s: MyAccountSession, use: UtilityUse | null): readonly FaultView[] {
  const reading = s.card?.reading;
  // A refuelling card has no meter.
  if (reading?.kind === 'fuel') return [];
  const kind = use?.kind ?? reading?.kind ?? 'gas';
  const known = new Map((use?.faults ?? []).map((f) => [f.fault, f.sinceMs] as const));
  const written = new Set<MeterFault>();
  if (reading !== undefined && !reading.fresh && reading.kind === kind) {
    for (const [bit, fault] of CARD_FAULTS.entries())
      if ((reading.meter.faults & (1 << bit)) !== 0) written.add(fault);
    if (reading.meter.valveClosed) written.add('valve');
  }
  return METER_FAULTS.filter((f) => known.has(f) || written.has(f))
    .toSorted((a, b) => URGENCY.indexOf(a) - URGENCY.indexOf(b))
    .map((fault) => ({ kind, fault, sinceMs: known.get(fault) ?? null }));
}

/** What is said first. */
const URGENCY: readonly MeterFault[] = ['leak', 'flow', 'valve', 'battery', 'magnet', 'clock'];

function purchaseView(p: Purchase, { header }: ViewContext): PurchaseView {
  const { orderId, terminalId, receipt: _receipt, ...shown } = p;
  return {
    ...shown,
    orderRef: orderRef(orderId),
    here: terminalId === header.terminalId,
    machine: terminalId.slice(-4),
  };
}

/** The receipt's page: by this machine's own key for its own orders, else by central's. */
function receiptOf(state: KioskState, p: Purchase, ctx: ViewContext): string | null {
  if (p.terminalId === ctx.header.terminalId) return ctx.receiptUrl(p.orderId);
  const url = state.service.policy?.receipts?.url;
  return url === undefined || p.receipt === null ? null : `${url}/r/${p.receipt}`;
}

/** Paper is there, and not all of the visit's is used up. */
export const mayPrint = (state: KioskState, s: MyAccountSession): boolean =>
  s.papers < MOST_PAPERS &&
  isUsable(state.service.devices, 'printer') &&
  (s.order !== null || (pageOf(s) === 'use' && useOf(s) !== null));

/** The card that was looked at is still in, may be sold to, and this machine sells now. */
export const mayRecharge = (state: KioskState, { card }: MyAccountSession): boolean =>
  card !== null &&
  judgeCard(card.reading) === null &&
  state.reader.state === 'present' &&
  state.reader.insertion === card.insertion &&
  notSelling(state) === null;
