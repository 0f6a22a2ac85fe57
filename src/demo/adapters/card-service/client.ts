import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { failure } from '../../../shared/errors.ts';
import type { Failure } from '../../../shared/errors.ts';
import { err, ok } from '../../../shared/result.ts';
import type { Result } from '../../../shared/result.ts';

/** The service has the card in its hands for so long at most; then what it did is not known. */
const TIMEOUT_MS = 8_000;

const text = z.string().nullable();
const readSchema = z.object({
  Err: text,
  Exception: text,
  Factory: text,
  CardID: text,
  Gas: z.number().int(),
  Times: z.number().int(),
  Yhh: text,
});
const writtenSchema = z.object({ Err: text, Exception: text });

/** What such a service knows of a card: whose it is, and the newest purchase. */
export interface BoxReading {
  readonly factory: string;
  readonly cardNo: string;
  readonly userNo: string;
  /** 0.01 units; 0: the meter took it. */
  readonly gas: number;
  readonly times: number;
}

/** How the service says that nothing is in its reader (−4). */
const NO_CARD = '无卡';
/** A card that is in the middle of a purchase (−11). */
const NOT_WHOLE = '备份气量不正确';

/** The library has not got the port (−2): somebody else's request has it, and no card was touched. */
const BUSY = '端口初始化失败';
const BUSY_TRIES = 30;
const BUSY_MS = 100;

async function asked<T extends { readonly Err: string | null }>(
  url: URL,
  method: 'GET' | 'POST',
  schema: z.ZodType<T>,
): Promise<Result<T, Failure>> {
  for (let tries = 1; ; tries++) {
    const said = await once(url, method, schema);
    if (!said.ok || said.value.Err !== BUSY || tries === BUSY_TRIES) return said;
    await sleep(BUSY_MS);
  }
}

async function once<T>(
  url: URL,
  method: 'GET' | 'POST',
  schema: z.ZodType<T>,
): Promise<Result<T, Failure>> {
  try {
    const answer = await fetch(url, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(method === 'POST' ? { body: '{}' } : {}),
    });
    if (answer.status !== 200) return err(failure('CARD-0107', `HTTP ${answer.status}`));
    return ok(schema.parse(await answer.json()));
  } catch (cause) {
    return err(failure('CARD-0107', cause instanceof Error ? cause.message : 'no answer', cause));
  }
}

/**
 * Reads the card that is in. CARD-0102: none; CARD-0104: the service refuses it, in its own words;
 * CARD-0107: the service is away.
 */
export async function readCard(base: string): Promise<Result<BoxReading, Failure>> {
  const said = await asked(new URL('ReadCard', base), 'GET', readSchema);
  if (!said.ok) return said;
  const { Err: why, Exception: broken, Factory, CardID, Gas, Times, Yhh } = said.value;
  if (why === NO_CARD) return err(failure('CARD-0102', why));
  if (why === BUSY) return err(failure('CARD-0107', why));
  if (why === NOT_WHOLE) return err(failure('CARD-0104', why));
  if (why !== null || broken !== null) return err(failure('CARD-0103', why ?? broken ?? ''));
  if (Factory === null || !/^\d{1,20}$/.test(CardID ?? '') || Gas < 0 || Times < 0)
    return err(failure('CARD-0104', 'a card without its number'));
  return ok({
    factory: Factory,
    cardNo: CardID as string,
    userNo: /^\d{1,20}$/.test(Yhh ?? '') ? (Yhh as string) : '0',
    gas: Gas,
    times: Times,
  });
}

/**
 * Writes one purchase. Whatever it fails with says nothing about what is on the card: CARD-0203.
 *
 * @param date `YYYY-MM-DD`
 */
export async function writeGas(
  base: string,
  card: Pick<BoxReading, 'factory' | 'cardNo' | 'gas'>,
  purchase: { readonly gas: number; readonly times: number; readonly date: string },
): Promise<Result<void, Failure>> {
  // factory, kmm (this maker's cards have no password of the counter's), kh, dqdm, ql, csql, ccsql,
  // cs, ljgql, bjql, czsx, tzed, sqrq, cssqrq, oldprice, newprice, sxrq, sxbj
  const day = purchase.date.replaceAll('-', '');
  const parts = [
    card.factory,
    '0',
    card.cardNo,
    '0',
    purchase.gas,
    card.gas,
    0,
    purchase.times,
    0,
    0,
    0,
    0,
    day,
    day,
    0,
    0,
    day,
    '0',
  ];
  const path = ['WriteGasCard', ...parts].map((p) => encodeURIComponent(p)).join('/');
  const said = await asked(new URL(path, base), 'POST', writtenSchema);
  if (!said.ok) return err(failure('CARD-0203', said.error.detail, said.error));
  const why = said.value.Err ?? said.value.Exception;
  return why === null ? ok(undefined) : err(failure('CARD-0203', why));
}
