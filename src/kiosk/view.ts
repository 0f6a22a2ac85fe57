import type { Snapshot } from '../shared/contract/index.ts';
import { sameMembers } from '../shared/same.ts';
import { maintenanceView } from './maintenance/view.ts';
import type { KioskState } from './state/kiosk.ts';
import type { ViewContext } from './visit/view-base.ts';
import { visitView } from './visit/visit.ts';

/** What moves without anybody seeing a new screen. */
const MOVING: ReadonlySet<string> = new Set(['nowMs', 'revision', 'deadlineMs']);

/**
 * Would a person see no difference? A new revision drops taps made on the one before, so nothing
 * that cannot be seen may make one; a screen's end may move by less than a second.
 */
export function looksSame(a: Snapshot, b: Snapshot): boolean {
  const [endA, endB] = [a, b].map((s) => ('deadlineMs' in s ? s.deadlineMs : null));
  const sameEnd = endA === endB || (endA != null && endB != null && Math.abs(endA - endB) < 1_000);
  return sameEnd && sameMembers(a, b, MOVING);
}

/** Left out where nobody has it otherwise than usual. */
function voiceOf(state: KioskState): Pick<Snapshot, 'voice'> {
  const { muted, headphones, spoken, volume, speakerLevel } = state;
  const issued = state.service.policy?.voice;
  const policy = speakerLevel === null ? issued : { ...issued, volume: speakerLevel };
  if (policy === undefined && !muted && !headphones && !spoken && volume === null) return {};
  return {
    voice: {
      ...(policy === undefined ? {} : { policy }),
      ...(muted ? { muted: true as const } : {}),
      ...(headphones ? { headphones: true as const } : {}),
      ...(spoken ? { spoken: true as const } : {}),
      ...(volume === null ? {} : { volume }),
    },
  };
}

/** The whole screen as data; the renderer adds nothing but looks. */
export function viewOf(state: KioskState, ctx: ViewContext, revision: number): Snapshot {
  const base = {
    revision,
    locale: state.locale,
    access: state.access,
    ...voiceOf(state),
    header: { ...ctx.header, hotline: ctx.hotline },
    nowMs: ctx.nowMs,
    demo: ctx.demo,
  };
  return maintenanceView(state, base, ctx) ?? visitView(state, base, ctx);
}
