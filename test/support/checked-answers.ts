import { expect } from 'vitest';
import { PROBLEM_PREFIX, problemSchema } from '../../src/shared/central-api/index.ts';
import { TERMINAL_API } from '../../src/shared/central-api/routes.ts';
import type { ApiRoute } from '../../src/shared/central-api/routes.ts';
import { GATEWAY_API } from '../../src/shared/gateway-routes.ts';

/** What any signed request may be refused for. */
const ALWAYS = new Set([
  'bad-request',
  'api-version',
  'bad-signature',
  'unknown-terminal',
  'revoked',
  'replayed',
  'internal',
]);
const TABLE = [...TERMINAL_API, ...GATEWAY_API].map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/:[A-Za-z]+/g, '[^/]+')}$`),
}));

/** The route that a request is for; undefined: none has this name. */
export function routeOf(method: string, target: string): ApiRoute | undefined {
  const path = target.split('?', 1)[0] ?? '';
  return TABLE.find((one) => one.route.method === method && one.pattern.test(path))?.route;
}

/** Fails where an answer of central is not what docs/api says of it: no field more, none less. */
export function checkAnswer(method: string, target: string, status: number, body: string): void {
  const route = routeOf(method, target);
  const said = JSON.parse(body) as unknown;
  const where = `${method} ${target}: ${body.slice(0, 300)}`;
  if (status === 200) {
    if (route === undefined) throw new Error(`not in the tables of routes: ${where}`);
    expect(route.answer.parse(said), where).toEqual(said);
    return;
  }
  const problem = problemSchema.parse(said);
  const name = problem.type.slice(PROBLEM_PREFIX.length);
  expect(problem.status, where).toBe(status);
  const may =
    route === undefined ||
    ALWAYS.has(name) ||
    route.problems?.some((one) => one === name) === true ||
    (name === 'suspended' && route.sells === true) ||
    (name === 'too-many' && route.counted === true);
  expect(may, `not among the refusals of the tables: ${where}`).toBe(true);
}
