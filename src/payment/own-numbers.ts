/** Numbers that kiosks make (shared/order-id.ts): whose they are can be read from them. */
const OF_A_TERMINAL = /^P(\d{12})E\d+N\d+A\d+X[0-9A-Z]{5}$/;
/** The beginning of a kiosk's number, and the whole of a gateway's (central/gateway/legs.ts). */
const OURS = /^(?:P\d{12}E|G[0-9A-Fa-f]{26}$)/;

/** The terminal that made this trade number; null: it cannot be told. */
export function terminalOf(tradeNo: string): string | null {
  return OF_A_TERMINAL.exec(tradeNo)?.[1] ?? null;
}

/**
 * Whether this product made a trade number of a merchant's bill: all other rows are those of its
 * other shops, and whatever they hold is none of this product's business.
 */
export function isOwnNumber(tradeNo: string): boolean {
  return OURS.test(tradeNo);
}
