import { SALT_BYTES, hashPin, pinProblem } from '../../kiosk/maintenance/pin.ts';
import type { MaintenanceUser } from '../../kiosk/maintenance/pin.ts';
import type { Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';

/** One line that nobody shall see; null: there is none (the input ended, or Ctrl-C). */
export type Secret = (prompt: string) => Promise<string | null>;

const PROBLEMS = {
  'not-digits': 'a PIN is digits only: the kiosk has no keyboard',
  short: 'a PIN has at least 6 digits',
  long: 'a PIN has at most 12 digits',
  trivial: 'this PIN is among the first that anybody tries: choose another',
} as const;

/**
 * Asks for a PIN (twice where it is typed) and makes the line for `maintenance.users` of
 * terminal.json. The PIN itself is kept nowhere.
 */
export async function makePin(
  name: string,
  secret: Secret,
  typed: boolean,
  random: Random,
): Promise<Result<MaintenanceUser, string>> {
  const pin = await secret('PIN: ');
  if (pin === null) return err('no PIN was given');
  const problem = pinProblem(pin);
  if (problem !== null) return err(PROBLEMS[problem]);
  if (typed && (await secret('once more: ')) !== pin) return err('the two were not the same');
  return ok(await hashPin(name, pin, random.bytes(SALT_BYTES)));
}

/** Reads from this process's input: without echo at a terminal, a line at a time from a pipe. */
export function systemSecret(): { readonly secret: Secret; readonly typed: boolean } {
  const input = process.stdin;
  if (input.isTTY) return { secret: typedSecret, typed: true };
  return {
    typed: false,
    secret: async () => {
      let text = '';
      for await (const chunk of input) text += String(chunk);
      return text === '' ? null : (text.split(/\r?\n/)[0] ?? null);
    },
  };
}

function typedSecret(prompt: string): Promise<string | null> {
  const input = process.stdin;
  process.stderr.write(prompt);
  return new Promise((resolve) => {
    let text = '';
    const end = (value: string | null): void => {
      input.off('data', take);
      input.setRawMode(false);
      input.pause();
      process.stderr.write('\n');
      resolve(value);
    };
    const take = (chunk: Buffer): void => {
      for (const key of chunk.toString()) {
        if (key === '\r' || key === '\n') return end(text);
        if (key === '\u0003' || key === '\u0004') return end(null);
        text = key === '\u007f' || key === '\b' ? text.slice(0, -1) : text + key;
      }
    };
    input.setRawMode(true);
    input.resume();
    input.on('data', take);
  });
}
