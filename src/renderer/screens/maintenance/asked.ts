import type { MaintenanceAction } from '../../../shared/contract/index.ts';

/** Actions that change something: asked once more, with a why. */
const ASKS = [
  'close-shift',
  'accept-damage',
  'settle-refunded-by-hand',
  'settle-delivered-by-hand',
  'settle-nothing-due',
  'retry-refund',
  'card-lost',
  'out-of-service',
  'back-in-service',
  'restart-core',
  'restart-machine',
] as const satisfies readonly MaintenanceAction[];
export type Asked = (typeof ASKS)[number];

export function isAsked(action: MaintenanceAction): action is Asked {
  return (ASKS as readonly MaintenanceAction[]).includes(action);
}

/** Money settled by hand is found again by its receipt's number. */
export function needsReference(action: MaintenanceAction): boolean {
  return (
    action === 'settle-refunded-by-hand' ||
    action === 'settle-delivered-by-hand' ||
    action === 'settle-nothing-due'
  );
}

export interface Asking {
  readonly action: Asked;
  readonly target: string | null;
  readonly about: string;
  /** A reason must be chosen. */
  readonly why: boolean;
}
/** An act that is asked about once more before it is done. */
export type OnAsk = (
  action: Asked,
  target: string | null,
  about: string,
  options?: { readonly why?: boolean },
) => void;
