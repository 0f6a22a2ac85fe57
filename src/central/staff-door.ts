import type { Random, Signer } from '../shared/ports.ts';
import { decidingOn } from './console/deciding.ts';
import { staffDoor } from './console/door.ts';
import { loopbackGate, staffGate, staffOrigin } from './console/gate.ts';
import { logInRoutes } from './console/log-in-routes.ts';
import { consoleRoutes } from './console/routes.ts';
import type { ConsoleParts } from './console/routes.ts';
import { consoleWays } from './console/ways.ts';
import type { Db } from './db/sql.ts';
import { LOOPBACK_HOST } from './http/listen.ts';
import type { Listening } from './http/listen.ts';
import type { Handle } from './http/request.ts';
import { router } from './http/routes.ts';
import type { Route } from './http/routes.ts';
import { staffApi } from './staff-api.ts';
import type { ScryptCost } from './staff/passwords.ts';

/** How staff log in. */
export interface StaffOptions {
  /**
   * By which address browsers reach the staff's door: `https://host[:port]` of the TLS front server
   * before it; `http://` on loopback only.
   */
  readonly publicOrigin: string;
  /** Makes sessions, codes and tokens. */
  readonly random: Random;
  /** What hashes of passwords cost; left out: `SCRYPT_COST`. */
  readonly cost?: ScryptCost;
}
/** What the staff's door needs of central's options. */
export interface StaffDoorOptions {
  readonly now: () => number;
  readonly listen?: Partial<Readonly<Record<'staff', Listening>>>;
  readonly policySigner: Signer;
  readonly staff?: StaffOptions;
}

/**
 * Every route of the staff's door.
 *
 * @throws with a code where staff would log in over a line that everybody reads
 */
export function staffRoutesOf(
  { now, listen, policySigner, staff }: StaffDoorOptions,
  db: () => Db,
  parts: Omit<ConsoleParts, 'db' | 'now' | 'gate' | 'deciding'>,
): readonly Route[] {
  const deciding = decidingOn(db, now);
  if (staff === undefined) {
    const secret = policySigner.sign(Buffer.from('pilotlight console form', 'utf8'));
    const gate = loopbackGate(listen?.staff?.host ?? LOOPBACK_HOST, secret);
    return consoleRoutes({ ...parts, db, now, gate, deciding });
  }
  const at = staffOrigin(staff.publicOrigin);
  const gate = staffGate(db, now, at);
  const { random, cost } = staff;
  return [
    ...logInRoutes({ ...consoleWays(db, now, gate, deciding), at, random, cost }),
    ...consoleRoutes({ ...parts, db, now, gate, deciding }),
    ...staffApi({ db, now, at, deciding }),
  ];
}

/** The staff's door: console, log-in and API, in answers that a browser may trust. */
export const staffHandle = (...parts: Parameters<typeof staffRoutesOf>): Handle =>
  staffDoor(router(staffRoutesOf(...parts)));
