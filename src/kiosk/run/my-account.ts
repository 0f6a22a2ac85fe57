import { describeFailure } from '../../shared/errors.ts';
import type { MyAccountNews, MyAccountOp, SlipPurchase } from '../state/my-account.ts';
import { copySlip, useSlip } from '../words/my-account-slips.ts';
import { purchasesOf } from '../words/purchases.ts';
import { receiptCode } from '../words/receipt-code.ts';
import { sayIn } from '../words/slip-base.ts';
import type { Say } from '../words/slip-base.ts';
import type { Host } from './options.ts';
import { paperOf } from './paper.ts';
import { orderRef } from '../../shared/order-id.ts';

/** What a slip ends with. */
export interface SlipEnd {
  readonly hotline: string;
  /** The page of an order of this machine; null: there is none. */
  readonly receiptUrl: (orderId: string) => string | null;
}

/** Carries out what a look at an account asks of the world; each answer is an event. */
export async function askMyAccount(
  host: Host,
  ask: MyAccountOp,
  end: SlipEnd,
): Promise<MyAccountNews> {
  const { asked } = ask;
  const { header, printer, clock } = host.options;
  const { locale } = host.state();
  const at = { header, hotline: end.hotline, nowMs: clock.nowMs(), locale };
  if (ask.op === 'look') return look(host, ask);
  const lines =
    ask.op === 'print-use'
      ? useSlip(ask, at)
      : [
          ...copySlip(ask.purchase, ask.numberMasked, at),
          ...codeOf(host, ask.purchase, end, sayIn(at)),
        ];
  const number = ask.op === 'print-copy' ? orderRef(ask.purchase.orderId) : undefined;
  const printed = await printer.print(lines, number);
  return { news: 'printed', asked, slip: paperOf(printed) };
}

function codeOf(host: Host, p: SlipPurchase, end: SlipEnd, say: Say) {
  if (p.terminalId === host.options.header.terminalId)
    return receiptCode(end.receiptUrl(p.orderId), false, say);
  const url = host.state().service.policy?.receipts?.url;
  return receiptCode(
    url === undefined || p.receipt === null ? null : `${url}/r/${p.receipt}`,
    false,
    say,
  );
}

async function look(
  { options }: Host,
  { asked, who, cardNo }: Extract<MyAccountOp, { op: 'look' }>,
): Promise<MyAccountNews> {
  const { billing, journal, header, log } = options;
  const result = who === null ? null : await billing.myAccount(who);
  if (result?.ok === false) log('info', 'billing', `my account: ${describeFailure(result.error)}`);
  const account = result?.ok === true ? result.value : null;
  const { terminalId } = header;
  // A card says whose it is only of itself; whose the account is, central says. What central was
  // told of it tells itself, and what two persons moved elsewhere since it does not.
  const rows =
    account !== null
      ? journal
          .lastOrdersOf({ userNo: account.userNo })
          .filter(({ orderId }) => !journal.isTold(orderId))
      : cardNo === null
        ? []
        : journal.lastOrdersOf({ cardNo });
  return { news: 'looked', asked, result, own: purchasesOf(rows, terminalId) };
}
