import { failure } from '../../../shared/errors.ts';
import { equalBytes } from '../../../shared/bytes.ts';
import { err, ok } from '../../../shared/result.ts';
import { chinaTime } from '../../../shared/time.ts';
import type { CardLayout, CardReading, Classification, Judged } from '../../../card/index.ts';
import { nextPurchase } from '../../../card/layouts/fields.ts';
import { readCard, writeGas } from './client.ts';
import type { BoxReading } from './client.ts';

/** What of a card an order is judged by; the service tells no more. */
interface Image extends Pick<BoxReading, 'factory' | 'cardNo' | 'gas' | 'times'> {}

function imageOf({ factory, cardNo, gas, times }: Image): Uint8Array {
  return new TextEncoder().encode(JSON.stringify([factory, cardNo, times, gas]));
}

function decoded(image: Uint8Array): Image | null {
  try {
    const [factory, cardNo, times, gas] = JSON.parse(new TextDecoder().decode(image)) as [
      string,
      string,
      number,
      number,
    ];
    return { factory, cardNo, times, gas };
  } catch {
    return null;
  }
}

const isSame = (a: Image | null, b: Image | null): boolean =>
  a !== null && b !== null && a.factory === b.factory && a.cardNo === b.cardNo;

/**
 * By count and quantity alone. `after` asks for both, as another's purchase may stand under the
 * same count; the old count with the new quantity is half of ours. All else goes to a person: the
 * new count with nothing under it may be ours, taken by the meter, or another's.
 */
function classify({ before, after }: Judged, current: Uint8Array): Classification {
  if (equalBytes(current, after)) return 'after';
  if (equalBytes(current, before)) return 'before';
  const [was, wanted, is] = [decoded(before), decoded(after), decoded(current)];
  if (was === null || wanted === null || is === null || !isSame(was, is)) return 'foreign';
  return is.times === was.times && is.gas === wanted.gas ? 'torn' : 'foreign';
}

function readingOf(layout: string, card: BoxReading): CardReading {
  const { cardNo, userNo, gas, times } = card;
  const taken = gas === 0;
  return {
    layout,
    cardNo,
    userNo,
    kind: 'gas',
    unit: 'volume',
    region: 0,
    count: times,
    lastQuantity: gas,
    // The service does not tell, and nothing of it is written.
    cumulative: 0,
    tag: new Uint8Array(0),
    meter: {
      visited: taken,
      countTaken: taken ? times : times - 1,
      remainingQuantity: 0,
      cumulativeUsed: 0,
      lastVisit: '0000000000',
      valveClosed: false,
      faults: 0,
      meterNo: '0',
    },
    visited: taken,
    fresh: false,
    unfinished: false,
    image: imageOf(card),
  };
}

/**
 * A maker's cards behind the card service of a counter. The service reads and writes whole; what it
 * does to the card meanwhile nobody else knows.
 */
export function cardServiceLayout(id: string, base: string): CardLayout {
  return {
    id,
    acceptance: 'count-exact',
    mayBe: () => true,
    read: async () => {
      const read = await readCard(base);
      return read.ok ? ok(readingOf(id, read.value)) : read;
    },
    readImage: async () => {
      const read = await readCard(base);
      return read.ok ? ok(imageOf(read.value)) : read;
    },
    // The maker's library has its keys.
    proveAuthority: () => Promise.resolve(ok(undefined)),
    plan: (reading, purchase) => {
      const was = decoded(reading.image);
      const next = nextPurchase(reading, purchase);
      if (!next.ok) return next;
      if (was === null) return err(failure('CARD-0104', 'an image that is not of this layout'));
      const { count, quantity, cumulative, tag } = next.value;
      return ok({
        cardNo: reading.cardNo,
        before: reading.image,
        after: imageOf({ ...was, times: count, gas: quantity }),
        tag,
        count,
        quantity,
        cumulative,
        steps: [`card service, count ${count}, quantity ${quantity}`],
      });
    },
    apply: async (channel, plan) => {
      // The service knows no insertions: the kiosk says whether this one is still the one.
      const alive = await channel.reset();
      if (!alive.ok) return alive;
      const read = await readCard(base);
      if (!read.ok) return read;
      const current = imageOf(read.value);
      const verdict = classify(plan, current);
      if (verdict === 'after') return ok(undefined);
      if (verdict === 'foreign')
        return err(failure('CARD-0205', 'another card, or another purchase on it'));
      const [was, wanted] = [decoded(plan.before), decoded(plan.after)];
      if (was === null || wanted === null)
        return err(failure('CARD-0104', 'no plan of this layout'));
      const { gas, times } = wanted;
      // Number, quantity and count are said outright: the same write again leaves the same card.
      return writeGas(base, was, { gas, times, date: today() });
    },
    classify,
    sameCard: (a, b) => isSame(decoded(a), decoded(b)),
  };
}

/** The day of the write, by China's calendar; nothing that is judged depends on it. */
function today(): string {
  return chinaTime(performance.timeOrigin + performance.now()).slice(0, 10);
}
