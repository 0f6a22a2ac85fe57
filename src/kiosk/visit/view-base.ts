import type { Header, Snapshot } from '../../shared/contract/index.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import type { Now } from '../state/order.ts';

/** What a screen is drawn with besides the state. */
export interface ViewContext extends Now {
  readonly header: Omit<Header, 'hotline'>;
  readonly demo: boolean;
  /** Hotline of the last policy, or of the configuration's fallback. */
  readonly hotline: string;
  /** The address of an order's receipt page; null: there is none. */
  readonly receiptUrl: (orderId: string) => string | null;
}

/** What every screen carries. */
export type Base = Pick<
  Snapshot,
  'revision' | 'locale' | 'access' | 'voice' | 'header' | 'nowMs' | 'demo'
>;

/** A monotonic instant as wall time, which is what people see. */
export function wallMs({ nowMs, monoMs }: Now, mono: number): number {
  return Math.max(0, Math.round(nowMs + (mono - monoMs)));
}

/** What a customer reads out at the hotline: the reason and this terminal's last digits. */
export function reference(reason: ErrorCode, { terminalId }: ViewContext['header']): string {
  return `${reason} · ${terminalId.slice(-4)}`;
}
