import { z } from 'zod';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpSend } from '../../shared/http.ts';
import type { Clock } from '../../shared/ports.ts';

/**
 * What a meter is told after a top-up. Absolute: a meter that has this count has all of it, however
 * often it is told, and one that missed some makes them good with the next.
 */
export interface MeterCommand {
  readonly meterNo: string;
  /** Which top-up of the meter it is, from 1. */
  readonly count: number;
  /** All that was ever topped up, fen. */
  readonly totalFen: number;
}
/** What a meter confirmed. `count` 0: nothing yet. */
export interface MeterStands {
  readonly count: number;
  readonly totalFen: number;
}

/** The platform that reaches the meters. Nothing here rejects; null: no answer that means anything. */
export interface MeterPlatform {
  /** Hands a command over; again and again does nothing more. @returns what the meter has by now */
  readonly tell: (command: MeterCommand) => Promise<MeterStands | null>;
}

const MAX_BYTES = 1 << 14;
const answer = z.object({
  meterNo: z.string(),
  confirmed: z.object({
    count: z.number().int().nonnegative(),
    totalFen: z.number().int().nonnegative(),
  }),
});

/** A meter platform behind HTTP (docs/credit.md). */
export function httpMeterPlatform(options: {
  /** `https://host:port`, with a path where it has one. */
  readonly baseUrl: string;
  /** Sent as `Authorization: Bearer …`. */
  readonly secret: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly send?: HttpSend;
}): MeterPlatform {
  const base = new URL(options.baseUrl);
  const send = httpPort(options);
  return {
    tell: async ({ meterNo, count, totalFen }) => {
      const told = await sendWithin(
        send,
        {
          method: 'POST',
          origin: base.origin,
          target: `${base.pathname.replace(/\/+$/, '')}/meters/${encodeURIComponent(meterNo)}/credit`,
          headers: {
            authorization: `Bearer ${options.secret}`,
            'content-type': 'application/json',
          },
          body: Buffer.from(JSON.stringify({ count, totalFen }), 'utf8'),
          maxBytes: MAX_BYTES,
        },
        options.clock,
        options.timeoutMs,
      );
      if (!told.ok || told.value.status !== 200 || told.value.body === null) return null;
      try {
        const read = answer.parse(JSON.parse(Buffer.from(told.value.body).toString('utf8')));
        return read.meterNo === meterNo ? read.confirmed : null;
      } catch {
        return null;
      }
    },
  };
}
