/** Runs a program and waits for its end; null: it is not there. Never throws. */
export type RunProgram = (
  command: string,
  args: readonly string[],
  options: { readonly input?: Uint8Array; readonly timeoutMs: number },
) => Promise<{
  /** Null: it was ended because it took too long. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
} | null>;
