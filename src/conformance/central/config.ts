import { z } from 'zod';
import { cardNo, natural } from '../../shared/central-api/base.ts';
import { USER_NO } from '../../shared/central-api/credit.ts';

const file = z.string().min(1);
const terminal = z.strictObject({
  terminalId: z.string().min(1).max(32),
  /** Its private key, Ed25519, PEM (PKCS#8), beside this file. */
  keyFile: file,
  /** The epoch that it is granted. */
  epoch: natural.default(1),
});

/**
 * What an integrator gives the suite: throw-away terminals, cards and accounts of a central that
 * serves nobody else, and what it offers. Paths are relative to the file.
 */
export const centralSuiteSchema = z.strictObject({
  /** Central's public keys, PEM (SPKI). */
  answerKeyFile: file,
  policyKeyFile: file,
  /** Three: who sells, who helps with another one's order, and whose journal is forked. */
  terminals: z.tuple([terminal, terminal, terminal]),
  /** A terminal that is suspended, one that is revoked; left out: not checked. */
  suspended: terminal.optional(),
  revoked: terminal.optional(),
  /**
   * Twelve or more that may be sold to: nothing open on them, each of an account of its own. Each
   * run leaves some of them with an order that waits for a person.
   */
  cards: z
    .array(
      z.strictObject({
        cardNo,
        userNo: z.string(),
        /** What was delivered when it was set up; a run adds to it. */
        count: natural,
        unit: z.enum(['volume', 'money']),
        /** Prices as they are set up; the suite computes by them what a purchase gives. */
        tariff: z.strictObject({
          tariffId: z.string(),
          version: natural,
          tiers: z
            .array(z.strictObject({ uptoQuantity: natural.nullable(), priceE4: natural }))
            .min(1),
        }),
      }),
    )
    .min(12),
  /** Cards that nothing is sold to; left out: not checked. */
  hotListedCard: cardNo.optional(),
  debtCard: cardNo.optional(),
  /** No account has it. */
  unknownCard: cardNo,
  /**
   * The private half of the key that signs receipts of payments here: with it the suite pays. Left
   * out: nothing that needs a payment is checked.
   */
  receiptKeyFile: file.optional(),
  /** Left out: nothing is sold without a card. */
  credit: z
    .strictObject({
      /** An account that is topped up. */
      userNo: z.string().regex(USER_NO),
      payee: z.string(),
      unknownUserNo: z.string().regex(USER_NO),
      minFen: natural,
    })
    .optional(),
  /** The payment gateway's public key, PEM; left out: this central takes no payments. */
  gatewayKeyFile: file.optional(),
});
/** See {@link centralSuiteSchema}. */
export type CentralSuiteConfig = z.infer<typeof centralSuiteSchema>;
/** A card as the file names it. */
export type SuiteCard = CentralSuiteConfig['cards'][number];
