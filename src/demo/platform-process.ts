import type { ChildMessage } from './child.ts';

/**
 * One of the other companies' systems that the demo hall's central speaks to, a process of its own
 * that ends with its parent: `NAME`, then the options of that simulator's server.
 */
const SERVERS = {
  meters: () => import('../simulator/meter-platform/server.ts'),
  invoices: () => import('../simulator/invoices/server.ts'),
  sms: () => import('../simulator/sms-platform/server.ts'),
  book: () => import('../simulator/account-book/server.ts'),
};
/** Whose system it is. */
export type PlatformName = keyof typeof SERVERS;

const stop = (): void => process.exit(0);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
// Each of them reads its options from the command line, which has no room for our word.
const [name] = process.argv.splice(2, 1);
if (name === undefined || !Object.hasOwn(SERVERS, name)) throw new Error(`no platform ${name}`);
await SERVERS[name as PlatformName]();
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
process.send?.({ ready: true, port } satisfies ChildMessage);
