import type { Announced } from '../../shared/central-api/index.ts';
import type { Policy, SignedPolicy } from '../../shared/policy.ts';
import type { LogFn } from '../../shared/ports.ts';
import { bool, num } from '../db/sql.ts';
import type { Db, Sql } from '../db/sql.ts';
import { Refusal } from '../http/problem.ts';
import { partsFor, policyFrom } from './policy-scopes.ts';
import type { PolicyPart, PolicyParts } from './policy-scopes.ts';

/**
 * By which policy each terminal goes, as it is published in the database: looked at again once a
 * second, and when the bell rings, so that what another process publishes counts within a second.
 */
export interface PolicyBook {
  /** What this terminal goes by. @throws Refusal `no-policy` */
  readonly policyOf: (terminalId: string) => Promise<Policy>;
  /** What the company says for all. @throws Refusal `no-policy` */
  readonly house: () => Promise<Policy>;
  /**
   * The company's own, and each other one that some terminals go by. What is no policy to this
   * program is left out, and holds the others up in nothing; empty: there is none at all.
   */
  readonly everywhere: () => Promise<readonly Policy[]>;
  /** What this terminal is sent now; null: what the company says for all. */
  readonly signedFor: (
    terminalId: string | null,
    announced: readonly Announced[],
  ) => Promise<SignedPolicy>;
  /** Reads it for the first time, and listens from then on. */
  readonly open: () => Promise<void>;
  readonly close: () => void;
}

export interface PolicyBookParts {
  readonly db: () => Db;
  readonly now: () => number;
  /** What counts until one is published; null: nothing is sold until then. */
  readonly start: Policy | null;
  /** What central says by itself in every policy: wallets, invoices, messages. */
  readonly tell: (policy: Policy) => Policy;
  /** Makes what signs a policy as it is sent (`policyIssuer`). */
  readonly issuer: (policy: Policy) => (announced: readonly Announced[]) => SignedPolicy;
  readonly log?: LogFn | undefined;
}

/** What the bell is rung by after a publication. */
export const POLICY_BELL = 'policy';
/** A bell that was not heard costs no more. */
const LOOK_EVERY_MS = 1_000;

interface Issued {
  readonly policy: Policy;
  readonly sign: (announced: readonly Announced[]) => SignedPolicy;
}
/** One state of what is published, and what was made of it. */
interface Edition {
  readonly version: number;
  /** Null: none was published, `start` counts. */
  readonly parts: PolicyParts | null;
  /** By the scopes that it is made of. */
  readonly made: Map<string, Issued>;
  /** Where each terminal stands, as far as it was asked for. */
  readonly sites: Map<string, string | null>;
}

