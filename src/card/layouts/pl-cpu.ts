import { concatBytes, equalBytes, fromHex, toHex } from '../../shared/bytes.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import {
  challenge,
  exchange,
  externalAuthenticate,
  fciName,
  formatSw,
  readBinary,
  selectAid,
  updateBinaryHeader,
} from '../families/fmcos.ts';
import type { KeyProvider } from '../keys/types.ts';
import { TechnicianCard, UNSEEN } from '../types.ts';
import type {
  CardChannel,
  CardLayout,
  CardReading,
  Classification,
  Judged,
  PinVerdict,
  Purchase,
  StepsDone,
  WritePlan,
} from '../types.ts';
import {
  allBytes,
  bcd,
  damaged,
  decodeMeter,
  KINDS,
  MAX_COUNT,
  METER_LENGTH,
  nextPurchase,
  putU16,
  putU32,
  u16,
  u32,
  UNITS,
} from './fields.ts';
import { provePin, REFERENCE_TECHNICIAN, TECHNICIAN_TYPE } from './technician.ts';

/** All offsets, lengths and rules: layouts.md, "PL-CPU", mode _file_. */

/** `PL.METER`. */
const AID = fromHex('504C2E4D45544552');
export const SFI_PUBLIC = 0x15;
export const SFI_HOLDER = 0x16;
const SFI_PURCHASE = 0x17;
export const SFI_METER = 0x1a;
export const PUBLIC_LENGTH = 30;
export const HOLDER_LENGTH = 16;
const PURCHASE_LENGTH = 17;
export const IDENTITY_LENGTH = PUBLIC_LENGTH + HOLDER_LENGTH;
const IMAGE_LENGTH = IDENTITY_LENGTH + PURCHASE_LENGTH;

/** Within SFI 15. */
const TYPE_AT = 8;
const VERSION_AT = 9;
const SERIAL_AT = 10;
const SERIAL_LENGTH = 10;
/** Application types from here on are staff and tool cards; below are customers'. */
const STAFF_TYPE_FROM = 0x80;
/**
 * Application type of cards in mode _purse_ (docs/layouts/pl-purse.md); every other customer's type
 * is mode _file_.
 */
/** What a customer's card is for; every other type below the staff's is of mode _file_. */
export const APPLICATION_TYPES = { purse: 0x02, fuel: 0x03 } as const;
/** See {@link APPLICATION_TYPES}. */
export type PurseType = (typeof APPLICATION_TYPES)[keyof typeof APPLICATION_TYPES];
const PURSE_TYPES: ReadonlySet<number> = new Set(Object.values(APPLICATION_TYPES));
const APPLICATION_VERSION = 0x01;
const LAYOUT_VERSION = 0x01;
/** Within SFI 17. */
const DATE_AT = 10;
const TAG_AT = 13;
const KEY_ID_AUTH = 0x00;

/** SELECT answers of a card that does not know the application or the command at all. */
const SW_FOREIGN: ReadonlySet<number> = new Set([
  0x6a82, 0x6a86, 0x6a87, 0x6b00, 0x6d00, 0x6e00, 0x6700,
]);
/**
 * SELECT answers of a card that was locked: file invalidated, card or application locked (cards.md
 * 2.3).
 */
const SW_LOCKED: ReadonlySet<number> = new Set([0x6283, 0x6a81, 0x6983, 0x9303]);

export async function selectMeter(channel: CardChannel): Promise<Result<void, Failure>> {
  const answer = await exchange(channel, selectAid(AID));
  if (!answer.ok) return answer;
  const { data, sw } = answer.value;
  if (SW_LOCKED.has(sw)) return err(failure('CARD-0110', `SELECT ${formatSw(sw)}`));
  if (SW_FOREIGN.has(sw)) return err(failure('CARD-0103', `SELECT ${formatSw(sw)}`));
  if (sw !== 0x9000) return err(failure('CARD-0106', `SELECT ${formatSw(sw)}`));
  if (data.length === 0) return damaged('SELECT without FCI');
  const name = fciName(data);
  if (name === null) return damaged(`FCI ${toHex(data)}`);
  return equalBytes(name, AID)
    ? ok(undefined)
    : err(failure('CARD-0103', `application ${toHex(name)}`));
}

