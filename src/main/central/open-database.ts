import { join } from 'node:path';
import { openPglite } from '../../central/db/pglite.ts';
import { openPostgres } from '../../central/db/postgres.ts';
import type { Db } from '../../central/db/sql.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { readSecretText } from './load.ts';
import type { LoadedCentral } from './load.ts';

/**
 * Opens central's books, as the configuration has them.
 *
 * @throws where the database cannot be reached, is in use (embedded), or is not fit for this
 */
export async function openDatabase(
  { config, path }: LoadedCentral,
  ports: { readonly clock: Clock; readonly random: Random; readonly log: LogFn },
): Promise<Db> {
  const { mode, database, dataDir } = config;
  if (database.kind === 'embedded') return openPglite(join(path(dataDir), 'books'));
  const url = new URL(database.url);
  if (database.passwordFile !== undefined) {
    const password = readSecretText(path(database.passwordFile), mode);
    if (!password.ok) throw new Error(`database.passwordFile: ${password.error}`);
    url.password = encodeURIComponent(password.value);
  }
  return openPostgres({
    url: url.href,
    clock: ports.clock,
    random: ports.random,
    log: (message) => ports.log('warn', 'database', message),
    ...(database.connections === undefined ? {} : { connections: database.connections }),
  });
}
