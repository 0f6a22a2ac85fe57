import type { Signer } from './ports.ts';

/**
 * The code on a slip: which order's, signed by the terminal that made it. Short enough that the
 * whole address is a QR code of version 9 at the most, which a phone reads from 58 mm paper.
 */

/** First line of what is signed; keeps it apart from everything else that a terminal signs. */
const MARK = 'PILOTLIGHT-ORDER-PAGE';
/** `<terminal>-<epoch>-<counter>-<random>.<signature, base64url>`: an order id without its `PL-`. */
const TOKEN = /^((\d{12})-\d{1,10}-\d{4,12}-\d{4})\.([A-Za-z0-9_-]{1,128})$/;

/** What the signature of an order's receipt covers. The order id names its terminal. */
export const receiptText = (orderId: string): string => `${MARK}\n${orderId}\n`;

/**
 * The token of an order's receipt page, by its terminal's own key. Ed25519 signs alike every time,
 * so that screen and slip show one code, and no line is needed to make it.
 */
export function makeReceiptToken(signer: Signer, orderId: string): string {
  const signature = signer.sign(Buffer.from(receiptText(orderId), 'utf8'));
  return `${orderId.slice('PL-'.length)}.${Buffer.from(signature).toString('base64url')}`;
}

/** What a token says, before anybody believed it. */
export interface ReceiptToken {
  readonly orderId: string;
  readonly terminalId: string;
  /** Base64, as signatures are checked here; a second spelling of one is refused there. */
  readonly signature: string;
}

/** Null: it has another form. */
export function readReceiptToken(token: string): ReceiptToken | null {
  const [, order, terminalId, signature] = TOKEN.exec(token) ?? [];
  if (order === undefined || terminalId === undefined || signature === undefined) return null;
  const raw = Buffer.from(signature, 'base64url');
  if (raw.toString('base64url') !== signature) return null;
  return { orderId: `PL-${order}`, terminalId, signature: raw.toString('base64') };
}
