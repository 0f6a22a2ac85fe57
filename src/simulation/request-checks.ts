import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readRequest, partOf } from '../central/requests/rows.ts';
import { requestsSchema } from '../shared/policy-requests.ts';
import type { Town } from './town.ts';

/** What can be asked for in the town. */
export const TOWN_REQUESTS = requestsSchema.parse({
  categories: [
    {
      id: 'repair',
      kind: 'repair',
      name: { zh: '报修', en: 'Repair' },
      choices: [{ id: 'stove', name: { zh: '灶具', en: 'Stove' } }],
      promise: { minutes: 40 },
    },
    {
      id: 'ignition',
      kind: 'ignition',
      name: { zh: '点火', en: 'Lighting' },
      slots: { days: 2, perHalfDay: 2 },
      userNo: 'required',
      promise: { workingDays: 1 },
    },
  ],
  perHour: 1_000,
});

/** The town's central opens with it. Of 32 bytes alike, so that every run is the same. */
export const TOWN_REQUEST_KEY = createPrivateKey({
  key: Buffer.concat([
    Buffer.from('302e020100300506032b656e04220420', 'hex'),
    Buffer.alloc(32, 0x42),
  ]),
  format: 'der',
  type: 'pkcs8',
})
  .export({ type: 'pkcs8', format: 'pem' })
  .toString();

/**
 * What a machine said that it took is at central once, with the telephone number that was keyed in.
 * The second log has no sealed parts (decision record 0039): of a machine whose database was lost
 * since, central may have the request without one, and shows that it lacks it.
 */
export class RequestChecks {
  readonly #world: Town;
  readonly #told: { readonly ref: string; readonly phone: string; mayLack: boolean }[] = [];
  readonly #keys: readonly KeyObject[] = [createPrivateKey(TOWN_REQUEST_KEY)];

  constructor(world: Town) {
    this.#world = world;
  }

  /** A machine says so. */
  told(ref: string, phone: string): void {
    this.#told.push({ ref, phone, mayLack: false });
    this.#world.count('request');
  }

  /** A slip's digits begin with the last four of its terminal's. */
  databaseLost(terminalId: string): void {
    for (const told of this.#told) told.mayLack ||= told.ref.startsWith(terminalId.slice(-4));
  }

  /** At the quiet end. */
  async final(): Promise<void> {
    const rows = await this.#world.db.query<Record<string, unknown>>('SELECT * FROM requests');
    const held = rows.map(readRequest);
    for (const { ref, phone, mayLack } of this.#told) {
      const found = held.filter((r) => r.ref === ref);
      if (found.length !== 1)
        this.#world.problem(`request ${ref} is at central ${found.length} times`);
      for (const r of found)
        if (mayLack && r.sealedMs === null) this.#world.count('request-part-lost');
        else if (partOf(this.#keys, r)?.phone !== phone)
          this.#world.problem(`request ${ref}: its telephone number is not at central`);
    }
    const parts = held.flatMap((r) => r.sealed ?? []);
    if (new Set(parts).size !== parts.length)
      this.#world.problem('one sealed part stands at two requests');
  }
}
