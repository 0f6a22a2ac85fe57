import {
  layoutRegistry,
  pl102Layout,
  pl1608Layout,
  pl24Layout,
  pl4428Layout,
  pl4442Layout,
  plCpuLayout,
  plFuelLayout,
  plM1Layout,
  plPurseLayout,
  processLayout,
  REFERENCE_PURSE,
} from '../../card/index.ts';
import type { KeyProvider, LayoutRegistry, PinNotes, PurseOptions } from '../../card/index.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import type { TerminalConfig } from '../../shared/config/terminal.ts';

export interface OwnPrograms {
  readonly layouts: TerminalConfig['layouts'];
  readonly purse: TerminalConfig['purse'];
  /** Where tries at PINs are kept that cards do not tell; null: nowhere, and none is presented. */
  readonly pinNotes: PinNotes | null;
  /** Where they run. */
  readonly cwd: string;
  /** Goes into the card's transaction data. */
  readonly terminalId: string;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * Every layout of the kiosk: makers' programs as the configuration has them, then those that an ATR
 * names; of the chips without one, those first that can be told by their own bytes. PL-CPU,
 * PL-PURSE and PL-FUEL ask any other card for their application.
 */
export function cardLayouts(
  keys: KeyProvider,
  own: OwnPrograms,
): LayoutRegistry & { readonly close: () => void } {
  const programs = (own.layouts ?? []).map((l) =>
    processLayout({
      ...l,
      acceptance: l.acceptance ?? 'count-exact',
      keys,
      cwd: own.cwd,
      clock: own.clock,
      log: own.log,
    }),
  );
  const purse: PurseOptions = {
    terminalId: own.terminalId,
    nowMs: () => own.clock.nowMs(),
    settings: { ...REFERENCE_PURSE, asksTries: own.purse?.pinTries !== 'blind' },
    ...(own.pinNotes === null ? {} : { pinNotes: own.pinNotes }),
  };
  return {
    ...layoutRegistry([
      ...programs,
      ...[
        pl4442Layout,
        pl4428Layout,
        plM1Layout,
        pl102Layout,
        pl1608Layout,
        pl24Layout,
        plCpuLayout,
      ].map((layout) => layout(keys)),
      plPurseLayout(keys, purse),
      plFuelLayout(keys, purse),
    ]),
    close: () => programs.forEach((program) => program.close()),
  };
}
