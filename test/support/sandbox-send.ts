import type { HttpSend } from '../../src/shared/http.ts';
import type { SandboxExchange, SandboxRequest } from '../../src/simulator/sandbox-http.ts';

/** The adapters' port into a wallet's sandbox of the same process. */
export function sandboxSend(sandbox: {
  readonly handle: (request: SandboxRequest) => SandboxExchange;
}): HttpSend {
  return async ({ method, target, headers, body }) => {
    const lower = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));
    const answer = sandbox
      .handle({ method, target, headers: lower, body: body ?? new Uint8Array(0) })
      .answer();
    if (answer.dropped) throw new Error('cut');
    return {
      status: answer.status,
      header: (name) =>
        Object.entries(answer.headers).find(([k]) => k.toLowerCase() === name)?.[1] ?? null,
      body: answer.body,
    };
  };
}
