import { createCentral } from '../../central/central.ts';
import type { Central, DoorName } from '../../central/central.ts';
import { fitSchema } from '../../central/db/migrate.ts';
import type { Db } from '../../central/db/sql.ts';
import type { Listening, OpenDoor } from '../../central/http/listen.ts';
import type { Failure } from '../../shared/errors.ts';
import { ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { adminSocket, serveAdmin } from './admin.ts';
import type { AdminAsk, AdminTalk } from './admin.ts';
import type { CommandContext } from './command.ts';
import { loadService } from './load.ts';
import type { CentralKeys, LoadedCentral, ServicePorts } from './load.ts';
import { openDatabase } from './open-database.ts';
import { runNoun } from './nouns.ts';

/** How long an orderly stop waits for what is under way, where nothing else is configured. */
const STOP_MS = 10_000;

/** Central, as it serves. */
export interface Serving {
  readonly doors: Readonly<Record<DoorName, OpenDoor>>;
  /**
   * Stops in order: says that it is not ready, answers what is held, ends what is under way, lets
   * go of the database.
   *
   * @returns false: something was cut, because it took too long
   */
  readonly stop: () => Promise<boolean>;
}

/**
 * Opens the database, brings its schema up to date, and serves.
 *
 * @throws where the database or a door cannot be opened
 */
export async function serve(
  loaded: LoadedCentral,
  keys: CentralKeys,
  ports: ServicePorts,
): Promise<Result<Serving, Failure>> {
  const parts = loadService(loaded, keys, ports);
  if (!parts.ok) return parts;
  const { config, path } = loaded;
  const db = await openDatabase(loaded, ports);
  let central: Central | null = null;
  let admin: Awaited<ReturnType<typeof serveAdmin>> | null = null;
  try {
    central = createCentral({
      ...parts.value,
      db,
      listen: {
        terminals: listening(config.listen.terminals),
        pages: listening(config.listen.pages),
        staff: listening(config.listen.staff),
      },
      terminals: [],
      tariffs: [],
      accounts: [],
      claims: [],
    });
    const doors = await central.start();
    admin =
      config.database.kind === 'embedded'
        ? await serveAdmin(adminSocket(path(config.dataDir)), (ask, talk) =>
            carryOut(db, keys, ports, ask, talk),
          )
        : null;
    return ok({ doors, stop: stopping(central, db, admin, ports, config.stopMs ?? STOP_MS) });
  } catch (cause) {
    await admin?.close();
    await central?.close();
    await db.close();
    throw cause;
  }
}

const listening = ({
  port,
  host,
  proxyHeader,
}: LoadedCentral['config']['listen']['terminals']): Listening => ({
  port,
  ...(host === undefined ? {} : { host }),
  ...(proxyHeader === undefined ? {} : { proxyHeader }),
});

function stopping(
  central: Central,
  db: Db,
  admin: { readonly close: () => Promise<void> } | null,
  { clock }: ServicePorts,
  stopMs: number,
): () => Promise<boolean> {
  return async () => {
    const orderly = (async () => {
      await admin?.close();
      await central.close();
      await db.close();
      return true;
    })();
    return Promise.race([
      orderly,
      new Promise<boolean>((late) => void clock.after(stopMs, () => late(false))),
    ]);
  };
}

/** One command, with a database that is open and migrated. */
export function carryOut(
  db: Db,
  keys: CentralKeys,
  { clock, random }: ServicePorts,
  { args, who }: AdminAsk,
  talk: AdminTalk,
): Promise<number> {
  const context: CommandContext = {
    ...talk,
    db,
    nowMs: () => clock.nowMs(),
    random,
    who,
    publicKeys: keys.public,
  };
  return runNoun(args, context);
}

/** A command, where nobody serves from this database or anybody may beside: it opens it itself. */
export async function carryOutHere(
  loaded: LoadedCentral,
  keys: CentralKeys,
  ports: ServicePorts,
  ask: AdminAsk,
  talk: AdminTalk,
): Promise<number> {
  const db = await openDatabase(loaded, ports);
  try {
    await fitSchema(db, { alone: loaded.config.database.kind === 'embedded', make: true });
    return await carryOut(db, keys, ports, ask, talk);
  } finally {
    await db.close();
  }
}
