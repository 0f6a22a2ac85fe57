import type { SystemFacts } from '../../shared/contract/index.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Result } from '../../shared/result.ts';

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
