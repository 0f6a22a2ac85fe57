import type { Db } from '../db/sql.ts';
import { noSuchResource } from '../http/request.ts';
import { audited, auditing } from '../staff/audit.ts';
import type { Via } from '../staff/audit.ts';
import { propose, tryOut } from '../staff/two-persons.ts';
import { DECISIONS, proposable, subjectOf } from './decisions.ts';
import type { Form } from './forms.ts';

/** Carries out one form. @throws a refusal that says what is wrong; nothing was changed then */
export type Act = (form: Form, on: Db) => Promise<void>;
/** What became of a person's word: it counts, or it waits for another person's. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'proposed'; readonly id: number };

/** All that persons decide at central goes through here. */
export interface Deciding {
  /** What a path's form does. */
  readonly learn: (path: string, act: Act) => void;
  /**
   * @param person `who` null: nobody logs in here, and the form says who it is
   * @throws a refusal
   */
  readonly decide: (
    person: { readonly who: string | null; readonly via: Exclude<Via, 'command'> },
    path: string,
    form: Form,
  ) => Promise<Outcome>;
  /** Carries out what two persons said, as part of a transaction. */
  readonly carryOut: (
    on: Db,
    person: { readonly who: string; readonly via: Via },
    path: string,
    form: Form,
  ) => Promise<void>;
}

/** Decisions on this database. */
export function decidingOn(db: () => Db, now: () => number): Deciding {
  const acts = new Map<string, Act>();
  const named = (path: string) => {
    const [act, decision] = [acts.get(path), DECISIONS[path]];
    // A decision that nobody describes is none: it could not be audited.
    if (act === undefined || decision === undefined) throw noSuchResource();
    return { act, decision };
  };
  const run: Deciding['carryOut'] = async (on, { who, via }, path, form) => {
    const { act, decision } = named(path);
    const entry = { atMs: now(), who, via, act: decision.act, subject: subjectOf(decision, form) };
    let isWritten = false;
    const audit = auditing(
      on,
      entry,
      (sql) => decision.state(sql, form),
      () => (isWritten = true),
    );
    await act(form, audit);
    // It was taken, and nothing is seen to have changed: that he said it is written down all the same.
    if (!isWritten) await audited(on, { ...entry, before: null, after: null });
  };
  return {
    learn: (path, act) => void acts.set(path, act),
    decide: async ({ who, via }, path, typed) => {
      const { act, decision } = named(path);
      // What is done and what is looked at for the audit read the same words: a blank before a number
      // must not hide the thing that it names.
      const form = trimmed(typed);
      if (who === null) {
        const name = (form['who'] ?? '')
          .replaceAll(/\p{Cc}/gu, ' ')
          .trim()
          .slice(0, 60);
        await run(db(), { who: name === '' ? '—' : name, via }, path, form);
        return { kind: 'done' };
      }
      // Who decides is who is logged in.
      const told = { ...form, who };
      if (decision.twoPersons?.(told) !== true) {
        await run(db(), { who, via }, path, told);
        return { kind: 'done' };
      }
      const wanted = proposable(decision, form);
      await tryOut(db(), (on) => act({ ...wanted, who }, on));
      const subject = subjectOf(decision, wanted);
      const id = await propose(db(), { path, form: wanted, subject, who, via }, now());
      return { kind: 'proposed', id };
    },
    carryOut: run,
  };
}

const trimmed = (form: Form): Form =>
  Object.fromEntries(Object.entries(form).map(([name, value]) => [name, value.trim()]));
