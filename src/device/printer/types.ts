import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

/** One line of a slip. Widths count a Chinese character as two columns; 32 columns on 58 mm paper. */
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

/** What a printer says of itself. */
export interface PrinterStatus {
  readonly ready: boolean;
  readonly paperLow: boolean;
  readonly failure: Failure | null;
}

/**
 * A receipt printer. No call throws; a slip that fails half-way is a failure, and the caller says
 * so on screen.
 */
export interface Printer {
  readonly status: () => Promise<PrinterStatus>;
  /** Prints and cuts; ok only after the printer confirmed that it is still well. DEV-0101 otherwise. */
  readonly print: (slip: readonly SlipLine[]) => Promise<Result<void, Failure>>;
  readonly close: () => void;
}