export async function readFile(
  channel: CardChannel,
  sfi: number,
  length: number,
): Promise<Result<Uint8Array, Failure>> {
  const answer = await exchange(channel, readBinary(sfi, 0, length));
  if (!answer.ok) return answer;
  const { data, sw } = answer.value;
  const where = `SFI ${sfi.toString(16).toUpperCase()}`;
  if (sw === 0x6a82) return err(failure('CARD-0105', `${where} missing`));
  if (sw === 0x6283) return err(failure('CARD-0110', `${where} ${formatSw(sw)}`));
  if (sw !== 0x9000) return err(failure('CARD-0106', `${where} ${formatSw(sw)}`));
  return data.length === length ? ok(data) : damaged(`${where} has ${data.length} bytes`);
}

/**
 * The technician's card that SFI 15 tells of; undefined: another staff card, or one without a
 * number.
 */
function technicianIn(pub: Uint8Array): TechnicianCard | undefined {
  const serial = bcd(pub.subarray(SERIAL_AT, SERIAL_AT + SERIAL_LENGTH));
  return pub[TYPE_AT] === TECHNICIAN_TYPE &&
    pub[VERSION_AT] === APPLICATION_VERSION &&
    serial !== null
    ? new TechnicianCard(serial.slice(-10), PL_CPU)
    : undefined;
}

/**
 * Judged as soon as SFI 15 is there: a blank or staff card need not have the other files.
 *
 * @param wanted the kind of purse that is looked for; null: a card of mode _file_
 */
export function checkCustomersCard(
  pub: Uint8Array,
  wanted: PurseType | null,
): Result<void, Failure> {
  if (allBytes(pub, 0xff) || allBytes(pub, 0x00)) return err(failure('CARD-0105', 'SFI 15 blank'));
  const type = pub.subarray(TYPE_AT, TYPE_AT + 1);
  if ((type[0] as number) >= STAFF_TYPE_FROM)
    return err(failure('CARD-0109', `application type ${toHex(type)}`, technicianIn(pub)));
  const found = type[0] as number;
  if (wanted === null ? PURSE_TYPES.has(found) : found !== wanted)
    return err(failure('CARD-0103', `application type ${toHex(type)}`));
  return pub[VERSION_AT] === APPLICATION_VERSION
    ? ok(undefined)
    : err(failure('CARD-0103', `application version ${String(pub[VERSION_AT])}`));
}

async function readImage(channel: CardChannel): Promise<Result<Uint8Array, Failure>> {
  const selected = await selectMeter(channel);
  if (!selected.ok) return selected;
  const files: Uint8Array[] = [];
  for (const [sfi, length] of [
    [SFI_PUBLIC, PUBLIC_LENGTH],
    [SFI_HOLDER, HOLDER_LENGTH],
    [SFI_PURCHASE, PURCHASE_LENGTH],
  ] as const) {
    const file = await readFile(channel, sfi, length);
    if (!file.ok) return file;
    if (sfi === SFI_PUBLIC) {
      const customers = checkCustomersCard(file.value, null);
      if (!customers.ok) return customers;
    }
    files.push(file.value);
  }
  return ok(concatBytes(...files));
}

/** Who the card belongs to, of SFI 15 and 16 as they stand at the image's beginning. */
export function decodeIdentity(
  image: Uint8Array,
  kinds: readonly (CardReading['kind'] | undefined)[] = KINDS,
): Result<Pick<CardReading, 'cardNo' | 'userNo' | 'kind' | 'unit' | 'region'>, Failure> {
  const pub = image.subarray(0, PUBLIC_LENGTH);
  const holder = image.subarray(PUBLIC_LENGTH, IDENTITY_LENGTH);
  if (allBytes(holder, 0xff) || allBytes(holder, 0x00))
    return err(failure('CARD-0105', 'SFI 16 blank'));
  const serial = bcd(pub.subarray(SERIAL_AT, SERIAL_AT + SERIAL_LENGTH));
  const userNo = bcd(holder.subarray(0, 5));
  if (serial === null || userNo === null) return damaged('serial or user number: not BCD');
  if (holder[8] !== LAYOUT_VERSION)
    return err(failure('CARD-0103', `layout version ${String(holder[8])}`));
  const kind = kinds[holder[5] as number];
  const unit = UNITS[holder[6] as number];
  if (kind === undefined || unit === undefined)
    return damaged(`kind ${String(holder[5])}, unit ${String(holder[6])}`);
  return ok({ cardNo: serial.slice(-10), userNo, kind, unit, region: holder[7] as number });
}

