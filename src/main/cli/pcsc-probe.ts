import { spawn } from 'node:child_process';
import { z } from 'zod';

const answerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('no-addon'), detail: z.string() }),
  z.object({ kind: z.literal('loads') }),
  z.object({ kind: z.literal('no-service'), detail: z.string() }),
  z.object({ kind: z.literal('readers'), names: z.array(z.string()) }),
]);
/** loads: the addon is well and the service was not asked. */
export type PcscProbe = z.infer<typeof answerSchema>;

/** How long the service has to name its readers: it does so at once, one event for each. */
const LIST_MS = 1_000;
const PROBE_TIMEOUT_MS = 10_000;

/** Lists readers, connects to none. CommonJS, run by `node -e`. */
const SCRIPT = `
const [base, useService, listMs] = process.argv.slice(1);
const say = (answer) => process.stdout.write(JSON.stringify(answer), () => process.kill(process.pid, 'SIGKILL'));
let pcsc;
try { pcsc = require('node:module').createRequire(base)('pcsclite'); } catch (e) { say({ kind: 'no-addon', detail: String(e.message).split('\\n')[0] }); }
if (pcsc !== undefined && useService !== 'true') say({ kind: 'loads' });
else if (pcsc !== undefined) {
  try {
    const context = pcsc();
    const names = [];
    context.on('error', (e) => say({ kind: 'no-service', detail: e.message }));
    context.on('reader', (r) => { r.on('error', () => undefined); names.push(r.name); });
    setTimeout(() => say({ kind: 'readers', names }), Number(listMs));
  } catch (e) { say({ kind: 'no-service', detail: e.message }); }
}
`;

/**
 * Loads the addon and asks the service in a process of their own: a fault in native code ends that
 * one, and the probe's own service context ends with it. No card is connected to.
 */
export function probePcsc(useService: boolean): Promise<PcscProbe> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['-e', SCRIPT, import.meta.url, String(useService), String(LIST_MS)],
      { stdio: ['ignore', 'pipe', 'ignore'], timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' },
    );
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      // Names of a few readers: what goes on and on is none of it.
      text = (text + chunk.toString('utf8')).slice(0, 65_536);
    });
    child.on('error', (cause) => resolve({ kind: 'no-addon', detail: cause.message }));
    child.on('close', (code, signal) => {
      const end = `the probe ended with ${signal ?? code}`;
      let json: unknown = null;
      try {
        json = JSON.parse(text);
      } catch {
        // No answer: judged below.
      }
      const answer = answerSchema.safeParse(json);
      resolve(
        answer.success
          ? answer.data
          : { kind: useService ? 'no-service' : 'no-addon', detail: end },
      );
    });
  });
}
