import { z } from 'zod';

/**
 * What a fact may say at the most, far above anything that is sold: sums of any number of facts
 * stay numbers that JavaScript and a bigint hold exactly, so that no row makes a reader fail. This
 * one is of money, fen.
 */
export const MAX_FEN = 1_000_000_000;
/** Of a quantity, 0.01 units. */
export const MAX_UNITS = 100_000_000_000;
/** Of a card's purchases. */
export const MAX_COUNT = 1_000_000;
/** Of a remainder, micro-yuan. */
export const MAX_MICRO = MAX_FEN * 10_000;

/** A number that counts something: whole, not negative, safe. */
export const natural = z.number().int().nonnegative();
/** Money of one fact, in fen: at most ten million yuan. */
export const fen = natural.max(MAX_FEN);
/** A quantity of one fact, or all that a card was ever given, in 0.01 units. */
export const units = natural.max(MAX_UNITS);
/** Which purchase of a card it is. */
export const counter = natural.max(MAX_COUNT);
/** Micro-yuan of one fact. */
export const micro = natural.max(MAX_MICRO);
/** Bytes as upper-case hex; a card's image, or what was kept of one. */
export const hex = z
  .string()
  .max(32_768)
  .regex(/^([0-9A-F]{2})*$/);
