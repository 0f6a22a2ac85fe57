import { z } from 'zod';
import { GATEWAY_REFUND_NO, GATEWAY_TRADE_NO } from '../../shared/gateway-api.ts';
import type { Life } from '../db/lives.ts';
import { num } from '../db/sql.ts';
import type { Desk } from './desk.ts';
import { recover, isForgetful } from './recovery.ts';
import { refundAgain } from './refund-again.ts';

/**
 * Payments and refunds of the lost time that no terminal asks about any more, since it was told of
 * them: its facts tell of them again, payments with the gateway's own receipt. Without their rows
 * the terminal's bill would miss them, and a second capture would wait for nobody.
 */

/** So many are looked for at a time. */
const AT_ONCE = 50;
/** How often that is. */
const EVERY_MS = 60_000;
/** A kiosk tells its facts in one go: what belongs together is here by then. */
const QUIET_MS = 60_000;
/** Terminals' clocks differ from central's; and what they upload was made some time before. */
const MARGIN_MS = 3_600_000;

interface Told {
  readonly kind: 'attempt-paid' | 'attempt-refunded';
  readonly terminal_id: string;
  readonly epoch: unknown;
  readonly seq: unknown;
  readonly body: string;
  readonly received_ms: unknown;
}
/** Of a fact: when it came, and where it stands. */
type Place = readonly [receivedMs: number, terminalId: string, epoch: number, seq: number];
const START: Place = [0, '', 0, 0];
const paidSchema = z.object({
  evidence: z.object({ kind: z.literal('receipt'), token: z.string() }),
});
/**
 * Only what to ask the wallets about, so nobody's signature is looked at: what is stored is the
 * wallets' word.
 */
const receiptSchema = z.object({
  orderId: z.string().max(64),
  outTradeNo: z.string().regex(GATEWAY_TRADE_NO),
  amountFen: z.number().int().positive(),
});

const refundedSchema = z.object({ attemptId: z.string(), amountFen: z.number().int().positive() });
const attemptSchema = z.object({
  attemptId: z.string(),
  provider: z.literal('gateway'),
  outTradeNo: z.string().regex(GATEWAY_TRADE_NO),
  outRefundNo: z.string().regex(GATEWAY_REFUND_NO),
  amountFen: z.number().int().positive(),
});
/** An order's facts lie no further apart, but where a refund waited for weeks. */
const FACTS_BEFORE = 5_000;

/** Looks once for what is due; a wallet that does not say is asked again at the next round. */
export function lostPayments(desk: Desk, report: (cause: unknown) => void): () => Promise<void> {
  const { now } = desk;
  let life = '';
  let nextMs = 0;
  let after: Place = START;
  let again: readonly Told[] = [];
  const round = async (): Promise<void> => {
    const since = await desk.life();
    if (!isForgetful(since, now())) return;
    if (since.name !== life) [life, nextMs, after, again] = [since.name, 0, START, []];
    if (now() < nextMs) return;
    const rows = await toldSince(desk, since, after);
    const last = rows.at(-1);
    if (last !== undefined)
      after = [num(last.received_ms), last.terminal_id, num(last.epoch), num(last.seq)];
    const vain: Told[] = [];
    const failed = (cause: unknown): false => {
      report(cause);
      return false;
    };
    for (const row of [...again, ...rows])
      if (!(await isFound(desk, row).catch(failed))) vain.push(row);
    again = vain;
    nextMs = rows.length < AT_ONCE ? now() + EVERY_MS : 0;
  };
  // One round at a time: who comes meanwhile waits for its end.
  let running: Promise<void> | null = null;
  return () => (running ??= round().finally(() => (running = null)));
}

/** Captures of the lost time that were told since a backup was put back, oldest first. */
const toldSince = ({ db, now }: Desk, since: Life, after: Place): Promise<readonly Told[]> =>
  db().query<Told>(
    `SELECT kind, terminal_id, epoch, seq, body, received_ms FROM journal_events
     WHERE kind IN ('attempt-paid', 'attempt-refunded') AND wall_ms >= $1 AND wall_ms < $2
       AND received_ms >= $3 AND received_ms <= $4
       AND (received_ms, terminal_id, epoch, seq) > ($5, $6, $7, $8)
     ORDER BY received_ms, terminal_id, epoch, seq LIMIT $9`,
    [
      since.backupMs - MARGIN_MS,
      since.sinceMs + MARGIN_MS,
      since.lookedSinceMs,
      now() - QUIET_MS,
      ...after,
      AT_ONCE,
    ],
  );

/** False: a wallet does not say yet. */
const isFound = (desk: Desk, row: Told): Promise<boolean> =>
  row.kind === 'attempt-paid' ? isPaymentFound(desk, row) : isRefundFound(desk, row);

async function isPaymentFound(desk: Desk, row: Told): Promise<boolean> {
  const receipt = receiptIn(row.body);
  if (receipt === null) return true;
  const { outTradeNo } = receipt;
  const lost = await desk.moving(row.terminal_id, outTradeNo, () =>
    recover(desk, row.terminal_id, receipt, 'ask'),
  );
  return lost === null;
}

async function isRefundFound(desk: Desk, row: Told): Promise<boolean> {
  const told = refundedSchema.safeParse(jsonOf(row.body));
  if (!told.success) return true;
  const { attemptId, amountFen: refundFen } = told.data;
  // Its numbers stand in the attempt's first fact, not far before.
  const begun = await desk.db().query<{ body: string }>(
    `SELECT body FROM journal_events WHERE terminal_id = $1 AND epoch = $2
     AND seq < $3 AND seq >= $4 AND kind = 'attempt-creating' ORDER BY seq DESC`,
    [row.terminal_id, num(row.epoch), num(row.seq), num(row.seq) - FACTS_BEFORE],
  );
  const attempt = begun
    .map(({ body }) => attemptSchema.safeParse(jsonOf(body)).data)
    .find((one) => one?.attemptId === attemptId);
  if (attempt === undefined) return true;
  const { outTradeNo, outRefundNo, amountFen } = attempt;
  const request = { outTradeNo, outRefundNo, amountFen, refundFen, reason: '' };
  const lost = await desk.moving(row.terminal_id, outTradeNo, () =>
    refundAgain(desk, row.terminal_id, request),
  );
  return lost === null;
}

/** The trade that a capture's fact speaks of; null: it brings no receipt of the gateway's. */
function receiptIn(body: string): z.infer<typeof receiptSchema> | null {
  const paid = paidSchema.safeParse(jsonOf(body));
  if (!paid.success) return null;
  const [text = ''] = paid.data.evidence.token.split('.');
  return (
    receiptSchema.safeParse(jsonOf(Buffer.from(text, 'base64url').toString('utf8'))).data ?? null
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
