import type { ErrorCode } from '../../shared/errors.ts';
import type { KioskState } from '../state/kiosk.ts';

/** Why the kiosk as a whole cannot serve now; null: it can. */
export function outOfService(state: Pick<KioskState, 'service' | 'reader'>): ErrorCode | null {
  const code = state.service.blocked?.code;
  if (
    code !== undefined &&
    (code.startsWith('JRNL') ||
      code === 'CONF-0103' ||
      code === 'BILL-0104' ||
      code === 'BILL-0109' ||
      code === 'MNT-0103')
  )
    return code;
  if (state.reader.state === 'offline') return state.reader.failure?.code ?? 'CARD-0107';
  return null;
}

/** Why nothing can be sold now though the kiosk serves; null: selling works. */
export function notSelling(state: Pick<KioskState, 'service'>): ErrorCode | null {
  if (state.service.blocked !== null) return state.service.blocked.code;
  if (state.service.policy === null) return 'SALE-0110';
  if (state.service.lineUp === false) return 'SALE-0111';
  return null;
}
