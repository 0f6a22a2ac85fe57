import type { ChildMessage } from './child.ts';

/**
 * The demo hall's provider of e-invoices, a process of its own: takes the options of
 * simulator/invoices, and ends with its parent.
 */
const stop = (): void => process.exit(0);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
await import('../simulator/invoices/server.ts');
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
process.send?.({ ready: true, port } satisfies ChildMessage);