function decode(image: Uint8Array, meterBytes: Uint8Array): Result<CardReading, Failure> {
  const identity = decodeIdentity(image);
  if (!identity.ok) return identity;
  const record = image.subarray(IDENTITY_LENGTH);
  if (bcd(record.subarray(DATE_AT, TAG_AT)) === null) return damaged('SFI 17: date is not BCD');
  const count = u16(record, 0);
  const lastQuantity = u32(record, 2);
  const cumulative = u32(record, 6);
  if (count > MAX_COUNT) return damaged('SFI 17: count FFFF');
  if (cumulative < lastQuantity || (count === 0 && cumulative !== 0))
    return damaged('SFI 17: cumulative and quantity disagree');
  const meter = decodeMeter(meterBytes, count);
  if (!meter.ok) return meter;
  return ok({
    layout: PL_CPU,
    ...identity.value,
    count,
    lastQuantity,
    cumulative,
    tag: record.slice(TAG_AT),
    meter: meter.value.area,
    visited: meter.value.area.visited,
    fresh: !meter.value.written,
    // SFI 17 is updated whole or not at all.
    unfinished: false,
    image,
  });
}

/** Diversification data: the last 8 bytes of the application serial. */
export function s8Of(image: Uint8Array): Uint8Array {
  return image.slice(SERIAL_AT + SERIAL_LENGTH - 8, SERIAL_AT + SERIAL_LENGTH);
}

function plan(reading: CardReading, purchase: Purchase): Result<WritePlan, Failure> {
  const { image: before } = reading;
  const date = /^\d\d(\d\d)-(\d\d)-(\d\d)$/.exec(purchase.date);
  if (date === null) return damaged('the business date is not YYYY-MM-DD');
  const next = nextPurchase(reading, purchase);
  if (!next.ok) return next;
  const { count, quantity, cumulative, tag } = next.value;
  const record = concatBytes(
    putU16(count),
    putU32(quantity),
    putU32(cumulative),
    fromHex(date.slice(1).join('')),
    tag,
  );
  return ok({
    cardNo: reading.cardNo,
    before,
    after: concatBytes(before.subarray(0, IDENTITY_LENGTH), record),
    tag,
    count,
    quantity,
    cumulative,
    steps: [
      'SELECT PL.METER, re-read SFI 15 16 17',
      'EXTERNAL AUTHENTICATE',
      `UPDATE SFI 17: count ${count}, quantity ${quantity}, cumulative ${cumulative}`,
    ],
  });
}

async function apply(
  keys: KeyProvider,
  channel: CardChannel,
  write: WritePlan,
  done: StepsDone = UNSEEN,
): Promise<Result<void, Failure>> {
  const current = await readImage(channel);
  if (!current.ok) return current;
  if (!equalBytes(current.value, write.before)) {
    return err(
      failure(
        'CARD-0205',
        sameCard(current.value, write.before)
          ? 'SFI 17 is not the before-image'
          : 'identity differs',
      ),
    );
  }
  done(1);
  const s8 = s8Of(write.before);

  const challenge8 = await challenge(channel, 8);
  if (!challenge8.ok) return challenge8;
  const cryptogram = await keys.externalAuth(s8, challenge8.value);
  if (!cryptogram.ok) return cryptogram;
  const authenticated = await exchange(
    channel,
    externalAuthenticate(KEY_ID_AUTH, cryptogram.value),
  );
  if (!authenticated.ok) return authenticated;
  if (authenticated.value.sw !== 0x9000)
    return err(failure('CARD-0201', `EXTERNAL AUTHENTICATE ${formatSw(authenticated.value.sw)}`));

  done(2);
  const challenge4 = await challenge(channel, 4);
  if (!challenge4.ok) return challenge4;
  const record = write.after.subarray(IDENTITY_LENGTH);
  const header = updateBinaryHeader(SFI_PURCHASE, 0, record.length);
  const mac = await keys.updateMac(s8, challenge4.value, header, record);
  if (!mac.ok) return mac;
  const updated = await exchange(channel, concatBytes(header, record, mac.value));
  if (!updated.ok)
    return err(
      failure(
        'CARD-0203',
        `UPDATE: ${updated.error.code} ${updated.error.detail ?? ''}`.trimEnd(),
        updated.error,
      ),
    );
  const { sw } = updated.value;
  if (sw === 0x9000) {
    done(3);
    return ok(undefined);
  }
  return err(
    failure(refusedBeforeWriting(sw) ? 'CARD-0202' : 'CARD-0203', `UPDATE ${formatSw(sw)}`),
  );
}

