import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

/** How the machine under the kiosk stands, as a technician looks at it. */
export interface SystemFacts {
  /** Of the operating system and the programs, by name: `Debian GNU/Linux`, `Node`, … */
  readonly versions: readonly { readonly name: string; readonly version: string }[];
  /** Since the machine was switched on, ms. */
  readonly uptimeMs: number;
  /** Since the core was started, ms. */
  readonly coreUptimeMs: number;
  /** Network interfaces that have an address, without loopback. */
  readonly addresses: readonly { readonly name: string; readonly address: string }[];
  /** The clock is kept by a time service; null: the system does not tell. */
  readonly clockKept: boolean | null;
  /** The panel's light, 1 to 100; null: it cannot be set from here. */
  readonly brightness: number | null;
}

/** What maintenance mode may do with the machine itself. */
export interface SystemPort {
  readonly look: () => Promise<SystemFacts>;
  /** 1 to 100. MNT-0301: the system refused. */
  readonly setBrightness: (percent: number) => Promise<Result<void, Failure>>;
  /**
   * Ends the core once what is in flight has its end; the shell starts it again. The caller has
   * written down who asked for it.
   */
  readonly restartCore: () => void;
  /** Asks the system for a restart of the machine. MNT-0301: it refused. */
  readonly restartMachine: () => Promise<Result<void, Failure>>;
}
