import type { z } from 'zod';
import { askAgainMs, payStage, STEADY_MS } from '../../payment/pace.ts';
import type { QueryResult } from '../../payment/types.ts';
import { MAX_WAIT_MS } from '../../shared/gateway-api.ts';
import type { querySchema } from '../../shared/gateway-api.ts';
import type { Clock } from '../../shared/ports.ts';
import { num } from '../db/sql.ts';
import type { Sql } from '../db/sql.ts';
import { terminalBell } from '../fleet/status.ts';
import { Refusal } from '../http/problem.ts';
import { tradeBell } from './desk.ts';
import type { Desk } from './desk.ts';
import type { Leg } from './rows.ts';
import { lookAt } from './trades.ts';

/**
 * Requests that wait until their payment has moved (decision 0046). Nothing is kept open meanwhile
 * but the HTTP request itself: each look takes a turn at the trade and lets go of it, as a plain
 * query does. A look is made when the trade's bell rings (a callback, a tap, a close, in whichever
 * process), and at the wallet's pace besides: a bell that was not heard costs seconds, never a
 * payment.
 */
export interface Holds {
  /**
   * Answers as a plain query does: at once where that says something else than is known, else when
   * it does, at the end of the wait at the latest, or when it is ended here.
   */
  readonly query: (terminalId: string, asked: z.infer<typeof querySchema>) => Promise<QueryResult>;
  /** This terminal asks for something else of that trade: what is held of it is answered now. */
  readonly end: (terminalId: string, outTradeNo: string) => void;
  /** All of them: this process ends. */
  readonly endAll: () => void;
}

/** More are not held by one process: they are answered at once, and ask at their own pace. */
const MAX_HELD = 5_000;
/** A trade that no wallet knows yet is looked at in the database only, for a bell that was lost. */
const UNTAPPED_LOOK_MS = 5_000;

interface Hold {
  readonly outTradeNo: string;
  over: boolean;
  /** Something moved since the last look began. */
  rung: boolean;
  wake: () => void;
}

/** @param clock its monotonic side measures the waits */
export function makeHolds(desk: Desk, clock: Clock): Holds {
  /** By terminal: one each, and a newer one ends the older. */
  const held = new Map<string, Hold>();
  let ending = false;
  const end = (hold: Hold | undefined): void => {
    if (hold === undefined) return;
    hold.over = true;
    hold.wake();
  };

  async function holding(
    terminalId: string,
    asked: z.infer<typeof querySchema>,
    hold: Hold,
    untilMono: number,
  ): Promise<QueryResult> {
    const pace = pacing(desk);
    for (;;) {
      hold.rung = false;
      const { told, leg } = await lookAt(desk, terminalId, asked);
      const left = untilMono - clock.monoMs();
      if (told.kind !== asked.known || left <= 0 || hold.over) return told;
      await slept(clock, hold, Math.min(left, pace(told.kind, leg)));
      if (hold.over) return told;
      // Asked before it was revoked, and told nothing after: the bell may be lost, this look is not.
      await refuseRevoked(desk.db(), terminalId);
    }
  }

  return {
    query: async (terminalId, asked) => {
      const { waitMs = 0, known } = asked;
      if (waitMs === 0 || known === undefined || ending || held.size >= MAX_HELD)
        return (await lookAt(desk, terminalId, asked)).told;
      const { outTradeNo } = asked;
      const hold: Hold = { outTradeNo, over: false, rung: false, wake: () => undefined };
      end(held.get(terminalId));
      held.set(terminalId, hold);
      const name = tradeBell(terminalId, outTradeNo);
      const itself = terminalBell(terminalId);
      // Listening before the first look: what moves in between is not slept over.
      const deaf = desk.db().onRing((rung) => {
        if (rung !== name && rung !== itself) return;
        hold.rung = true;
        hold.wake();
      });
      try {
        return await holding(
          terminalId,
          asked,
          hold,
          clock.monoMs() + Math.min(waitMs, MAX_WAIT_MS),
        );
      } finally {
        deaf();
        if (held.get(terminalId) === hold) held.delete(terminalId);
      }
    },
    end: (terminalId, outTradeNo) => {
      const hold = held.get(terminalId);
      if (hold?.outTradeNo === outTradeNo) end(hold);
    },
    endAll: () => {
      ending = true;
      for (const hold of held.values()) end(hold);
    },
  };
}

/** @throws Refusal `revoked` */
async function refuseRevoked(sql: Sql, terminalId: string): Promise<void> {
  const [row] = await sql.query<{ status: string }>(
    'SELECT status FROM terminals WHERE terminal_id = $1',
    [terminalId],
  );
  if (row?.status === 'revoked') throw new Refusal('revoked', `terminal ${terminalId} was revoked`);
}

/** Until it is woken, and no longer than this. */
function slept(clock: Clock, hold: Hold, ms: number): Promise<void> {
  if (hold.rung || hold.over) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    hold.wake = () => {
      cancel();
      resolve();
    };
  });
}

/** When a trade that has not moved is looked at again. */
function pacing({ now, walletOf }: Desk): (told: QueryResult['kind'], leg: Leg | null) => number {
  let since = { stage: '', atMs: 0 };
  return (told, leg) => {
    if (leg === null) return UNTAPPED_LOOK_MS;
    // Its wallet tells by itself, and is asked in case that does not arrive.
    const wallet = walletOf(leg);
    const tells = wallet?.readCallback !== undefined && leg.method === 'qr';
    const answer = told === 'paying' ? told : 'pending';
    const stage = payStage(leg.wallet, answer, leg.method === 'code');
    if (stage !== since.stage)
      since = { stage, atMs: since.stage === '' ? num(leg.changed_ms) : now() };
    return tells
      ? STEADY_MS
      : askAgainMs(leg.wallet, stage === 'shown' ? 'scanned' : stage, now() - since.atMs);
  };
}
