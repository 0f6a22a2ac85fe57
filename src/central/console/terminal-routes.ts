import { z } from 'zod';
import type { Keyring } from '../../shared/signatures.ts';
import { grantEpoch } from '../books/epochs.ts';
import { changeKey } from '../fleet/keys.ts';
import { setStatus, settleAlarm } from '../fleet/status.ts';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { aboutTerminal, filled, line } from './forms.ts';
import { epochPage, terminalPage } from './pages.ts';
import { terminalOf } from './terminals.ts';
import type { Ways } from './ways.ts';

/** The console's ways, and how a key is read. */
export interface TerminalConsole extends Ways {
  /** A terminal's keys by its public key. @throws where it is none */
  readonly keysOf: (publicKeyPem: string) => Keyring;
}

/** What a person decides about a terminal. */
const statusSchema = aboutTerminal.extend({ status: z.enum(['active', 'suspended', 'revoked']) });
/** A terminal's next key, and for how many hours the old one counts beside it. */
const keySchema = aboutTerminal.extend({
  key: z.string().max(2_000),
  hours: z.coerce.number().int().min(0).max(720),
});
/** Which terminal gets its new epoch. */
const epochSchema = z.object({ terminal: line.min(1) });
const HOUR_MS = 3_600_000;
/** What a terminal may do, its keys, its epochs. */
export function terminalRoutes({
  db,
  now,
  show,
  decide,
  keysOf,
}: TerminalConsole): readonly Route[] {
  return [
    show('/console/epoch', async (query, by) => {
      const terminal = await terminalOf(db(), query.get('terminal') ?? '');
      if (terminal === null) throw noSuchResource();
      return epochPage(terminal, by);
    }),
    show('/console/terminal', async (query, by) => {
      const terminal = await terminalOf(db(), query.get('terminal') ?? '');
      if (terminal === null) throw noSuchResource();
      return terminalPage(terminal, by);
    }),
    decide('/console/terminal', async (form, on) => {
      const { terminal: terminalId, ...told } = filled(form, statusSchema);
      if (!(await setStatus(on, { terminalId, ...told }, now())))
        throw new Refusal('bad-request', 'no such terminal, or nothing to change', { status: 409 });
    }),
    decide('/console/key', async (form, on) => {
      const { terminal: terminalId, key, hours, who, why } = filled(form, keySchema);
      const nextKey = `${key.replaceAll('\r\n', '\n').trim()}\n`;
      if (!isKey(keysOf, nextKey)) throw new Refusal('bad-request', '不是 Ed25519 公钥（PEM）');
      const change = { terminalId, nextKey, overlapMs: hours * HOUR_MS, who, why };
      if (!(await changeKey(on, change, now())))
        throw new Refusal(
          'bad-request',
          'no such terminal, its own key or another’s, or a change goes on',
          {
            status: 409,
          },
        );
    }),
    decide('/console/alarm', async (form, on) => {
      const { terminal: terminalId, who, why } = filled(form, aboutTerminal);
      if (!(await settleAlarm(on, { terminalId, who, why }, now())))
        throw new Refusal('bad-request', 'no such alarm', { status: 409 });
    }),
    decide('/console/epoch', async (form, on) => {
      if ((await grantEpoch(on, filled(form, epochSchema).terminal, now())) === null)
        throw new Refusal('bad-request', 'it asks for no epoch', { status: 409 });
    }),
  ];
}

function isKey(keysOf: TerminalConsole['keysOf'], pem: string): boolean {
  try {
    keysOf(pem);
    return true;
  } catch {
    return false;
  }
}
