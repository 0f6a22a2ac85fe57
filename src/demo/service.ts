import type { ChildMessage, ChildQuestion } from './child.ts';

/**
 * Runs a service as a child of the hall: says that it is ready, answers the hall's questions, and
 * ends with its parent.
 *
 * @param answer what it says to a question; left out: it is asked none
 */
export function runService(
  service: { start: () => Promise<{ port: number }>; close: () => Promise<void> },
  answer?: (question: string) => Promise<unknown>,
): void {
  const tell = (message: ChildMessage): void => void process.send?.(message);
  const stop = (): void => {
    void service.close().finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
  process.on('message', ({ ask, question }: ChildQuestion) => {
    const said = answer?.(question) ?? Promise.resolve(null);
    void said.catch(() => null).then((value) => tell({ answered: ask, value }));
  });
  service.start().then(
    ({ port }) => tell({ ready: true, port }),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
