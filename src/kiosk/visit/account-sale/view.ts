import { isUsable } from '../../../device/device.ts';
import type { BillView, CreditGoods, Snapshot } from '../../../shared/contract/index.ts';
import type { CreditSale } from '../../../shared/sale.ts';
import type { CreditItem } from '../../../shared/central-api/index.ts';
import type { CreditPolicy } from '../../../shared/policy-credit.ts';
import type { KioskState } from '../../state/kiosk.ts';
import type { AccountSession, UserNoSession } from '../../state/visit.ts';
import { noSlipView } from '../no-slip.ts';
import { wallMs } from '../view-base.ts';
import type { Base, ViewContext } from '../view-base.ts';
import {
  chosenItems,
  contractOf,
  isAgreed,
  isAskedAboutSlip,
  isConfirming,
  offeredItems,
  partShown,
  prepayOffered,
  stageShown,
  sumOf,
  takenItems,
} from './choice.ts';

/** So many lines of a bill fit under its name. */
const A_BILL = 2;
const NOBODY = { zh: '', en: '' };

/** The company behind a payee's id. */
export const companyOf = (credit: CreditPolicy | undefined, payee: string) =>
  credit?.payees.find((p) => p.id === payee)?.company ?? NOBODY;

/** `……0331`: what a screen or slip says of a user number that is not just being typed. */
export const userTail = (userNo: string): string => userNo.slice(-4);

/** What an order's screens say of what was bought. */
export function creditGoodsOf(sale: CreditSale, credit: CreditPolicy | undefined): CreditGoods {
  const [first] = sale.lines;
  return {
    userTail: userTail(sale.userNo),
    company: companyOf(credit, sale.payee),
    kinds: [...new Set(sale.lines.map((line) => line.kind))],
    period: sale.lines.length === 1 ? (first?.period ?? '') : '',
  };
}

/** The screen on which a user number is typed. */
export function userNoView(
  state: KioskState,
  s: UserNoSession,
  base: Base,
  ctx: ViewContext,
): Snapshot {
  const credit = state.service.policy?.credit;
  return {
    ...base,
    screen: 'user-no',
    service: s.service,
    digits: credit?.userNo.digits ?? 20,
    hint: credit?.userNo.hint ?? NOBODY,
    scanner: isUsable(state.service.devices, 'scanner'),
    busy: s.stage !== 'typing',
    reading: s.stage === 'reading',
    problem: s.problem,
    deadlineMs: wallMs(ctx, s.deadlineMono),
  };
}

/** The account's screens. */
export function accountView(
  state: KioskState,
  s: AccountSession,
  base: Base,
  ctx: ViewContext,
): Snapshot {
  const credit = state.service.policy?.credit;
  const { account } = s;
  const [corrected] = account.corrections ?? [];
  const holder = {
    holderMasked: account.holderName,
    userNo: account.userNo,
    ...(corrected === undefined ? {} : { corrected }),
  };
  const deadlineMs = wallMs(ctx, s.deadlineMono);
  if (s.stage === 'is-it-you')
    return {
      ...base,
      screen: 'is-it-you',
      ...holder,
      service: s.service,
      address: account.address,
      deadlineMs,
    };
  const { busy, problem } = s;
  if (isAskedAboutSlip(s, credit))
    return noSlipView(state, s, { amountFen: sumOf(s, credit), card: false }, base, ctx);
  if (isConfirming(s, credit))
    return {
      ...base,
      screen: 'confirm-sum',
      holderMasked: account.holderName,
      number: userTail(account.userNo),
      amountFen: sumOf(s, credit),
      credit: chosenGoods(s, credit),
      busy,
      deadlineMs,
    };
  const contract = stageShown(s, credit) === 'contract' ? contractOf(s, credit)?.text : undefined;
  if (contract != null)
    return {
      ...base,
      screen: 'contract',
      ...holder,
      title: contract.title,
      version: contract.version,
      points: contract.points,
      agreed: isAgreed(state, s, credit),
      amountFen: sumOf(s, credit),
      busy,
      problem,
      deadlineMs,
    };
  if (stageShown(s, credit) === 'prepay')
    return prepayView(s, credit, { ...base, ...holder, busy, problem, deadlineMs });
  return s.service === 'top-up'
    ? topUpView(s, credit, { ...base, ...holder, busy, problem, deadlineMs })
    : billsView(s, credit, { ...base, ...holder, busy, problem, deadlineMs });
}

