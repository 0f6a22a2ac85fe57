import { layoutRegistry, pl4428Layout, pl4442Layout, plCpuLayout, plM1Layout, processLayout } from '../../card/index.ts';
import type { KeyProvider, LayoutRegistry } from '../../card/index.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import type { TerminalConfig } from '../../shared/terminal-config.ts';

export interface OwnPrograms {
  readonly layouts: TerminalConfig['layouts'];
  /** Where they run. */
  readonly cwd: string;
  readonly clock: Clock;
  readonly log: LogFn;
}

/**
 * Every layout of the kiosk: makers' programs as the configuration has them, then those that an ATR names, since PL-CPU
 * asks any other card for its application.
 */
export function cardLayouts(keys: KeyProvider, own: OwnPrograms): LayoutRegistry & { readonly close: () => void } {
  const programs = (own.layouts ?? []).map((l) => processLayout({ ...l, keys, cwd: own.cwd, clock: own.clock, log: own.log }));
  return {
    ...layoutRegistry([...programs, pl4442Layout(keys), pl4428Layout(keys), plM1Layout(keys), plCpuLayout(keys)]),
    close: () => programs.forEach((program) => program.close()),
  };
}