/** Reads policies from the database, each merged once for each publication. */
export function policyBook({ db, now, start, tell, issuer, log }: PolicyBookParts): PolicyBook {
  let edition: Edition | null = null;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let rung = false;
  let deaf: () => void = () => undefined;

  async function current(): Promise<Edition> {
    const nowMs = now();
    if (edition !== null && !rung && Math.abs(nowMs - lookedMs) < LOOK_EVERY_MS) return edition;
    rung = false;
    const read = await readEdition(db());
    lookedMs = nowMs;
    // An answer that was overtaken on the way says nothing new.
    if (edition === null || read.version > edition.version || isOther(read, edition))
      edition = { ...read, made: new Map(), sites: new Map() };
    return edition;
  }

  function issued(of: Edition, key: string, merged: () => PolicyPart): Issued {
    const known = of.made.get(key);
    if (known !== undefined) return known;
    let policy: Policy;
    if (of.parts === null) {
      if (start === null) throw noPolicy('none was published yet: central policy publish FILE');
      policy = tell(start);
    } else
      try {
        policy = tell(policyFrom(merged(), of.version));
      } catch (cause) {
        log?.('error', 'central', `policy ${of.version}, ${key}`, cause);
        throw noPolicy(`what was published is no policy to this program: ${key}`);
      }
    const made = { policy, sign: issuer(policy) };
    of.made.set(key, made);
    return made;
  }

  const houseOf = (of: Edition): Issued =>
    issued(of, 'global', () => partsFor(of.parts ?? new Map(), null, null));

  async function issuedFor(terminalId: string, of: Edition): Promise<Issued> {
    if (of.parts === null || of.parts.size <= 1) return houseOf(of);
    const { parts } = of;
    let site = of.sites.get(terminalId);
    if (site === undefined) {
      site = await siteOf(db(), terminalId);
      // It may be let in at any moment, without a publication: nothing of it is remembered.
      if (site === undefined) return houseOf(of);
      of.sites.set(terminalId, site);
    }
    const own = `terminal:${terminalId}`;
    // Those of a site that say nothing of their own share one policy.
    const key = parts.has(own) ? own : parts.has(`site:${site}`) ? `site:${site}` : 'global';
    return issued(of, key, () => partsFor(parts, terminalId, site));
  }

  async function everywhere(): Promise<readonly Policy[]> {
    const of = await current();
    const all: Policy[] = [];
    for (const scope of ['global', ...(of.parts?.keys() ?? [])])
      try {
        if (scope.startsWith('terminal:'))
          all.push((await issuedFor(scope.slice('terminal:'.length), of)).policy);
        else {
          const site = scope === 'global' ? null : scope.slice('site:'.length);
          all.push(issued(of, scope, () => partsFor(of.parts ?? new Map(), null, site)).policy);
        }
      } catch (cause) {
        if (!isNoPolicy(cause)) throw cause;
      }
    return [...new Set(all)];
  }

  return {
    policyOf: async (terminalId) => (await issuedFor(terminalId, await current())).policy,
    house: async () => houseOf(await current()).policy,
    everywhere,
    signedFor: async (terminalId, announced) =>
      (terminalId === null
        ? houseOf(await current())
        : await issuedFor(terminalId, await current())
      ).sign(announced),
    open: async () => {
      deaf = db().onRing((name) => {
        if (name === POLICY_BELL) rung = true;
      });
      await current();
    },
    close: () => {
      deaf();
      edition = null;
    },
  };
}

const noPolicy = (detail: string): Refusal => new Refusal('no-policy', detail);

/** A policy, or null where there is none that this program takes. @throws what else went wrong */
export const ifAny = (asked: Promise<Policy>): Promise<Policy | null> =>
  asked.catch((cause: unknown) => {
    if (isNoPolicy(cause)) return null;
    throw cause;
  });
const isNoPolicy = (cause: unknown): boolean =>
  cause instanceof Refusal && cause.type === 'no-policy';

/** Published since, or brought back from before it was. */
const isOther = (a: Pick<Edition, 'version' | 'parts'>, b: Edition): boolean =>
  (a.parts === null) !== (b.parts === null);

/** Head and scopes in one statement: they are of one moment. */
async function readEdition(sql: Sql): Promise<Pick<Edition, 'version' | 'parts'>> {
  const rows = await sql.query<{
    version: unknown;
    published: unknown;
    scope: string | null;
    body: string | null;
  }>(
    `SELECT h.version, h.published, s.scope, s.body
     FROM policy_head h LEFT JOIN policy_scopes s ON h.published = 1`,
  );
  const [head] = rows;
  if (head === undefined) throw new Error('policy_head has no row');
  const parts = new Map<string, PolicyPart>();
  for (const { scope, body } of rows)
    if (scope !== null && body !== null) parts.set(scope, JSON.parse(body) as PolicyPart);
  return { version: num(head.version), parts: bool(num(head.published)) ? parts : null };
}

/** Null: it stands nowhere; undefined: there is no such terminal, or it is only being let in. */
async function siteOf(sql: Sql, terminalId: string): Promise<string | null | undefined> {
  const rows = await sql.query<{ site: string | null }>(
    'SELECT site FROM terminals WHERE terminal_id = $1',
    [terminalId],
  );
  return rows[0]?.site;
}
