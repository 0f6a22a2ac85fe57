import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { READER_PROTOCOL } from '../../../card/readers/process/protocol.ts';
import { readCard } from './client.ts';

/**
 * Of no card that there is: says to the kiosk only that one is in, and to terminal.json which
 * layout reads it. Four historical bytes, “CARD”.
 */
const ATR = '3B0443415244';
/** Each look is the library's whole reading of the card. */
const LOOK_MS = 500;

const jobSchema = z.object({ id: z.number(), do: z.string(), card: z.number().optional() });

/**
 * The reader behind such a service, in the terms of docs/adding-a-reader.md: it tells whether a
 * card is in, and nothing else; cards are read and written by the layout's program.
 */
export async function serveReader(base: string, input: Readable, output: Writable): Promise<void> {
  let cards = 0;
  /** The card that is in; none: nothing is. */
  const slot: { here: { readonly card: number; readonly cardNo: string } | null } = { here: null };
  let lookedMs = Number.NEGATIVE_INFINITY;
  let away: string | null = null;

  async function look(): Promise<void> {
    const read = await readCard(base);
    lookedMs = performance.now();
    away = null;
    if (!read.ok && read.error.code === 'CARD-0107') {
      away = read.error.detail ?? '';
      slot.here = null;
    } else if (!read.ok && read.error.code === 'CARD-0102') slot.here = null;
    else {
      const cardNo: string = read.ok ? read.value.cardNo : '';
      // One that cannot be read is the card of before, if there was one: it is in the middle of a
      // purchase.
      const { here } = slot;
      if (here === null || (cardNo !== '' && here.cardNo !== '' && here.cardNo !== cardNo))
        slot.here = { card: ++cards, cardNo };
    }
  }

  const say = (message: object): void => void output.write(`${JSON.stringify(message)}\n`);
  const fail = (id: number, code: string, detail: string): void =>
    say({ id, fail: { code, detail } });
  for await (const line of createInterface({ input })) {
    const { id, do: what, card } = jobSchema.parse(JSON.parse(line));
    if (what === 'hello') {
      const hello = { name: `card service ${base}`, memory: false, mifare: false };
      say({ id, ok: { version: READER_PROTOCOL, ...hello, gate: false, sams: 0 } });
      continue;
    }
    if (what !== 'status' || performance.now() - lookedMs >= LOOK_MS) await look();
    const { here } = slot;
    if (away !== null) fail(id, 'CARD-0107', away);
    else if (what === 'status')
      say({
        id,
        ok: here === null ? { state: 'empty' } : { state: 'present', card: here.card, atr: ATR },
      });
    else if (here === null || card !== here.card) fail(id, 'CARD-0102', 'another card, or none');
    else if (what === 'reset') say({ id, ok: { atr: ATR } });
    else fail(id, 'CARD-0103', 'the service has the card');
  }
}
