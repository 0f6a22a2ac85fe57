import { randomBytes } from 'node:crypto';
import { createCentral } from '../../../src/central/central.ts';
import type { Central, CentralOptions } from '../../../src/central/central.ts';
import type { Db } from '../../../src/central/db/sql.ts';
import { DEMO_DATA } from '../../../src/demo/central-data.ts';
import { runNoun } from '../../../src/main/central/nouns.ts';
import type { HttpSend } from '../../../src/shared/http.ts';
import { ed25519Signer } from '../../../src/shared/signing.ts';
import { edKeys, into, openDb } from './harness.ts';
import type { Engine } from './harness.ts';

/** What a command said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A company: processes of central on one database, and the commands of whoever runs it. */
export class Company {
  readonly db: Db;
  now = 1_780_000_000_000;
  readonly keys = { policy: edKeys(), answers: edKeys(), gateway: edKeys() };
  readonly #centrals: Central[] = [];
  readonly #options: Partial<CentralOptions>;
  /** What `readFile` finds. */
  readonly files = new Map<string, Uint8Array>();
  constructor(db: Db, options: Partial<CentralOptions>) {
    this.db = db;
    this.#options = options;
  }
  static async open(engine: Engine, options: Partial<CentralOptions> = {}): Promise<Company> {
    const company = new Company(await openDb(engine, 'made'), options);
    await company.process();
    return company;
  }
  get publicKeys() {
    return {
      policy: this.keys.policy.publicKeyPem,
      answers: this.keys.answers.publicKeyPem,
      gateway: this.keys.gateway.publicKeyPem,
    };
  }
  get central(): Central {
    return this.#centrals[0] as Central;
  }
  /** One more process on the database. */
  async process(over: Partial<CentralOptions> = {}): Promise<Central> {
    const central = createCentral({
      db: this.db,
      ...DEMO_DATA,
      policySigner: ed25519Signer(this.keys.policy.privateKeyPem),
      answerSigner: ed25519Signer(this.keys.answers.privateKeyPem),
      gatewaySigner: ed25519Signer(this.keys.gateway.privateKeyPem),
      publicKeys: this.publicKeys,
      now: () => this.now,
      terminals: [],
      claims: [],
      ...this.#options,
      ...over,
    });
    await central.open();
    this.#centrals.push(central);
    return central;
  }
  /** Carries out a command line, as it is typed behind `central`. */
  async run(line: string | readonly string[]): Promise<Said> {
    const said = { out: [] as string[], err: [] as string[] };
    const code = await runNoun(typeof line === 'string' ? line.split(' ') : line, {
      db: this.db,
      out: (text) => void said.out.push(text),
      err: (text) => void said.err.push(text),
      nowMs: () => this.now,
      random: { bytes: (n) => new Uint8Array(randomBytes(n)) },
      readFile: (path) => {
        const file = this.files.get(path);
        return file === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(file);
      },
      writeFile: () => Promise.resolve(),
      who: 'wang',
      publicKeys: this.publicKeys,
    });
    return { code, out: said.out.join('\n'), err: said.err.join('\n') };
  }
  /** A JSON file for the commands. */
  json(path: string, value: unknown): string {
    this.files.set(path, Buffer.from(JSON.stringify(value)));
    return path;
  }
  send(central = this.central): HttpSend {
    return into(central);
  }
  async close(): Promise<void> {
    for (const central of this.#centrals) await central.close();
    await this.db.close();
  }
}

/** The code in what `terminal add` or `terminal rotate` printed. */
export const codeIn = ({ out }: Said): string => /^code\s+(\S+)$/m.exec(out)?.[1] ?? '';
