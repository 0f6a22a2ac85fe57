import type { Sql } from '../db/sql.ts';
import type { CentralAnswer } from './request.ts';
import type { Route } from './routes.ts';

/** What a front server or a supervisor asks a process of central. */
export interface HealthParts {
  readonly db: () => Sql;
  /** The schema that this program works with. */
  readonly schema: number;
  /** True from the beginning of an orderly stop. */
  readonly ending: () => boolean;
}

/**
 * `/livez`: the process answers · `/readyz`: it may be sent requests; 503 with the reason while it
 * ends, has no database, or the database has another program's schema. The names are those of
 * Kubernetes' API server (kubernetes.io, "Kubernetes API health endpoints"). Nothing is told that a
 * stranger should not know.
 */
export function healthRoutes({ db, schema, ending }: HealthParts): readonly Route[] {
  const why = async (): Promise<string | null> => {
    if (ending()) return 'ending';
    try {
      const [row] = await db().query<{ number: number }>(
        'SELECT number FROM schema_migrations ORDER BY number DESC LIMIT 1',
      );
      return row?.number === schema ? null : 'schema';
    } catch {
      return 'database';
    }
  };
  return [
    { method: 'GET', path: '/livez', answer: () => Promise.resolve(told(200, { live: true })) },
    {
      method: 'GET',
      path: '/readyz',
      answer: async () => {
        const reason = await why();
        return reason === null
          ? told(200, { ready: true })
          : told(503, { ready: false, why: reason });
      },
    },
  ];
}

const told = (status: number, body: unknown): CentralAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
});
