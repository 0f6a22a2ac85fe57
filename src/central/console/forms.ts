import { z } from 'zod';
import { Refusal } from '../http/problem.ts';
import { noSuchResource } from '../http/request.ts';
import type { FactPlace } from './data.ts';

/** A form as it was posted. */
export type Form = Readonly<Record<string, string>>;

/** A line of text. */
export const line = z
  .string()
  .trim()
  .regex(/^\P{Cc}*$/u);
/** What a person says about a terminal. */
export const aboutTerminal = z.object({
  terminal: line.min(1),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
/** What a person says about a fact. */
export const aboutFact = aboutTerminal.extend({
  epoch: z.coerce.number().int().nonnegative(),
  seq: z.coerce.number().int().nonnegative(),
});

/** The fact that a page's address names. */
export function placeOf(query: URLSearchParams): FactPlace {
  const [epoch, seq] = [Number(query.get('epoch')), Number(query.get('seq'))];
  const terminalId = query.get('terminal') ?? '';
  if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(seq) || terminalId.includes('\0'))
    throw noSuchResource();
  return { terminalId, epoch, seq };
}

/** A form's fields as meant. @throws a refusal where they are not */
export function filled<T>(form: Form, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(form);
  if (!parsed.success)
    throw new Refusal(
      'bad-request',
      parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '),
    );
  return parsed.data;
}
