// Are the books the same, to the fen, after a change that was to leave behaviour alone?
//
//   node scripts/books.mjs                      every seed of test/books/digests.json, compared
// with what stands there
//   node scripts/books.mjs --write              writes that file anew
//   node scripts/books.mjs --tree DIR           the simulation of another checkout (with packages
// of its own)
//   node scripts/books.mjs --record FILE        keeps the requests that central was asked by kiosks
//   node scripts/books.mjs --replay FILE        gives recorded requests to this tree's central,
// without any fault
//
// A seed's digests are made of: `books` (central's accounts, orders, ledger and reserves, the
// gateway's legs, the wallets' trades), `facts` (every journal's hash chain as central holds it),
// `wire` (each request of the kiosks, to the byte), `screens` (each snapshot). Where a change moves
// the points at which faults strike, seeds go other ways and only a replay compares: both centrals
// hear the same requests at the same times.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const KEPT = path.join(root, 'test', 'books', 'digests.json');
const { values } = parseArgs({
  options: {
    tree: { type: 'string', default: root },
    seeds: { type: 'string', default: '100' },
    write: { type: 'boolean', default: false },
    record: { type: 'string' },
    replay: { type: 'string' },
    out: { type: 'string' },
  },
});
const SESSIONS = 20;

/** Where the simulation stands in a tree: today, and before the rooms were moved. */
const folder = ['src/simulation', 'src/main/demo/simulate']
  .map((f) => path.join(path.resolve(values.tree), f))
  .find((f) => existsSync(path.join(f, 'world.ts')));
const load = (name) => import(pathToFileURL(path.join(folder, name)).href);
const { World } = await load('world.ts');
const { QUICK } = await load('engines.ts');
const { Line } = await load('net.ts');
const { CentralSite } = await load('central-site.ts');
// Its handler for promises of dead processes comes with it.
await load('run.ts');

/**
 * What the books say, table by table, in an order of its own. Columns that only this version has
 * are left out.
 */
const TABLES = {
  accounts: [
    "SELECT user_no, count, cumulative, (SELECT SUM(quantity) FROM account_use u WHERE u.user_no = a.user_no AND counter = 'year') AS year_quantity, carried_micro FROM accounts a",
    'user_no',
  ],
  orders: [
    `SELECT order_id, terminal_id, user_no, amount_fen, quantity, carried_used_micro, carried_after_micro, state,
       money_taken, tag, delivered_by, superseded_by, refund_claimed_ms, counter_claim FROM orders`,
    'order_id',
  ],
  ledger: [
    'SELECT order_id, attempt_id, user_no, kind, amount_fen, quantity, micro, reference FROM ledger',
    'order_id, attempt_id, kind',
  ],
  reserves: ['SELECT order_id, user_no, micro, state FROM reserves', 'order_id'],
  quarantine: [
    'SELECT terminal_id, epoch, seq, kind, order_id, reason FROM quarantine',
    'terminal_id, epoch, seq',
  ],
  legs: ['SELECT leg, wallet, method, amount_fen, state, captured_fen FROM gateway_legs', 'leg'],
  handBacks: ['SELECT out_refund_no, leg, refund_fen, state FROM gateway_refunds', 'out_refund_no'],
};
const FACTS =
  'SELECT terminal_id, epoch, seq, kind, hash FROM journal_events ORDER BY terminal_id, epoch, seq';

const digest = () => createHash('sha256');
const hex = (hash) => hash.digest('hex').slice(0, 16);

async function booksOf(db) {
  const hash = digest();
  for (const [name, [select, order]] of Object.entries(TABLES)) {
    const rows = await db.query(`${select} ORDER BY ${order}`);
    hash.update(`${name} ${JSON.stringify(rows.map((r) => Object.values(r).map(String)))}\n`);
  }
  return hash;
}

/** Central's database, whose books are read before it closes. */
function readAtEnd(into) {
  return {
    ...QUICK,
    centralDb: async () => {
      const db = await QUICK.centralDb();
      into.db = db;
      return {
        ...db,
        close: async () => {
          into.books = await booksOf(db);
          into.facts = digest().update(JSON.stringify(await db.query(FACTS)));
          await db.close();
        },
      };
    },
  };
}

// What goes over the kiosks' lines, and what kiosks ask of central.
let wire = null;
let heard = null;
const send = Line.prototype.send;
Line.prototype.send = function (life) {
  const inner = send.call(this, life);
  return (request) => {
    wire?.update(`${request.method} ${request.target}\n`).update(request.body ?? new Uint8Array(0));
    return inner(request);
  };
};
const handle = CentralSite.prototype.handle;
CentralSite.prototype.handle = function (request) {
  heard?.(request);
  return handle.call(this, request);
};

