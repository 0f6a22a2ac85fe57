import type {
  MyAccount,
  MyAccountRequest,
  Purchase,
  UtilityUse,
} from '../../src/shared/central-api/index.ts';
import { lastMonths } from '../../src/shared/my-account.ts';

/** Twelve months of a household, oldest first; its year before was 20.00 each. */
export const monthsOf = (nowMs: number, quantities: readonly (number | null)[]) =>
  lastMonths(nowMs, 12).map((month, i) => ({
    month,
    quantity: quantities[i] ?? null,
    yearBefore: 2_000,
    estimated: false,
  }));

/** A gas household with tiers. */
export const gasUse = (nowMs: number, over: Partial<UtilityUse> = {}): UtilityUse => ({
  kind: 'gas',
  unit: 'm3',
  months: monthsOf(
    nowMs,
    Array.from({ length: 12 }, () => 2_100),
  ),
  year: {
    since: '2026-01-01',
    counted: 'bought',
    quantity: 21_450,
    tiers: [
      { uptoQuantity: 36_000, priceE4: 26_500 },
      { uptoQuantity: null, priceE4: 31_800 },
    ],
  },
  faults: [],
  ...over,
});

/** One that was bought at another machine. */
export const PURCHASE: Purchase = {
  orderId: 'PL-000000000399-1-0007-4242',
  terminalId: '000000000399',
  atMs: 1_780_000_000_000,
  kinds: ['card'],
  amountFen: 20_000,
  quantity: 7_547,
  unit: 'volume',
  count: 41,
  stands: 'written',
  receipt: '000000000399-1-0007-4242.c2lnbmVk',
};

/** Central as far as it tells customers of their accounts. */
export class MyAccountBooks {
  /** By user number: the account, and the digits that open it. */
  readonly accounts = new Map<string, { readonly account: MyAccount; readonly last4: string }>();
  readonly asked: MyAccountRequest[] = [];

  add(userNo: string, last4: string, over: Partial<MyAccount> = {}): void {
    const account: MyAccount = {
      holderName: '张*明',
      userNo,
      uses: [],
      balance: null,
      meter: null,
      purchases: [],
      asOfMs: 0,
      ...over,
    };
    this.accounts.set(userNo, { account, last4 });
  }

  /** @param userNoOf whose a card is */
  look(
    asked: MyAccountRequest,
    userNoOf: (cardNo: string) => string | undefined,
  ): MyAccount | null {
    this.asked.push(asked);
    const userNo = asked.by === 'card' ? userNoOf(asked.cardNo) : asked.userNo;
    const held = this.accounts.get(userNo ?? '');
    if (held === undefined || (asked.by === 'number' && asked.last4 !== held.last4)) return null;
    return held.account;
  }
}
