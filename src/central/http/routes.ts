import { Refusal } from './problem.ts';
import { noSuchResource, problemAnswer } from './request.ts';
import type { CentralAnswer, CentralRequest, Handle } from './request.ts';

/** One resource: how it is asked for, and what answers. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** `/v1/orders/:order/claim`: a part that begins with a colon stands for anything. */
  readonly path: string;
  /** @param parts what stood for the path's colons, in their order. May throw a refusal */
  readonly answer: (request: CentralRequest, parts: readonly string[]) => Promise<CentralAnswer>;
}

/** Answers by a table of resources; where none fits, with 404. */
export function router(routes: readonly Route[]): Handle {
  const table = routes.map((route) => ({ ...route, pattern: route.path.split('/') }));
  return async (request) => {
    try {
      const parts = (request.target.split('?', 1)[0] ?? '').split('/').map(decoded);
      const route = table.find((r) => r.method === request.method && fits(r.pattern, parts));
      if (route === undefined) throw noSuchResource();
      const { pattern } = route;
      return await route.answer(
        request,
        parts.filter((_, i) => pattern[i]?.startsWith(':') === true),
      );
    } catch (cause) {
      return problemAnswer(cause);
    }
  };
}

function fits(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((want, i) => want.startsWith(':') || want === parts[i])
  );
}

/** A path's part as meant; one that cannot be decoded names nothing. */
function decoded(part: string): string {
  if (!part.includes('%')) return part;
  let text: string;
  try {
    text = decodeURIComponent(part);
  } catch {
    throw new Refusal('bad-request', 'the path is not UTF-8');
  }
  // PostgreSQL text cannot hold it, so nothing has such a name.
  if (text.includes('\0')) throw noSuchResource();
  return text;
}
