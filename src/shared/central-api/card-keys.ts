import { z } from 'zod';
import { cardNo, natural } from './base.ts';

const hexBytes = (bytes: number) => z.string().regex(new RegExp(`^[0-9A-F]{${2 * bytes}}$`));
const someHex = z.string().regex(/^([0-9A-F]{2}){1,200}$/);
/** Diversification data: the last 8 bytes of a CPU card's serial, whose last 5 are the card number. */
const s8 = hexBytes(8);
/** What opens a memory card: a chip's code, or an AT88SC102's erase key. */
const codeChip = z.enum([
  'SLE4442',
  'SLE4428',
  'AT88SC102',
  'AT88SC102-EZ1',
  'AT88SC102-EZ2',
  'AT88SC1608',
]);
export type CodeChip = z.infer<typeof codeChip>;
/** What a purse answered to INITIALIZE FOR LOAD, with what it was asked. */
const loadAnswer = {
  balance: natural,
  amount: natural,
  seq: natural,
  random: hexBytes(4),
  terminal: hexBytes(6),
  mac1: hexBytes(4),
};

/**
 * What a terminal without card keys asks central to compute with them. The `prove` and `check`
 * verbs compute nothing; every other one, but for a Mifare sector's key A, is granted only for a
 * card on which this terminal has a sale under way (its quote's claim, or a write claim), and only
 * for what that sale writes. Central keeps who asked, for which order, never what was answered.
 */
export const cardKeyRequestSchema = z.discriminatedUnion('verb', [
  z.object({ verb: z.literal('prove'), s8, use: z.enum(['file', 'purse']) }),
  z.object({ verb: z.literal('prove-code'), chip: codeChip, cardNo }),
  /**
   * A memory card's code: it has to come down. Nobody logs, journals or stores it; on the way only
   * TLS hides it.
   */
  z.object({ verb: z.literal('code'), chip: codeChip, cardNo }),
  z.object({ verb: z.literal('external-auth'), s8, challenge: hexBytes(8) }),
  /**
   * What a technician's card answered to a challenge: judged, never computed for anybody.
   * card-refused: it is not this card's.
   */
  z.object({
    verb: z.literal('check-technician'),
    cardNo,
    challenge: hexBytes(8),
    answer: hexBytes(8),
  }),
  /**
   * Whether these bytes of a card without a code are an issuer's or a kiosk's: judged, one byte
   * (01, 00) for each.
   */
  z.object({
    verb: z.literal('check-blocks'),
    cardNo,
    blocks: z
      .array(z.object({ data: hexBytes(32), mac: hexBytes(8) }))
      .min(1)
      .max(2),
  }),
  z.object({ verb: z.literal('prove-block'), cardNo }),
  /** The proof of a block: identity of the card (16) ‖ block of this sale (16). */
  z.object({ verb: z.literal('block-mac'), cardNo, data: hexBytes(32) }),
  z.object({ verb: z.literal('prove-sector') }),
  /**
   * A Mifare sector's key. A reads, and is given for any card; B writes sector 1, for the card of a
   * sale, whose number was read with A.
   */
  z.object({
    verb: z.literal('sector-key'),
    uid: hexBytes(4),
    sector: natural,
    which: z.enum(['A', 'B']),
    cardNo: cardNo.optional(),
  }),
  z.object({
    verb: z.literal('update-mac'),
    s8,
    challenge: hexBytes(4),
    header: hexBytes(5),
    record: someHex,
  }),
  z.object({ verb: z.literal('load-leave'), s8, ...loadAnswer }),
  /**
   * Whether a purse itself gave this answer to INITIALIZE FOR LOAD: judged, and no load is allowed
   * by it. card-refused: its MAC1 is not the card's.
   */
  z.object({ verb: z.literal('check-load'), s8, ...loadAnswer }),
]);
export type CardKeyRequest = z.infer<typeof cardKeyRequestSchema>;
/**
 * `bytes`: cryptogram, MAC, code; empty for a proof. `when`: date and time that MAC2 covers, by
 * central's clock.
 */
export const cardKeyAnswerSchema = z.object({
  bytes: z.string().regex(/^([0-9A-F]{2})*$/),
  when: hexBytes(7).optional(),
  serverTimeMs: natural,
});
export type CardKeyAnswer = z.infer<typeof cardKeyAnswerSchema>;
