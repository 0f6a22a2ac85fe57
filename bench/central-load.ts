import { Agent, request } from 'node:http';
import type { CentralRequest } from '../src/central/http/request.ts';
import type { UploadAnswer } from '../src/shared/central-api/index.ts';

/**
 * The load generator, a process of its own on the same machine: signed uploads as they were
 * recorded, over as many connections that stay open as it is told. Each terminal's batches follow
 * one another; it makes no signature and no hash while the clock runs.
 */

/** What it is told: the batches of each terminal, and over how many connections they go. */
export interface Load {
  readonly baseUrl: string;
  readonly connections: number;
  readonly terminals: readonly (readonly Recorded[])[];
}
/** One upload, and the number of its last fact. */
export interface Recorded {
  readonly request: CentralRequest;
  readonly lastSeq: number;
}
/** What it tells: loaded, or how long all of it took; else what went wrong. */
export type Told = 'ready' | 'loaded' | { readonly ms: number } | { readonly wrong: string };

let load: Load | null = null;
let agent: Agent | null = null;

function send(baseUrl: string, { request: r, lastSeq }: Recorded): Promise<void> {
  return new Promise((done, failed) => {
    const asked = request(
      `${baseUrl}${r.target}`,
      { method: r.method, headers: r.headers as Record<string, string>, agent: agent as Agent },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => (text += part));
        answer.on('error', failed);
        answer.on('end', () => {
          const { ackSeq, quarantined } = JSON.parse(text) as UploadAnswer;
          if (answer.statusCode === 200 && ackSeq === lastSeq && quarantined.length === 0) done();
          else failed(new Error(`central answered ${answer.statusCode} ${text}`));
        });
      },
    );
    asked.on('error', failed);
    asked.end(Buffer.from(r.body));
  });
}

async function run({ baseUrl, connections, terminals }: Load): Promise<number> {
  agent?.destroy();
  agent = new Agent({ keepAlive: true, maxSockets: connections });
  const waiting = [...terminals];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let own = waiting.shift(); own !== undefined; own = waiting.shift())
        for (const one of own) await send(baseUrl, one);
    }),
  );
  return performance.now() - began;
}

const tell = (told: Told): void => void process.send?.(told);
process.on('message', (message: Load | 'go') => {
  if (message !== 'go') {
    load = message;
    tell('loaded');
  } else if (load !== null)
    run(load).then(
      (ms) => tell({ ms }),
      (cause: unknown) => tell({ wrong: String(cause) }),
    );
});
process.on('disconnect', () => process.exit(0));
tell('ready');
