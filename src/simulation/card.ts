import { numberHex, sealed } from '../simulator/card/codec.ts';
import { CpuCard, counterRandom } from '../simulator/card/cpu-card.ts';
import { issue } from '../simulator/card/catalogue.ts';
import { issue4442 } from '../simulator/card/issue-4442.ts';
import { issuePurse } from '../simulator/card/issue-purse.ts';
import { Sle4442 } from '../simulator/card/sle4442.ts';
import { BlockMeter, purchaseOn, tagOn } from '../simulator/meter/block-meter.ts';
import { Meter } from '../simulator/meter/meter.ts';
import { PurseMeter } from '../simulator/meter/meter-purse.ts';
import { in4442 } from '../simulator/meter/slots.ts';
import { AcsReader } from '../simulator/reader/acs.ts';
import type { SlotCard } from '../simulator/vpcd/client.ts';

/** What a card says of its purchases. */
export interface Content {
  readonly count: number;
  readonly quantity: number;
  readonly cumulative: number;
  /** Of the newest purchase, hex: the order's tag, or a purse's MAC2. */
  readonly tag: string;
}
export type SimFault =
  | { readonly kind: 'tear'; readonly at: number; readonly when: 'before' | 'after' }
  | { readonly kind: 'lie' };

/** A card of the town with its meter, whatever chip it has. */
export interface SimCard {
  readonly chip: 'file' | 'purse' | 'memory';
  readonly slot: SlotCard;
  readonly arm: (fault: SimFault) => void;
  readonly disarm: () => void;
  readonly onChange: (listener: () => void) => void;
  /** @param before what it said last; null: nothing yet */
  readonly content: (opening: { readonly cumulative: number }, before: Content | null) => Content;
  /** Money in a purse; null: it is none. */
  readonly balance: () => number | null;
  readonly meter: {
    readonly visit: (now: string) => { readonly credited: number };
    readonly consume: (quantity: number) => void;
    readonly state: () => { readonly remaining: number; readonly used: number };
  };
}
export interface Making {
  readonly cardNo: string;
  readonly userNo: string;
  readonly meterNo: string;
  readonly ceilingQuantity: number;
}

function fresh<M>(meter: M | null): M {
  if (meter === null) throw new Error('a card without its meter');
  return meter;
}

/** A CPU card of mode file, or a purse. */
export function cpuCard(purse: boolean, making: Making): SimCard {
  const { cardNo, userNo, meterNo } = making;
  const card = new CpuCard(
    (purse ? issuePurse : issue)({ cardNo, userNo, meterNo }),
    counterRandom(Number(making.cardNo) % 1_000_000),
  );
  card.recording = false;
  const meter = fresh(
    PurseMeter.ofCard(card, making.ceilingQuantity) ?? Meter.ofCard(card, making.ceilingQuantity),
  );
  return {
    chip: purse ? 'purse' : 'file',
    slot: card,
    arm: (fault) => card.arm(fault.kind === 'tear' ? { ...fault, from: 'arming' } : fault),
    disarm: () => card.disarm(),
    onChange: (listener) => card.onChange(listener),
    content: (opening, before) => {
      const state = card.purse?.state;
      if (state !== undefined) {
        // A purse names its last load by MAC2, and all that was loaded is counted from the opening
        // on.
        const load = state.log.find((r) => r.slice(18, 20) === '02');
        const quantity = load === undefined ? 0 : Number.parseInt(load.slice(10, 18), 16);
        return {
          count: state.onlineSeq,
          quantity,
          cumulative:
            before === null
              ? opening.cumulative
              : before.cumulative + (state.onlineSeq - before.count) * quantity,
          tag: state.proof?.mac2 ?? '',
        };
      }
      const b = card.peek('17') as Uint8Array;
      const v = new DataView(b.buffer, b.byteOffset);
      return {
        count: v.getUint16(0),
        quantity: v.getUint32(2),
        cumulative: v.getUint32(6),
        tag: Buffer.from(b.subarray(13, 17)).toString('hex').toUpperCase(),
      };
    },
    balance: () => card.purse?.state.balance ?? null,
    meter: {
      visit: (now) => meter.visit(card, now),
      consume: (q) => meter.consume(q),
      state: () => meter.state(),
    },
  };
}

/** Writes of the ACS dialect: what a lying card answers well and does not store. */
const WRITE_INS = 0xd0;

/**
 * An SLE4442 in a reader of the ACS kind: it tears byte by byte, and what is half written must be
 * finished.
 */
export function sle4442Card(making: Making): SimCard {
  const chip = new Sle4442(
    issue4442({
      cardNo: making.cardNo,
      userNo: making.userNo,
      a: { seq: 41, count: 41, quantity: 5_000, cumulative: 205_000, tag: 'A1B2C3D4' },
      b: { seq: 40, count: 40, quantity: 5_000, cumulative: 200_000, tag: '0BADCAFE' },
      meterArea: sealed(
        `58${numberHex(41, 2)}${numberHex(0, 4)}${numberHex(205_000, 4)}25111508300000${making.meterNo}${'00'.repeat(7)}`,
      ),
    }),
  );
  const reader = new AcsReader(chip);
  reader.recording = false;
  const inMeter = in4442(chip);
  const meter = fresh(BlockMeter.ofCard(inMeter, making.ceilingQuantity));
  let tear: { left: number; readonly when: 'before' | 'after' } | null = null;
  let lies = false;
  let last: Content | null = null;
  return {
    chip: 'memory',
    slot: {
      insert: () => reader.insert(),
      remove: () => {
        lies = false;
        reader.remove();
      },
      reset: () => reader.reset(),
      answerToReset: () => reader.answerToReset(),
      powerOff: () => reader.powerOff(),
      process: (apdu) => {
        if (tear !== null && --tear.left <= 0) {
          if (tear.when === 'after') reader.process(apdu);
          tear = null;
          return { kind: 'torn' };
        }
        // The whole visit's writes vanish, as with a chip that is worn out.
        if (lies && apdu[0] === 0xff && apdu[1] === WRITE_INS)
          return { kind: 'answer', bytes: Uint8Array.of(0x90, 0x00) };
        return reader.process(apdu);
      },
    },
    arm: (fault) => {
      if (fault.kind === 'lie') lies = true;
      else tear = { left: fault.at, when: fault.when };
    },
    disarm: () => {
      tear = null;
      lies = false;
    },
    onChange: (listener) => chip.onChange(listener),
    content: () => {
      // While a block is half written the other one counts.
      const now = purchaseOn(inMeter);
      if (now !== null) last = { ...now, tag: tagOn(inMeter) ?? '' };
      return last as Content;
    },
    balance: () => null,
    meter: {
      visit: (now) => meter.visit(inMeter, now),
      consume: (q) => meter.consume(q),
      state: () => meter.state(),
    },
  };
}
