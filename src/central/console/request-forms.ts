import { z } from 'zod';
import type { Db } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { answerRequest, MAX_REPLY } from '../requests/desk.ts';
import { filled, line } from './forms.ts';
import type { Form } from './forms.ts';

/** What a person answers to a request. */
const answerSchema = z.object({
  number: line.min(1).max(80),
  state: z.enum(['scheduled', 'done', 'declined']),
  reply: line.min(1).max(MAX_REPLY),
  who: line.min(1).max(60),
});

/** The form of a request's page. */
export async function answerForm(db: Db, form: Form, nowMs: number): Promise<void> {
  if (!(await answerRequest(db, filled(form, answerSchema), nowMs)))
    throw new Refusal('bad-request', 'no such request, or it is over', { status: 409 });
}
