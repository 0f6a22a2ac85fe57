import type { Db } from '../../central/db/sql.ts';
import type { Random } from '../../shared/ports.ts';

/** What every command of central's is given; the database is open and migrated. */
export interface CommandContext {
  readonly db: Db;
  /** A line for whoever typed it. */
  readonly out: (line: string) => void;
  /** What went wrong, in one sentence. */
  readonly err: (line: string) => void;
  readonly nowMs: () => number;
  readonly random: Random;
  /** A file that an argument named, whole. @throws where there is none */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** A file for whoever typed the command, mode 0600. */
  readonly writeFile: (path: string, text: string) => Promise<void>;
  /** Who typed it: `--by NAME`, else the system's user; goes into the audit. */
  readonly who: string;
  /** Central's public keys (PEM, SPKI), for what a terminal.json and a person compare. */
  readonly publicKeys: Readonly<Record<'policy' | 'answers' | 'gateway', string>>;
}
/** One noun of `npx pilotlight central NOUN VERB …`. */
export interface CommandNoun {
  readonly USAGE: string;
  /** @returns the exit code: 0 done, 1 refused, 2 wrong usage */
  readonly run: (args: readonly string[], context: CommandContext) => Promise<number>;
}
