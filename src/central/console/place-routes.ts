import { chinaDate } from '../../shared/time.ts';
import { unprovenOrders } from '../books/evidence-again.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { strandedOf } from '../gateway/adopted.ts';
import { strangersOf } from '../gateway/bill-strangers.ts';
import { refundWaits } from '../gateway/budgets.ts';
import type { Route } from '../http/routes.ts';
import { unprovenRefunds } from '../sale/budgets.ts';
import { handCases } from './by-hand.ts';
import {
  heldOf,
  heldOpen,
  ordersOf,
  parkedCapturesOf,
  quarantineOf,
  quarantineOpen,
  settlementsOf,
} from './data.ts';
import { terminalsOf } from './terminals.ts';
import { adoptedPage, budgetsPage, factsPage, moneyPage, terminalsPage } from './place-pages.ts';
import type { Adoptable, BudgetDay } from './place-pages.ts';
import type { Ways } from './ways.ts';

/** So many terminals on a page. */
const TERMINALS_A_PAGE = 100;
/** So many revoked terminals are looked through for open payments. */
const REVOKED_LOOKED_AT = 200;

/** A page for each kind of what waits. */
export function placeRoutes({ db, now, show }: Ways): readonly Route[] {
  return [
    show('/console/terminals', async (query) => {
      const asked = {
        show:
          (['missed', 'alarm'] as const).find((s) => s === query.get('show')) ?? ('all' as const),
        status:
          (['active', 'suspended', 'revoked'] as const).find((s) => s === query.get('status')) ??
          ('' as const),
        after: (query.get('after') ?? '').replaceAll('\0', ''),
      };
      const found = await terminalsOf(db(), {
        after: asked.after,
        status: asked.status === '' ? undefined : asked.status,
        show: asked.show,
        nowMs: now(),
        limit: TERMINALS_A_PAGE + 1,
      });
      const shown = found.slice(0, TERMINALS_A_PAGE);
      const next = found.length > TERMINALS_A_PAGE ? (shown.at(-1)?.terminalId ?? null) : null;
      return terminalsPage(shown, asked, next, now());
    }),
    show('/console/money', async () =>
      moneyPage({
        parked: await ordersOf(db(), now(), 'state = $1', 'parked', 200),
        parkedCaptures: await parkedCapturesOf(db()),
        settlements: await settlementsOf(db()),
        byHand: await handCases(db()),
        unprovenRefunds: await unprovenRefunds(db(), now()),
        unprovenOrders: await unprovenOrders(db()),
        strangers: await strangersOf(db(), now()),
      }),
    ),
    show('/console/budgets', async () => {
      const date = chinaDate(now());
      return budgetsPage(await refundWaits(db()), await daysOf(db(), date), date);
    }),
    show('/console/adopted', async () => {
      const revoked = await db().query<{ terminal_id: string }>(
        `SELECT t.terminal_id FROM terminals t WHERE t.status = 'revoked' ORDER BY
           (SELECT MAX(at_ms) FROM status_changes c WHERE c.terminal_id = t.terminal_id) DESC,
           t.terminal_id LIMIT ${REVOKED_LOOKED_AT + 1}`,
      );
      const found: Adoptable[] = [];
      for (const { terminal_id: terminalId } of revoked.slice(0, REVOKED_LOOKED_AT)) {
        const open = await strandedOf(db(), terminalId);
        const fen = open.reduce((sum, one) => sum + one.amountFen, 0);
        if (open.length > 0) found.push({ terminalId, payments: open.length, fen });
      }
      return adoptedPage(found, revoked.length > REVOKED_LOOKED_AT);
    }),
    show('/console/held-facts', async () =>
      factsPage(
        {
          quarantine: await quarantineOf(db()),
          quarantineOpen: await quarantineOpen(db()),
          held: await heldOf(db()),
          heldOpen: await heldOpen(db()),
        },
        now(),
      ),
    ),
  ];
}

/** What terminals handed back on this day, the most first; at most 200. */
async function daysOf(sql: Sql, date: string): Promise<readonly BudgetDay[]> {
  const rows = await sql.query<{ terminal_id: string; refunds: unknown; fen: unknown }>(
    `SELECT terminal_id, refunds, fen FROM refund_days WHERE day = $1
     ORDER BY fen DESC, terminal_id LIMIT 200`,
    [date],
  );
  return rows.map((r) => ({
    terminalId: r.terminal_id,
    refunds: num(r.refunds),
    fen: num(r.fen),
  }));
}
