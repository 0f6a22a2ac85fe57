import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { RequestKind, RequestState, Slot } from '../../shared/requests.ts';
import { openSealed } from '../../shared/sealed-box.ts';
import { num, numOrNull } from '../db/sql.ts';

interface Name {
  readonly zh: string;
  readonly en: string;
}
/** A request as central holds it. */
export interface RequestRow {
  readonly number: string;
  readonly ref: string;
  readonly terminalId: string;
  readonly category: string;
  readonly kind: RequestKind;
  readonly name: Name;
  readonly choice: Name | null;
  readonly slot: Slot | null;
  readonly userNo: string | null;
  readonly madeMs: number;
  readonly takenMs: number;
  readonly dueMs: number;
  readonly sealed: string | null;
  /** When the sealed part came; null: it has not. */
  readonly sealedMs: number | null;
  readonly forgottenMs: number | null;
  readonly state: RequestState;
  readonly reply: string | null;
  readonly closedMs: number | null;
  readonly wrongDay: string | null;
  readonly wrongCount: number;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null =>
  value === null || value === undefined ? null : text(value);

/** A row as the database gives it. */
export function readRequest(r: Readonly<Record<string, unknown>>): RequestRow {
  const date = textOrNull(r['slot_date']);
  return {
    number: text(r['number']),
    ref: text(r['ref']),
    terminalId: text(r['terminal_id']),
    category: text(r['category']),
    kind: r['kind'] as RequestKind,
    name: { zh: text(r['name_zh']), en: text(r['name_en']) },
    choice: r['choice_id'] === null ? null : { zh: text(r['choice_zh']), en: text(r['choice_en']) },
    slot: date === null ? null : { date, half: r['slot_half'] as Slot['half'] },
    userNo: textOrNull(r['user_no']),
    madeMs: num(r['made_ms']),
    takenMs: num(r['taken_ms']),
    dueMs: num(r['due_ms']),
    sealed: textOrNull(r['sealed']),
    sealedMs: numOrNull(r['sealed_ms']),
    forgottenMs: numOrNull(r['forgotten_ms']),
    state: r['state'] as RequestState,
    reply: textOrNull(r['reply']),
    closedMs: numOrNull(r['closed_ms']),
    wrongDay: textOrNull(r['wrong_day']),
    wrongCount: num(r['wrong_count']),
  };
}

/** What identifies a customer, as the kiosk sealed it. */
const partSchema = z.object({ phone: z.string().regex(/^\d{7,12}$/) });
export type RequestPart = z.infer<typeof partSchema>;

/** What was sealed for a request; null: it is not here, or cannot be read with these keys. */
export function partOf(
  keys: readonly KeyObject[],
  { number, sealed }: Pick<RequestRow, 'number' | 'sealed'>,
): RequestPart | null {
  if (sealed === null) return null;
  const opened = openSealed(keys, sealed, number);
  if (!opened.ok) return null;
  try {
    const parsed = partSchema.safeParse(JSON.parse(opened.value));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
