import { z } from 'zod';

/** A file or folder; relative ones are the configuration file’s. */
export const path = z.string().min(1);
/** An HTTP address. */
export const url = z.url({ protocol: /^https?$/ });

/** The error of a kind that this program does not have: it names those it has. */
export const notBuilt = (what: string, built: readonly string[]) => ({
  error: (issue: { input?: unknown }) =>
    `${what} "${String(issue.input)}" is not built; available: ${built.join(', ')}`,
});
/** One of the kinds that are built. */
export const kindOf = <const T extends readonly [string, ...string[]]>(what: string, built: T) =>
  z.enum(built, notBuilt(what, built));

/** Both languages, or one text for both. */
export const text = z.union([
  z.string().min(1),
  z.strictObject({ zh: z.string().min(1), en: z.string().min(1) }),
]);