/** What is about to be paid for. */
function chosenGoods(s: AccountSession, credit: CreditPolicy | undefined): CreditGoods {
  const { userNo, topUp } = s.account;
  const goods = { userTail: userTail(userNo), period: '' };
  if (stageShown(s, credit) === 'prepay')
    return {
      ...goods,
      company: companyOf(credit, prepayOffered(s, credit)?.payee ?? ''),
      kinds: ['prepay'],
    };
  if (s.service === 'top-up')
    return { ...goods, company: companyOf(credit, topUp?.payee ?? ''), kinds: ['balance'] };
  const items = chosenItems(s, credit);
  return {
    ...goods,
    company: companyOf(credit, s.chosen?.payee ?? ''),
    kinds: [...new Set(items.map((i) => i.kind))],
    period: items.length === 1 ? (items[0]?.period ?? '') : '',
  };
}

type Common = Base &
  Pick<AccountSession, 'busy' | 'problem'> & {
    readonly holderMasked: string;
    readonly userNo: string;
    readonly deadlineMs: number;
  };

function topUpView(s: AccountSession, credit: CreditPolicy | undefined, common: Common): Snapshot {
  const { topUp } = s.account;
  return {
    ...common,
    screen: 'top-up',
    company: companyOf(credit, topUp?.payee ?? ''),
    meterNo: topUp?.meterNo ?? '',
    balanceFen: topUp?.balanceFen ?? 0,
    onTheWayFen: topUp?.onTheWayFen ?? 0,
    presetsFen: credit?.topUp?.presetsFen ?? [],
    minFen: credit?.topUp?.minFen ?? 0,
    maxFen: credit?.topUp?.maxFen ?? 0,
    chosenFen: s.chosenFen,
  };
}

function prepayView(s: AccountSession, credit: CreditPolicy | undefined, common: Common): Snapshot {
  const prepay = prepayOffered(s, credit);
  const sums = credit?.bills?.prepay;
  return {
    ...common,
    screen: 'top-up',
    prepay: true,
    company: companyOf(credit, prepay?.payee ?? ''),
    meterNo: '',
    balanceFen: prepay?.balanceFen ?? 0,
    onTheWayFen: 0,
    presetsFen: sums?.presetsFen ?? [],
    minFen: sums?.minFen ?? 0,
    maxFen: sums?.maxFen ?? 0,
    chosenFen: s.chosenFen,
  };
}

function billsView(s: AccountSession, credit: CreditPolicy | undefined, common: Common): Snapshot {
  const items = offeredItems(s.account, credit);
  const all = takenItems(s.account, credit);
  const ticked = new Set(chosenItems(s, credit).map((i) => i.item));
  const part = partShown(s, credit);
  const payees = [...new Set(items.map((i) => i.payee))];
  return {
    ...common,
    screen: 'bills',
    groups: payees.map((payee) => ({
      payee,
      company: companyOf(credit, payee),
      bills: items.filter((i) => i.payee === payee).map((i) => billOf(i, ticked.has(i.item))),
    })),
    underWay: s.account.underWay,
    totalFen: all.reduce((sum, i) => sum + i.dueFen, 0),
    totalCount: all.length,
    chosenFen: sumOf(s, credit),
    ...(part === null
      ? {}
      : { part: { minFen: part.minFen, maxFen: part.maxFen, restFen: part.restFen } }),
    ...(prepayOffered(s, credit) === null ? {} : { prepay: true as const }),
  };
}

function billOf(i: CreditItem, ticked: boolean): BillView {
  const { item, kind, period, dueFen, lateFeeFen, discountFen, overdueDays, details } = i;
  return {
    item,
    kind,
    period,
    dueFen,
    lateFeeFen,
    discountFen,
    overdueDays,
    details: details.slice(0, A_BILL),
    ticked,
  };
}
