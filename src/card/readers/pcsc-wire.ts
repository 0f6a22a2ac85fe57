import { z } from 'zod';
import { fromHex } from '../../shared/bytes.ts';

/**
 * The protocol between the driver and the process that holds the PC/SC package (decision 0023):
 * JSON over Node's own channel. Bytes are hex. What is not of it ends the process, from either
 * side.
 */

/** A command and an answer of 64 KB with their ends: more than any reader takes. */
const MAX_BYTES = 65_544;
const hex = z
  .string()
  .regex(/^(?:[0-9A-F]{2})*$/)
  .max(2 * MAX_BYTES)
  .transform((text) => fromHex(text));
const id = z.number().int().positive();
/** A reader's name ends up on screens and in logs. */
const name = z.string().max(500);
const text = z.string().max(2_000);

/** Driver to process; each is answered once, by its id. */
export const requestSchema = z.discriminatedUnion('do', [
  /** Is it still there? */
  z.strictObject({ id, do: z.literal('ping') }),
  /**
   * Connects to the card in this reader; `connection` is the driver's number for it, new for each
   * new connection.
   */
  z.strictObject({ id, do: z.literal('connect'), connection: id, reader: name }),
  z.strictObject({ id, do: z.literal('disconnect'), connection: id, reset: z.boolean() }),
  z.strictObject({
    id,
    do: z.literal('transmit'),
    connection: id,
    protocol: z.number().int().min(0).max(0xffff),
    data: hex,
  }),
]);
export type Request = z.input<typeof requestSchema>;

/** Process to driver. */
export const messageSchema = z.discriminatedUnion('say', [
  /** The service's context stands. */
  z.strictObject({ say: z.literal('ready') }),
  /** The package, the service or its monitor failed; nothing follows. */
  z.strictObject({ say: z.literal('over'), message: text, code: z.string().max(50).optional() }),
  z.strictObject({ say: z.literal('reader'), watch: id, name }),
  z.strictObject({
    say: z.literal('status'),
    watch: id,
    state: z.number().int().min(0).max(0xffff_ffff),
    atr: hex,
  }),
  z.strictObject({ say: z.literal('error'), watch: id, message: text }),
  z.strictObject({ say: z.literal('end'), watch: id }),
  /** A request was carried out: with the protocol of a connection, or a card's answer. */
  z.strictObject({
    say: z.literal('done'),
    id,
    protocol: z.number().int().optional(),
    data: hex.optional(),
  }),
  z.strictObject({ say: z.literal('failed'), id, message: text }),
]);
export type Message = z.input<typeof messageSchema>;
