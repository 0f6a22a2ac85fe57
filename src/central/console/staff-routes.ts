import { z } from 'zod';
import { chinaDayMs, DAY_MS } from '../../shared/time.ts';
import { Refusal } from '../http/problem.ts';
import { dateOf, noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import { alarmsSeen } from '../staff/alarms/alarms.ts';
import { standingRoles } from '../staff/accounts.ts';
import { auditOf } from '../staff/audit.ts';
import { mayUse } from '../staff/roles.ts';
import { decideProposal, proposalNo, proposals } from '../staff/two-persons.ts';
import { alarmsPage } from './alarm-pages.ts';
import { seeOther } from './answers.ts';
import { mayApprove } from './decisions.ts';
import type { Deciding } from './deciding.ts';
import { filled, line } from './forms.ts';
import { auditPage, proposalPage, proposalsPage } from './staff-pages.ts';
import type { Ways } from './ways.ts';

/** The console's ways, and what decides. */
export interface StaffConsole extends Ways {
  readonly deciding: Deciding;
  /** Somebody is told of alarms. */
  readonly isTelling: boolean;
}

/** So many lines of the audit on a page. */
const AUDIT_LINES = 100;
const verdictSchema = z.object({
  id: z.coerce.number().int().positive(),
  verdict: z.enum(['confirmed', 'refused']),
  why: line.min(1).max(300),
});
/** A field of an address, as it is looked for. */
const asked = (query: URLSearchParams, name: string): string =>
  (query.get(name) ?? '').replaceAll(/\p{Cc}/gu, '').trim();

/** What staff did, and what waits for a second person. */
export function staffRoutes({
  db,
  now,
  show,
  post,
  deciding,
  isTelling,
}: StaffConsole): readonly Route[] {
  return [
    show('/console/audit', async (query) => {
      const wanted = {
        who: asked(query, 'who'),
        subject: asked(query, 'subject'),
        date: asked(query, 'date'),
      };
      const fromMs = wanted.date === '' ? undefined : chinaDayMs(dateOf(wanted.date));
      const before = Number(query.get('before') ?? Number.NaN);
      const rows = await auditOf(
        db(),
        {
          who: wanted.who === '' ? undefined : wanted.who,
          subject: wanted.subject === '' ? undefined : wanted.subject,
          fromMs,
          toMs: fromMs === undefined ? undefined : fromMs + DAY_MS,
          beforeN: Number.isSafeInteger(before) ? before : undefined,
        },
        AUDIT_LINES + 1,
      );
      const shown = rows.slice(0, AUDIT_LINES);
      return auditPage(shown, wanted, rows.length > AUDIT_LINES ? (shown.at(-1)?.n ?? null) : null);
    }),
    show('/console/alarms', async () => alarmsPage(await alarmsSeen(db()), isTelling)),
    show('/console/proposals', async () => proposalsPage(await proposals(db(), now()))),
    show('/console/proposal', async (query, by) => {
      const id = Number(query.get('id'));
      const found = Number.isSafeInteger(id) && id > 0 ? await proposalNo(db(), id) : null;
      if (found === null) throw noSuchResource();
      return proposalPage(found, by);
    }),
    post('/console/proposal', async (form, { who, roles }) => {
      // Where nobody logs in nothing is proposed, so there is nothing to decide.
      if (who === null || roles === null) throw noSuchResource();
      const told = filled(form, verdictSchema);
      await decideProposal(
        db(),
        { ...told, who },
        async (on, { path, form: wanted, who: first }) => {
          if (!mayApprove(roles, path))
            throw new Refusal('bad-request', 'role-missing: 您的角色不能核准这件事', {
              status: 403,
            });
          // One whose roles were taken since is no first person any more.
          if (!mayUse(await standingRoles(on, first), 'POST', path))
            throw new Refusal(
              'bad-request',
              'proposer-role-missing: 提出的人已经没有这个角色，请重新提出',
              { status: 409 },
            );
          const both = `${first}＋${who}`;
          await deciding.carryOut(on, { who: both, via: 'console' }, path, {
            ...wanted,
            who: both,
          });
        },
        now(),
      );
      return seeOther('/console/proposals');
    }),
  ];
}
