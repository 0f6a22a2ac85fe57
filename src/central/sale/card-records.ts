import { fromHex, toHex } from '../../shared/bytes.ts';
import type { CardKeyRequest } from '../../shared/central-api/index.ts';
import { orderTag } from '../../shared/order-tag.ts';
import { Refusal } from '../http/problem.ts';

/** The verbs that compute something a card is written with. */
export type ComputingRequest = Extract<
  CardKeyRequest,
  { verb: 'code' | 'external-auth' | 'block-mac' | 'sector-key' | 'update-mac' | 'load-leave' }
>;

/** What an order sells to its card, as central promised it. */
export interface Terms {
  readonly orderId: string;
  readonly cardNo: string;
  readonly nextCount: number;
  readonly quantity: number;
  /** All that the card holds as bought after it, 0.01 units; null: not known here now. */
  readonly cumulative: number | null;
  /** Who asks. */
  readonly terminalId: string;
  /** China's day by central's clock, YYMMDD. */
  readonly today: string;
}

/** The one thing that may be computed for an order, as it is fixed. */
export interface OrderRecord {
  /** All of it but the date; null: this verb names none, and is counted only. */
  readonly text: string | null;
  /** The date that goes with it, YYMMDD; empty: it has none. */
  readonly dated: string;
}

const refuse = (why: string): never => {
  throw new Refusal('key-refused', why);
};

/**
 * Of each computing verb what must hold of the request, and what of it is the order's record.
 *
 * @throws Refusal(key-refused)
 */
const CONDITIONS: {
  readonly [V in ComputingRequest['verb']]: (
    request: Extract<ComputingRequest, { verb: V }>,
    terms: Terms,
  ) => OrderRecord;
} = {
  // A code opens the whole of a memory card: which chip it is, is all that can be held to.
  code: ({ chip }) => ({ text: `code ${chip.replace(/-EZ\d$/, '')}`, dated: '' }),
  'sector-key': ({ uid, sector }) => ({ text: `sector ${uid} ${sector}`, dated: '' }),
  // It says that the issuer is there; what is written is held to by the MAC that must follow.
  'external-auth': () => ({ text: null, dated: '' }),
  'update-mac': ({ header, record }, terms) => fileRecord(header, record, terms),
  'block-mac': ({ data }, terms) => blockRecord(data, terms),
  'load-leave': ({ amount, seq, terminal }, { quantity, nextCount, terminalId }) => {
    if (amount !== quantity || seq !== nextCount - 1 || terminal !== terminalId)
      refuse('amount, number or terminal are not this sale’s');
    return { text: `load ${amount} ${seq}`, dated: '' };
  },
};

/** What the request would have computed, once its conditions hold. @throws Refusal(key-refused) */
export function recordOf(request: ComputingRequest, terms: Terms): OrderRecord {
  const condition = CONDITIONS[request.verb] as (r: ComputingRequest, t: Terms) => OrderRecord;
  return condition(request, terms);
}

/**
 * UPDATE BINARY with secure messaging of SFI 17, from its beginning, 17 bytes and the MAC's four:
 * the one command that a sale to a PL-CPU card needs (docs/layouts/pl-cpu.md).
 */
const FILE_HEADER = '04D6970015';
const FILE_LENGTH = 17;

/** Count 2, quantity 4, cumulative 4, date YYMMDD 3, tag 4. */
function fileRecord(header: string, record: string, terms: Terms): OrderRecord {
  const bytes = fromHex(record);
  if (header !== FILE_HEADER || bytes.length !== FILE_LENGTH)
    return refuse('not the command that writes a sale');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const dated = toHex(bytes.subarray(10, 13));
  refuseOtherSale(
    {
      count: view.getUint16(0),
      quantity: view.getUint32(2),
      cumulative: view.getUint32(6),
      tag: toHex(bytes.subarray(13)),
    },
    terms,
  );
  if (!/^\d{6}$/.test(dated) || dated > dayAfter(terms.today))
    return refuse('the record’s date is none, or is yet to come');
  return { text: `file ${record.slice(0, 20)} ${record.slice(26)}`, dated };
}

/**
 * Identity (mark, card number, …) ‖ block (seq, count 2, quantity 3, cumulative 4, tag 4, crc16),
 * docs/layouts/pl-24.md.
 */
function blockRecord(data: string, terms: Terms): OrderRecord {
  const bytes = fromHex(data);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (data.slice(2, 12) !== terms.cardNo) refuse('the block is another card’s');
  refuseOtherSale(
    {
      count: view.getUint16(17),
      quantity: view.getUint16(19) * 0x100 + view.getUint8(21),
      cumulative: view.getUint32(22),
      tag: data.slice(52, 60),
    },
    terms,
  );
  return { text: `block ${data}`, dated: '' };
}

function refuseOtherSale(
  told: {
    readonly count: number;
    readonly quantity: number;
    readonly cumulative: number;
    readonly tag: string;
  },
  { orderId, nextCount, quantity, cumulative }: Terms,
): void {
  if (
    told.count !== nextCount ||
    told.quantity !== quantity ||
    told.cumulative < quantity ||
    told.cumulative !== (cumulative ?? told.cumulative) ||
    told.tag !== toHex(orderTag(orderId))
  )
    refuse('the record is not this sale’s');
}

/** The day after, YYMMDD: a kiosk's clock may be a few minutes ahead at midnight. */
function dayAfter(today: string): string {
  const [year, month, day] = [0, 2, 4].map((at) => Number(today.slice(at, at + 2)));
  return new Date(Date.UTC(2000 + (year ?? 0), (month ?? 1) - 1, (day ?? 1) + 1))
    .toISOString()
    .slice(2, 10)
    .replaceAll('-', '');
}
