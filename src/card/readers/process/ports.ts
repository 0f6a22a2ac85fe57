import type { z } from 'zod';
import { toHex } from '../../../shared/bytes.ts';
import type { Failure } from '../../../shared/errors.ts';
import { ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';
import type { MemoryCardPort, MifarePort } from '../../types.ts';
import type { Job } from './link.ts';
import { bytesSchema, codeSchema, counterSchema, doneSchema, openedSchema } from './protocol.ts';

/** One job with the card of one insertion. */
export type Exchange = <T>(schema: z.ZodType<T>, job: Job) => Promise<Result<T, Failure>>;

const done = async (asked: Promise<Result<unknown, Failure>>): Promise<Result<void, Failure>> => {
  const said = await asked;
  return said.ok ? ok(undefined) : said;
};
const bytes = async (
  asked: Promise<Result<{ readonly bytes: Uint8Array }, Failure>>,
): Promise<Result<Uint8Array, Failure>> => {
  const said = await asked;
  return said.ok ? ok(said.value.bytes) : said;
};

/** A memory card behind a reader's program. */
export function processMemoryPort(ask: Exchange): MemoryCardPort {
  return {
    select: (chip) => done(ask(doneSchema, { do: 'select', chip })),
    read: (chip, area, at, length) =>
      bytes(ask(bytesSchema, { do: 'read', chip, area, at, length })),
    write: (chip, area, at, data) =>
      done(ask(doneSchema, { do: 'write', chip, area, at, bytes: toHex(data) })),
    counter: async (chip, set) => {
      const said = await ask(counterSchema, { do: 'counter', chip, ...of(set) });
      return said.ok ? ok(said.value.counter) : said;
    },
    present: (chip, code, set) =>
      ask(codeSchema, { do: 'present', chip, code: toHex(code), ...of(set) }),
    eraseZone: (chip, zone, key) =>
      done(ask(doneSchema, { do: 'erase-zone', chip, zone, key: toHex(key) })),
  };
}

const of = (set: number | undefined): { readonly set?: number } =>
  set === undefined ? {} : { set };

/** A Mifare card behind a reader's program. */
export function processMifarePort(ask: Exchange): MifarePort {
  return {
    uid: () => bytes(ask(bytesSchema, { do: 'uid' })),
    authenticate: async (block, which, key) => {
      const said = await ask(openedSchema, { do: 'authenticate', block, which, key: toHex(key) });
      return said.ok ? ok(said.value.opened) : said;
    },
    read: (block) => bytes(ask(bytesSchema, { do: 'read-block', block })),
    write: (block, data) => done(ask(doneSchema, { do: 'write-block', block, bytes: toHex(data) })),
  };
}
