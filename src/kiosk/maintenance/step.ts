import { PLAIN_MANNER } from '../visit/manner.ts';
import { failure } from '../../shared/errors.ts';
import type { JournalEvent } from '../../shared/facts/catalogue.ts';
import type { Effect, KioskState, Step } from '../state/kiosk.ts';
import type {
  MaintenanceEffect,
  MaintenanceOp,
  MaintenanceState,
  OpenMode,
  Wanted,
} from '../state/maintenance.ts';
import type { Now } from '../state/order.ts';
import { leave } from '../visit/step.ts';

/** Without a touch it closes by itself. */
export const IDLE_MS = 180_000;
/** The same while a PIN is asked for. */
export const PIN_IDLE_MS = 60_000;
/** The card that opened it is out: so long until it closes. A card that is put back opens it anew. */
export const CARD_OUT_MS = 10_000;
/** What an action came to is told for so long. */
export const MESSAGE_MS = 8_000;
/** How often the journal is looked at while the screen is open. */
export const LOOK_MS = 2_000;

/** So soon a search of the log goes on: the core has other things to do in between. */
export const SEARCH_MS = 100;

/** The runner is asked to do this. */
export const op = (o: MaintenanceOp): MaintenanceEffect => ({ do: 'maintenance', op: o });
/** This becomes a fact of the journal. */
export const fact = (event: JournalEvent): Effect => ({ do: 'journal', events: [event] });
/** The world is looked at for what the open screen shows. */
export const look = ({ tab, openOrderId, search, shiftRef, log }: Wanted): MaintenanceEffect =>
  op({ kind: 'look', wanted: { tab, openOrderId, search, shiftRef, log } });
/** The event does nothing here, and nothing anywhere else. */
export const nothing = (state: KioskState): Step => ({ state, effects: [] });

/** Maintenance goes on with this change. */
export function put(
  state: KioskState,
  change: Partial<MaintenanceState>,
  ...effects: Effect[]
): Step {
  return { state: { ...state, maintenance: { ...state.maintenance, ...change } }, effects };
}

/** The open screen goes on with this change. */
export function putOpen(
  state: KioskState,
  mode: OpenMode,
  change: Partial<OpenMode>,
  ...effects: Effect[]
): Step {
  return put(state, { mode: { ...mode, ...change } }, ...effects);
}

/** Taken out of service, nothing is sold whatever else holds. */
export function withBlocked(state: KioskState): KioskState {
  const { outOfService, blocked } = state.maintenance;
  return {
    ...state,
    service: { ...state.service, blocked: outOfService ? failure('MNT-0103') : blocked },
  };
}

/** What an action came to, as the screen says it for a while. */
export function tell(zh: string, en: string, now: Now): OpenMode['message'] {
  return { text: { zh, en }, untilMono: now.monoMs + MESSAGE_MS };
}

/** Closing: the customers' screen again, with whatever card is inside to be taken first. */
export function close(
  state: KioskState,
  mode: OpenMode,
  why: 'exit' | 'idle' | 'card-out',
  now: Now,
): Step {
  return put(
    {
      ...state,
      session: leave(state, now),
      card: null,
      ...PLAIN_MANNER,
      plainAtMono: null,
    },
    { mode: { at: 'idle' } },
    fact({ kind: 'maintenance-left', orderId: null, body: { who: mode.who, why } }),
    op({ kind: 'keep-open', who: null }),
  );
}
