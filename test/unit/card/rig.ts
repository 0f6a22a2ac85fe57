import { plCpuLayout, sampleKeyProvider, VirtualReader } from '../../../src/card/index.ts';
import type {
  CardChannel,
  CardLayout,
  CardReader,
  KeyProvider,
  ReaderStatus,
} from '../../../src/card/index.ts';
import { fromHex } from '../../../src/shared/bytes.ts';
import type { Random } from '../../../src/shared/ports.ts';
import type { Failure } from '../../../src/shared/errors.ts';
import type { Result } from '../../../src/shared/result.ts';
import { CardSlot } from '../../../src/simulator/vpcd/client.ts';
import { systemClock } from '../../support/clock.ts';

/** The value of a result that must be a success. */
export function must<T>(result: Result<T, Failure>): T {
  if (!result.ok) throw new Error(`${result.error.code} ${result.error.detail ?? ''}`);
  return result.value;
}

/** The code of a result that must be a failure. */
export function codeOf(result: Result<unknown, Failure>): string {
  return result.ok ? 'ok' : result.error.code;
}

/** Gives the scripted challenges, each once, by the length that the card is asked for; then zeros. */
export function scriptedRandom(...script: readonly string[]): Random {
  const left = script.map((hex) => fromHex(hex));
  return {
    bytes: (length) => {
      const at = left.findIndex((c) => c.length === length);
      return at < 0 ? new Uint8Array(length) : (left.splice(at, 1)[0] as Uint8Array);
    },
  };
}

export const demoKeys: KeyProvider = must(sampleKeyProvider('demo'));
export const plCpu: CardLayout = plCpuLayout(demoKeys);

/** The reader's status, once it is what `wanted` says. */
export async function until(
  reader: CardReader,
  wanted: (status: ReaderStatus) => boolean,
  timeoutMs = 5_000,
): Promise<ReaderStatus> {
  if (wanted(reader.status())) return reader.status();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`still ${JSON.stringify(reader.status())}`));
    }, timeoutMs);
    const stop = reader.onStatus((status) => {
      if (!wanted(status)) return;
      clearTimeout(timer);
      stop();
      resolve(status);
    });
  });
}

/** A channel to the card that is in, or comes in within the time. */
export async function cardIn(reader: CardReader, timeoutMs = 5_000): Promise<CardChannel> {
  const status = await until(reader, (s) => s.state === 'present', timeoutMs);
  return reader.open(status.insertion);
}

export interface Rig {
  readonly reader: VirtualReader;
  readonly slot: CardSlot;
  readonly close: () => Promise<void>;
}

/** A virtual reader on a free port with a slot that connects to it. */
export async function virtualRig(): Promise<Rig> {
  const reader = new VirtualReader({
    id: 'virtual',
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    log: () => undefined,
  });
  const port = await reader.listening();
  const slot = new CardSlot({ host: '127.0.0.1', port, clock: systemClock });
  return {
    reader,
    slot,
    close: async () => {
      slot.remove();
      await reader.close();
    },
  };
}

/** The order of layouts.md's golden values. */
export const GOLDEN_PURCHASE = {
  orderId: 'PL-000000000311-1-0042',
  quantity: 3773,
  date: '2026-11-22',
} as const;
export const GOLDEN_CHALLENGES = ['A1B2C3D4E5F60718', 'A1B2C3D4'] as const;
export const GOLDEN_BEFORE = '002900001388000320C825101000000000';
export const GOLDEN_AFTER = '002A00000EBD00032F85261122ADE6788A';
/** What must be seen on the wire, in this order, of a golden purchase's write. */
export const GOLDEN_WIRE = [
  '=> 00A4040008504C2E4D45544552',
  '=> 00B095001E',
  '=> 00B0960010',
  '=> 00B0970011',
  `<= ${GOLDEN_BEFORE}9000`,
  '=> 0084000008',
  '<= A1B2C3D4E5F607189000',
  '=> 0082000008B2F2673EB6D48ED8',
  '<= 9000',
  '=> 0084000004',
  '<= A1B2C3D49000',
  `=> 04D6970015${GOLDEN_AFTER}0D48C210`,
  '<= 9000',
] as const;

/** True when `lines` holds all of `wanted` in order. */
export function inOrder(lines: readonly string[], wanted: readonly string[]): boolean {
  let at = 0;
  for (const line of lines) if (line === wanted[at]) at++;
  return at === wanted.length;
}
