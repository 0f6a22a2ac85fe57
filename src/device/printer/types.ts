import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

/** One line of a slip. How many columns it has is the model's; a Chinese character takes two. */
export type SlipLine =
  | {
      readonly kind: 'text';
      readonly text: string;
      readonly align?: 'left' | 'center';
      readonly size?: 'normal' | 'double';
    }
  | { readonly kind: 'pair'; readonly label: string; readonly value: string }
  | { readonly kind: 'rule' }
  | { readonly kind: 'qr'; readonly text: string };

/**
 * Why a printer cannot print now. `held`: paper of an earlier slip is still in it. `silent`: its
 * line is there, and nothing is said on it.
 */
export type PrinterTrouble =
  | 'paper-end'
  | 'cover-open'
  | 'cutter'
  | 'overheated'
  | 'error'
  | 'offline'
  | 'silent'
  | 'unreachable'
  | 'held'
  | 'none-fitted';

/** What a printer says of itself. */
export interface PrinterStatus {
  readonly ready: boolean;
  readonly paperLow: boolean;
  /** Null exactly where it is ready. */
  readonly trouble: PrinterTrouble | null;
  readonly failure: Failure | null;
}

/**
 * A receipt printer. No call throws; a slip that fails half-way is a failure, and the caller says
 * so on screen.
 */
export interface Printer {
  readonly status: () => Promise<PrinterStatus>;
  /**
   * Prints and cuts; ok only after the printer confirmed behind the data that it is done. DEV-0101:
   * nothing of it was sent. DEV-0102: a part of it may be on the paper; it never comes out later as
   * if it were whole.
   *
   * @param number what the slip is about, e.g. its order's number: where the printer cannot be made
   *   to forget a slip it stands under the last line, so that a rest which comes out later says
   *   whose it is
   */
  readonly print: (slip: readonly SlipLine[], number?: string) => Promise<Result<void, Failure>>;
  /**
   * Calls back with how it stands when a slip showed something else; returns an unsubscribe
   * function.
   */
  readonly onStatus: (listener: (status: PrinterStatus) => void) => () => void;
  readonly close: () => Promise<void>;
}
