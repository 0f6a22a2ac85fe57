/**
 * Why a technician's card opened nothing: the PIN is wrong; the card's own counter is (nearly) used
 * up; it could not prove itself; it (or who judges it) did not answer.
 */
export const CARD_REFUSALS = ['wrong', 'locked', 'not-ours', 'no-answer'] as const;
export type CardRefusal = (typeof CARD_REFUSALS)[number];
