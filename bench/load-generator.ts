import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Load, Told } from './central-load.ts';
import type { Batch } from './central-terminal.ts';

/** The process of central-load.ts, from here. */
export class LoadGenerator {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<LoadGenerator> {
    const child = fork(fileURLToPath(new URL('central-load.ts', import.meta.url)), [], {
      serialization: 'advanced',
    });
    await once(child, 'message');
    return new LoadGenerator(child);
  }

  /**
   * Sends recorded uploads, as many terminals at once as there are connections, each one's batches
   * in their order; all of them taken, and nothing set aside.
   *
   * @returns how long it took, ms
   * @throws where one was not
   */
  async upload(
    baseUrl: string,
    connections: number,
    batches: readonly (readonly Batch[])[],
  ): Promise<number> {
    await this.#ask({
      baseUrl,
      connections,
      terminals: batches.map((own) =>
        own.map(({ request, rows }) => ({ request, lastSeq: rows.at(-1)?.[2] as number })),
      ),
    });
    const told = await this.#ask('go');
    if (typeof told === 'object' && 'ms' in told) return told.ms;
    throw new Error(typeof told === 'object' ? told.wrong : told);
  }

  async #ask(message: Load | 'go'): Promise<Told> {
    const heard = once(this.#child, 'message') as Promise<[Told]>;
    this.#child.send(message);
    return (await heard)[0];
  }

  stop(): void {
    this.#child.disconnect();
  }
}
