import { z } from 'zod';
import { CARD_WAYS, CHIP_SIDES } from '../contract/base.ts';
import type { CardEntry } from '../contract/base.ts';
import { kindOf, path } from './base.ts';

/** The customer’s card reader. */
export const readerSchema = z.strictObject({
  kind: kindOf('reader kind', ['pcsc', 'crt', 'process', 'virtual']),
  /** pcsc: part of the PC/SC reader's name, case ignored; the first that matches is used. */
  match: z.string().optional(),
  /** How it speaks to memory cards where its name does not tell: acs, acr38, omnikey. */
  model: kindOf('reader model', ['acs', 'acr38', 'omnikey']).optional(),
  /**
   * crt: the serial port, e.g. `/dev/ttyS0` or `COM3`. virtual: `tcp://127.0.0.1:PORT` on which the
   * reader waits for a simulated card (vpcd's protocol).
   */
  path: path.optional(),
  /**
   * process: the program that drives it by its maker's library, with its full path, and its
   * arguments.
   */
  command: z.array(z.string().min(1)).min(1).optional(),
  /**
   * How a customer's card gets there, as the screen draws it: inserted by hand, drawn in, or laid
   * on. Left out: a motor reader draws it in, into all others it is inserted.
   */
  entry: kindOf('way of the card', CARD_WAYS).optional(),
  /** The side of the card's chip while it goes in; left out: up. */
  chip: kindOf('side of the chip', CHIP_SIDES).optional(),
  /** crt: how its frames begin. F2 where not given; 02: an old CRT-310. */
  dialect: kindOf('motor reader dialect', ['f2', '02']).optional(),
  /** crt: bits per second; the reader takes on the rate of the first command. */
  baudRate: z
    .union([z.literal(9600), z.literal(19200), z.literal(38400), z.literal(57600)])
    .optional(),
});

/** How a card gets to this reader. */
export const cardEntryOf = (reader: z.infer<typeof readerSchema> | undefined): CardEntry => ({
  way: reader?.entry ?? (reader?.kind === 'crt' ? 'motor' : 'insert'),
  chip: reader?.chip ?? 'up',
});

/** Where the PSAM is. */
export const psamReaderSchema = z.strictObject({
  /**
   * `crt-sam`: a SAM slot of the customer's own motor reader. `process-sam`: one of the reader that
   * a maker's program drives.
   */
  kind: kindOf('PSAM reader kind', ['pcsc', 'crt-sam', 'process-sam', 'virtual']),
  /** pcsc: part of the PC/SC reader's name, case ignored; another reader than the customer's. */
  match: z.string().min(1).optional(),
  /** virtual: `tcp://127.0.0.1:PORT`, as for a virtual reader. */
  path: path.optional(),
  /** crt-sam, process-sam: the slot, from 0; left out: 0. */
  slot: z.number().int().min(0).max(7).optional(),
});
/** A key's place in the PSAM: usage and id, two bytes in hex. */
const psamKey = z.string().regex(/^[0-9A-F]{4}$/, 'usage and id, four hex digits');
const hexByte = z.string().regex(/^[0-9A-F]{2}$/, 'one byte in hex');
/** Where a company's PSAM differs from the reference profile (src/card/keys/psam.ts). */
export const psamProfileSchema = z.strictObject({
  /** File id (4 digits) or name of the application that holds the keys. */
  application: z
    .string()
    .regex(/^([0-9A-F]{2}){2,16}$/)
    .optional(),
  auth: psamKey.optional(),
  mac: psamKey.optional(),
  /** null: it holds no key for loading purses. */
  load: psamKey.nullable().optional(),
  psc: psamKey.optional(),
  /** P1 of CIPHER DATA for encryption, and for a MAC with a start value. */
  encrypt: hexByte.optional(),
  macWithStart: hexByte.optional(),
  /**
   * P1 of CIPHER DATA for all 8 bytes of such a MAC; left out: it has none, and PL-24 cards are
   * refused.
   */
  wholeMac: hexByte.optional(),
});
/** See {@link psamProfileSchema}. */
export type PsamProfile = z.infer<typeof psamProfileSchema>;
/** Where a company's purse cards differ from the reference. */
export const purseSchema = z.strictObject({
  /**
   * Whether the cards tell how many tries at their PIN are left. `asked` (where left out): each is
   * asked before its PIN is presented, and one that does not tell is refused (CARD-0106). `blind`:
   * they do not tell; tries are counted by this kiosk alone, and the doctor warns (CONF-0104).
   */
  pinTries: z.enum(['asked', 'blind']).optional(),
});
/** A meter maker’s own program. */
export const layoutSchema = z.strictObject({
  kind: kindOf('layout kind', ['process']),
  /** The layout's name, kept with every order: never changed once cards were sold to. */
  id: z.string().regex(/^[A-Z0-9][A-Z0-9-]{1,30}$/, 'capitals, digits and hyphens'),
  /** The program, with its full path, and its arguments. */
  command: z.array(z.string().min(1)).min(1),
  /** How the maker's meters take a purchase; left out: count-exact. */
  acceptance: z.enum(['count-exact', 'count-greater', 'cumulative', 'purse']).optional(),
  /** ATRs of its cards, hex; X stands for any digit. */
  atrs: z.array(z.string().regex(/^(?:[0-9A-FX]{2}){2,33}$/i, 'hex, X for any digit')).min(1),
});
