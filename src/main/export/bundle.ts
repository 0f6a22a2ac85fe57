import { createHash } from 'node:crypto';
import { Encrypter } from 'age-encryption';
import type Database from 'better-sqlite3';
import { z } from 'zod';
import { closedShifts } from '../../journal/daybook.ts';
import { EVENT_COLUMNS, toLogged } from '../../journal/records.ts';
import type { Anchor, EventRecord } from '../../journal/records.ts';
import { canonicalJson } from '../../shared/canonical-json.ts';
import type { KeyId, Signer } from '../../shared/ports.ts';
import { seal } from '../../shared/sealed-text.ts';
import { shiftRef } from '../../shared/shift.ts';
import { chinaTime, DAY_MS } from '../../shared/time.ts';
import { zip } from '../../shared/zip.ts';
import { shiftsCsv, shiftsXlsx } from './tables.ts';

/**
 * What leaves on a stick: one ZIP of the settlements, and, sealed to the company's key only, the
 * journal's last days and the log. A manifest names each file's SHA-256 and is signed with the
 * terminal's key, so that whoever opens it knows that this machine said so.
 */

/** Facts go back so far, and closed shifts so many. */
const FACTS_BACK_MS = 31 * DAY_MS;
const MOST_FACTS = 200_000;
const MOST_SHIFTS = 400;

/** Keeps the signature from being one of anything else. */
export const EXPORT_LABEL = 'PILOTLIGHT-EXPORT';
export const MANIFEST = 'manifest.json';
export const SIGNATURE = 'manifest.sig';

const fileSchema = z.object({
  name: z.string().regex(/^[a-z]+\.(csv|xlsx|jsonl|json|txt)$/),
  bytes: z.number().int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const placeSchema = z.object({ epoch: z.number().int(), seq: z.number().int() });
/** See {@link makeBundle}. */
export const manifestSchema = z.object({
  version: z.literal(1),
  terminalId: z.string(),
  /** By the machine's clock, ms and in words. */
  madeMs: z.number(),
  made: z.string(),
  program: z.string(),
  /** The journal's last fact. */
  head: placeSchema.extend({ hash: z.string() }),
  /** The facts in it, first to last; null: none. */
  facts: z.object({ from: placeSchema, to: placeSchema, count: z.number() }).nullable(),
  shifts: z.array(z.object({ ref: z.string(), hash: z.string() })),
  files: z.array(fileSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;
/** What the signature covers: the manifest's own bytes. */
export const signedSchema = z.object({ terminalId: z.string(), sha256: z.string() });

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export interface BundleParts {
  readonly db: Database.Database;
  readonly terminalId: string;
  readonly program: string;
  readonly signer: Signer & KeyId;
  /** age recipients of the company; none: nothing with personal data leaves. */
  readonly recipients: readonly string[];
  /** The last lines of the log; empty: none. */
  readonly log: string;
  readonly nowMs: number;
}

export interface Bundle {
  /** A name of ours: letters, digits, `-` and `.` only. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly manifest: Manifest;
}

/** Reads a journal, and makes what leaves. Changes nothing. */
export async function makeBundle(parts: BundleParts): Promise<Bundle> {
  const { db, terminalId, recipients, nowMs } = parts;
  const sealed = recipients.length > 0;
  const shifts = closedShifts(db, MOST_SHIFTS);
  const facts = sealed ? factsOf(db, nowMs - FACTS_BACK_MS) : [];
  const text = (name: string, value: string): { name: string; bytes: Uint8Array } => ({
    name,
    bytes: Buffer.from(value, 'utf8'),
  });
  const files = [
    text('settlement.csv', shiftsCsv(shifts, sealed)),
    { name: 'settlement.xlsx', bytes: await shiftsXlsx(shifts, sealed) },
    ...(sealed
      ? [
          text('shifts.jsonl', shifts.map((s) => `${canonicalJson(s)}\n`).join('')),
          text('facts.jsonl', facts.map((f) => `${canonicalJson(toLogged(f))}\n`).join('')),
          text('log.txt', parts.log),
        ]
      : []),
  ];
  const first = facts[0];
  const last = facts.at(-1);
  const manifest: Manifest = {
    version: 1,
    terminalId,
    madeMs: nowMs,
    made: chinaTime(nowMs),
    program: parts.program,
    head: headOf(db),
    facts:
      first === undefined || last === undefined
        ? null
        : {
            from: { epoch: first.epoch, seq: first.seq },
            to: { epoch: last.epoch, seq: last.seq },
            count: facts.length,
          },
    shifts: shifts.map((s) => ({ ref: shiftRef(s.shift), hash: s.hash })),
    files: files.map(({ name, bytes }) => ({ name, bytes: bytes.length, sha256: sha256(bytes) })),
  };
  const said = text(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
  const token = seal(parts.signer, EXPORT_LABEL, { terminalId, sha256: sha256(said.bytes) });
  const archive = zip([said, text(SIGNATURE, `${token}\n`), ...files]);
  const stamp = chinaTime(nowMs).replaceAll(/[-:]/g, '').replace(' ', '-');
  const name = `pilotlight-${terminalId}-${stamp}.zip`;
  if (!sealed) return { name, bytes: archive, manifest };
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return { name: `${name}.age`, bytes: await encrypter.encrypt(archive), manifest };
}

const headOf = (db: Database.Database): Anchor =>
  db
    .prepare<[], Anchor>(
      'SELECT epoch, seq, hash FROM events ORDER BY epoch DESC, seq DESC LIMIT 1',
    )
    .get() ?? { epoch: 0, seq: 0, hash: '' };

/** Every fact from the first of these days on: a stretch without a hole, so that its chain holds. */
function factsOf(db: Database.Database, sinceMs: number): EventRecord[] {
  return db
    .prepare<[number, number], EventRecord>(
      `SELECT ${EVENT_COLUMNS} FROM events WHERE (epoch, seq) >= (SELECT epoch, seq FROM events
         WHERE wall_ms >= ? ORDER BY epoch, seq LIMIT 1) ORDER BY epoch DESC, seq DESC LIMIT ?`,
    )
    .all(sinceMs, MOST_FACTS)
    .toReversed();
}
