/** Runs a service as a child of the hall: says on stdout that it is ready, and ends with its parent. */
export function runService(service: { start: () => Promise<{ port: number }>; close: () => Promise<void> }): void {
  const stop = (): void => {
    void service.close().finally(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('disconnect', stop);
  service.start().then(
    ({ port }) => process.send?.({ ready: true, port }),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
