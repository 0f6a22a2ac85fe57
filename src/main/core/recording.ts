import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CRT_FRAMING } from '../../card/readers/crt/frames.ts';
import type { PcscService } from '../../card/index.ts';
import { recordPcsc, recordSerial, serialTranscript } from '../../card/readers/record.ts';
import type { SerialLine } from '../../card/readers/serial-line.ts';
import { Transcript } from '../../card/readers/transcript.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { TerminalConfig } from '../../shared/config/terminal.ts';

/** What a core's readers are made of while everything they say is written down. */
export interface Recording {
  readonly virtual: (id: string) => Transcript;
  readonly pcsc: (id: string, service: PcscService) => PcscService;
  readonly serial: (id: string, open: () => Promise<SerialLine>) => () => Promise<SerialLine>;
}

/**
 * Recordings of all readers, one file each, under a folder. In demo mode only (CONF-0101
 * otherwise): a recording holds card and user numbers. Codes, PINs and keys are masked unless the
 * published sample keys are in use.
 */
export function recordingIn(
  folder: string,
  config: Pick<TerminalConfig, 'mode' | 'keys'>,
  clock: Clock,
): Result<Recording, Failure> {
  if (config.mode !== 'demo')
    return err(
      failure(
        'CONF-0101',
        'recordings hold cards’ data: --record and PILOTLIGHT_RECORD are for demo mode only',
      ),
    );
  const masked = config.keys.kind !== 'sample';
  const stamp = new Date(clock.nowMs()).toISOString().replace(/[:.]/g, '-');
  const writer = (id: string, what: string): ((line: string) => void) => {
    const file = join(folder, `${id}-${stamp}.txt`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    appendFileSync(
      file,
      `# Pilotlight transcript, ${what}${masked ? ', codes and keys masked' : ', sample keys'}\n`,
      { mode: 0o600 },
    );
    return (line) => appendFileSync(file, `${line}\n`);
  };
  return ok({
    virtual: (id) => new Transcript(writer(id, 'virtual reader'), masked),
    pcsc: (id, service) => {
      // A file for each reader of the service: which is the kiosk's is settled by name, later.
      const transcripts = new Map<string, Transcript>();
      const of = (name: string): Transcript => {
        const known = transcripts.get(name);
        if (known !== undefined) return known;
        const made = new Transcript(
          writer(`${id}-${name.replace(/[^\w-]+/g, '-')}`, `PC/SC reader ${name}`),
          masked,
        );
        transcripts.set(name, made);
        return made;
      };
      return recordPcsc(service, of);
    },
    serial: (id, open) => {
      const transcript = serialTranscript(writer(id, 'motor reader'), masked, CRT_FRAMING);
      return () => recordSerial(open, CRT_FRAMING, transcript);
    },
  });
}
