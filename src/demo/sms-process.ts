import type { ChildMessage } from './child.ts';

/**
 * The demo hall's platform of messages, a process of its own: takes the options of
 * simulator/sms-platform, and ends with its parent.
 */
const stop = (): void => process.exit(0);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
await import('../simulator/sms-platform/server.ts');
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
process.send?.({ ready: true, port } satisfies ChildMessage);