/**
 * ISO 7816-4 checking errors (67xx–6Exx): the command was not begun. 64xx, 65xx, 6Fxx and all else
 * leave it open.
 */
export function refusedBeforeWriting(sw: number): boolean {
  const sw1 = sw >>> 8;
  return sw1 >= 0x67 && sw1 <= 0x6e && sw1 !== 0x6c;
}

function sameCard(a: Uint8Array, b: Uint8Array): boolean {
  return (
    a.length === IMAGE_LENGTH &&
    b.length === IMAGE_LENGTH &&
    equalBytes(a.subarray(0, IDENTITY_LENGTH), b.subarray(0, IDENTITY_LENGTH))
  );
}

/** The card updates SFI 17 whole or not at all, so `torn` never comes out. */
function classify(write: Judged, current: Uint8Array): Classification {
  if (!sameCard(write.before, current)) return 'foreign';
  if (equalBytes(current, write.before)) return 'before';
  return equalBytes(current, write.after) &&
    equalBytes(current.subarray(IDENTITY_LENGTH + TAG_AT), write.tag)
    ? 'after'
    : 'foreign';
}

/** The card is reset before and after: what was verified holds for this asking alone. */
async function presentPin(
  keys: KeyProvider,
  channel: CardChannel,
  cardNo: string,
  pin: string,
  challenge: Uint8Array,
): Promise<Result<PinVerdict, Failure>> {
  const reset = await channel.reset();
  if (!reset.ok) return reset;
  const verdict = await askCard(keys, channel, cardNo, pin, challenge);
  // Pulled meanwhile, it has forgotten by itself.
  await channel.reset();
  return verdict;
}

async function askCard(
  keys: KeyProvider,
  channel: CardChannel,
  cardNo: string,
  pin: string,
  challenge8: Uint8Array,
): Promise<Result<PinVerdict, Failure>> {
  const selected = await selectMeter(channel);
  if (!selected.ok) return selected;
  const pub = await readFile(channel, SFI_PUBLIC, PUBLIC_LENGTH);
  if (!pub.ok) return pub;
  return technicianIn(pub.value)?.cardNo === cardNo
    ? provePin(keys, channel, cardNo, pin, challenge8, REFERENCE_TECHNICIAN)
    : ok('not-ours');
}

/**
 * TS 3B or 3F begins every asynchronous card's ATR (ISO 7816-3); readers give memory cards a
 * made-up `3B 04 …`.
 */
export function mayBeCpu(atr: Uint8Array): boolean {
  return (
    atr.length >= 2 &&
    (atr[0] === 0x3b || atr[0] === 0x3f) &&
    !(atr[0] === 0x3b && atr[1] === 0x04 && atr.length === 6)
  );
}

export const PL_CPU = 'PL-CPU';

/** The reference CPU card (layouts.md, "PL-CPU", mode _file_). */
export function plCpuLayout(keys: KeyProvider): CardLayout {
  return {
    id: PL_CPU,
    acceptance: 'count-exact',
    mayBe: mayBeCpu,
    read: async (channel) => {
      const image = await readImage(channel);
      if (!image.ok) return image;
      const meter = await readFile(channel, SFI_METER, METER_LENGTH);
      return meter.ok ? decode(image.value, meter.value) : meter;
    },
    readImage,
    proveAuthority: (reading) => keys.prove(s8Of(reading.image)),
    plan,
    apply: (channel, write, _keep, done) => apply(keys, channel, write, done),
    classify,
    sameCard,
    presentPin: (channel, cardNo, pin, challenge8) =>
      presentPin(keys, channel, cardNo, pin, challenge8),
  };
}