async function play(seed) {
  const end = {};
  const screens = digest();
  wire = digest();
  const world = new World({ seed, sessions: SESSIONS, engines: readAtEnd(end), story: null });
  // Every change of a screen is told.
  const tell = world.tell.bind(world);
  world.tell = (line) => {
    tell(line);
    if (!line.includes(' screen ')) return;
    const site = world.sites.find((s) => line.startsWith(s.terminalId));
    screens.update(JSON.stringify(site?.snapshot ?? null));
  };
  const requests = [];
  heard =
    values.record === undefined
      ? null
      : (r) =>
          requests.push([
            world.nowMs,
            r.method,
            r.target,
            r.headers,
            Buffer.from(r.body).toString('base64'),
          ]);
  const result = await world.run();
  for (const [id, order] of [...world.books.orders].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    end.books.update(`${id} ${order.state} ${order.total} ${order.captures}\n`);
  for (const [id, refund] of [...world.books.refunds].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    end.books.update(`${id} ${refund.status} ${refund.refund}\n`);
  return {
    digests: {
      books: hex(end.books),
      facts: hex(end.facts),
      wire: hex(wire),
      screens: hex(screens),
    },
    violations: result.violations,
    paySet: world.paySet,
    requests,
  };
}

class Replayed extends Error {}

/** The recorded requests, one by one, to a central that nothing happens to. */
async function replay({ seed, requests }) {
  const end = {};
  let nowMs = null;
  class Deaf extends World {
    get nowMs() {
      return nowMs ?? super.nowMs;
    }
  }
  const boot = CentralSite.prototype.boot;
  const answers = digest();
  CentralSite.prototype.boot = async function () {
    await boot.call(this);
    for (const [at, method, target, headers, body] of requests) {
      nowMs = at;
      const answer = await handle.call(this, {
        method,
        target,
        headers,
        body: Buffer.from(body, 'base64'),
      });
      answers.update(`${answer.status} ${answer.body}\n`);
    }
    end.books = await booksOf(end.db);
    end.facts = digest().update(JSON.stringify(await end.db.query(FACTS)));
    throw new Replayed();
  };
  try {
    await new Deaf({ seed, sessions: 1, engines: readAtEnd(end), story: null }).run();
  } catch (cause) {
    if (!(cause instanceof Replayed)) throw cause;
  } finally {
    CentralSite.prototype.boot = boot;
  }
  await end.db.close();
  return { books: hex(end.books), facts: hex(end.facts), answers: hex(answers) };
}

if (values.replay !== undefined) {
  const out = {};
  for (const recorded of JSON.parse(gunzipSync(readFileSync(values.replay))))
    out[recorded.seed] = await replay(recorded);
  if (values.out === undefined) console.log(JSON.stringify(out, null, 1));
  else writeFileSync(values.out, `${JSON.stringify(out, null, 1)}\n`);
  process.exit(0);
}

const digests = {};
const recorded = [];
let wrong = 0;
for (let seed = 1; seed <= Number(values.seeds); seed++) {
  const { digests: made, violations, paySet, requests } = await play(seed);
  digests[seed] = made;
  if (violations.length > 0) {
    wrong += 1;
    console.error(`seed ${seed}: ${violations.join('; ')}`);
  }
  // The gateway asks the wallets in the middle of a request, which a replay has not.
  if (values.record !== undefined && paySet !== 'gateway') recorded.push({ seed, requests });
}
if (values.record !== undefined) writeFileSync(values.record, gzipSync(JSON.stringify(recorded)));
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(digests, null, 1)}\n`);
if (values.write) {
  writeFileSync(KEPT, `${JSON.stringify(digests, null, 1)}\n`);
  console.log(`wrote the digests of ${Object.keys(digests).length} seeds`);
} else if (existsSync(KEPT)) {
  const kept = JSON.parse(readFileSync(KEPT, 'utf8'));
  const differ = { books: [], facts: [], wire: [], screens: [] };
  for (const [seed, made] of Object.entries(digests))
    for (const what of Object.keys(differ))
      if (kept[seed]?.[what] !== made[what]) differ[what].push(seed);
  for (const [what, seeds] of Object.entries(differ))
    console.log(
      `${what}: ${seeds.length === 0 ? 'the same' : `differ in seeds ${seeds.join(', ')}`}`,
    );
  if (differ.books.length > 0) wrong += 1;
  console.log(`${Object.keys(digests).length} seeds compared`);
}
process.exit(wrong === 0 ? 0 : 1);
