import { z } from 'zod';
import { jsonPort } from '../http/json-port.ts';
import type { JsonPortOptions } from '../http/json-port.ts';

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
export function httpMeterPlatform(options: JsonPortOptions): MeterPlatform {
  const call = jsonPort(options, MAX_BYTES);
  return {
    tell: async ({ meterNo, count, totalFen }) => {
      const path = `/meters/${encodeURIComponent(meterNo)}/credit`;
      const told = await call('POST', path, { count, totalFen });
      const read = told.ok ? answer.safeParse(told.value).data : undefined;
      return read?.meterNo === meterNo ? read.confirmed : null;
    },
  };
}
