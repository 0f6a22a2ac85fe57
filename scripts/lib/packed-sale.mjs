// A sale end to end by the packed core on the packed Node, as a user without rights: the card in a
// motor reader and the customer's payment code from a scanner, both on serial lines (pseudo
// terminals), central, gateway and wallets those of the demo hall. What is packed must open its
// serial ports, and do so as the kiosk's user.
import { fork, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { openSerial } from '../../src/card/index.ts';
import { systemClock } from '../../test/support/clock.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { CRT_571_MOVES, CrtDevice } from '../../src/simulator/reader/crt.ts';
import { Hall, until } from '../../test/support/hall.ts';
import { Unprivileged } from '../../test/support/unprivileged.ts';

const READER_BAUD = 38_400;
const SCANNER_BAUD = 9_600;
const AMOUNT_FEN = 10_000;

/** A cable: a pseudo terminal for the kiosk, and its far end. */
async function cable(user, name) {
  const [near, far] = ['near', 'far'].map((end) => path.join(user.folder, 'run', `${name}-${end}`));
  const socat = spawn('socat', [`pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`], {
    stdio: 'ignore',
  });
  await until(`a cable (socat)`, () => existsSync(near) && existsSync(far));
  // As a udev rule gives a port to the group of the kiosk's user.
  chmodSync(realpathSync(near), 0o666);
  return { near, far, cut: () => socat.kill() };
}

/** The packed core, spoken to as the shell does. */
class PackedCore {
  snapshot = null;
  said = '';
  #child;

  constructor(core, node, config, user) {
    const who = user.uid === null ? {} : { uid: user.uid, gid: user.uid };
    this.#child = fork(path.join(core, 'core.mjs'), ['--config', config], {
      execPath: node,
      execArgv: [],
      cwd: path.dirname(config),
      env: user.env({ NO_PROXY: '127.0.0.1' }),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      ...who,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (bytes) => (this.said += bytes.toString()));
    this.#child.on('message', (message) => {
      if (message.type === 'snapshot') this.snapshot = message.snapshot;
    });
    this.#child.send({ type: 'hello' });
  }

  /** The screen, once it is this one and so. */
  on(screen, more = () => true) {
    return until(
      `screen ${screen}`,
      () => (this.snapshot?.screen === screen && more(this.snapshot) ? this.snapshot : null),
      40_000,
    ).catch((error) => {
      throw new Error(
        `${error}; shown: ${JSON.stringify(this.snapshot)}; said: ${this.said.slice(-3_000)}`,
      );
    });
  }

  tap(type, value) {
    const { screen, revision } = this.snapshot;
    const intent = { type, screen, revision, ...(value === undefined ? {} : { value }) };
    this.#child.send({ type: 'intent', intent });
  }

  async stop() {
    if (this.#child.exitCode !== null) return;
    const over = new Promise((done) => this.#child.once('exit', done));
    this.#child.kill('SIGTERM');
    await over;
  }
}

/** The kiosk's folder: the hall's terminal.json with other hardware, and keys of its own. */
function kioskFolder(hall, user, reader, scanner) {
  const folder = path.join(user.folder, 'kiosk');
  mkdirSync(folder);
  cpSync(path.join(hall.dataDir, 'keys'), path.join(folder, 'keys'), { recursive: true });
  const json = JSON.parse(readFileSync(path.join(hall.dataDir, 'terminal.json'), 'utf8'));
  const config = path.join(folder, 'terminal.json');
  const wanted = {
    ...json,
    readers: [{ kind: 'crt', path: reader, baudRate: READER_BAUD }],
    scanner: { kind: 'serial', path: scanner, baudRate: SCANNER_BAUD },
    // A package has no sample keys; central computes with them.
    keys: { kind: 'central' },
    headphones: { kind: 'none' },
  };
  writeFileSync(config, JSON.stringify(wanted));
  user.give(folder);
  return config;
}

/**
 * @returns what was measured, in one line
 * @throws Error with the screen and what the core said, where the sale did not come to its end
 */
export async function packedSale(core, node) {
  const user = new Unprivileged();
  const hall = await Hall.start(['--shell', 'none', '--payments', 'gateway']);
  const ends = [];
  try {
    const program = user.program(path.dirname(node), path.basename(node));
    const tree = path.dirname(user.program(core, 'core.mjs'));
    const [reader, scanner] = [await cable(user, 'reader'), await cable(user, 'scanner')];
    ends.push(reader.cut, scanner.cut);
    const wire = await openSerial(reader.far, READER_BAUD);
    const codes = await openSerial(scanner.far, SCANNER_BAUD);
    ends.push(
      () => wire.close(),
      () => codes.close(),
    );
    const device = new CrtDevice({
      clock: systemClock,
      firmware: 'CRT-571-F2 V1.10',
      move: CRT_571_MOVES,
      initKeep: 0x33,
      motionMs: 100,
      send: (bytes) => wire.write(bytes),
    });
    wire.onData((bytes) => device.receive(bytes));
    const began = performance.now();
    const config = kioskFolder(hall, user, reader.near, scanner.near);
    const kiosk = new PackedCore(tree, program, config, user);
    ends.push(() => kiosk.stop());
    await kiosk.on('start', (s) => s.selling);
    await until('an open entry', () => device.entryOn);
    const card = sampleCard('good').make();
    device.offer({ kind: 'cpu', card });
    await kiosk.on('amount');
    kiosk.tap('choose-amount', AMOUNT_FEN);
    await kiosk.on('amount', (s) => s.quote?.amountFen === AMOUNT_FEN && !s.busy);
    kiosk.tap('pay', AMOUNT_FEN);
    await kiosk.on('pay', (s) => s.state === 'waiting');
    const { code } = await hall.dock({ do: 'show-code', wallet: 'wechat' });
    codes.write(new TextEncoder().encode(`${code}\r`));
    const done = await kiosk.on('done');
    kiosk.tap('exit');
    await until('the card at the gate', () => device.motions.includes('gate'));
    if (device.take() === null) throw new Error('no card to take');
    const ms = Math.round(performance.now() - began);
    await kiosk.stop();
    const verify = ['journal', 'verify', '--config', config];
    const verified = spawnSync(program, [path.join(tree, 'cli.mjs'), ...verify], {
      encoding: 'utf8',
      env: user.env(),
      ...(user.uid === null ? {} : { uid: user.uid, gid: user.uid }),
    });
    if (verified.status !== 0)
      throw new Error(`the packed journal verify: ${verified.stdout}${verified.stderr}`);
    const { orders } = await hall.books();
    const taken = orders.filter((o) => o.state === 'SUCCESS').reduce((n, o) => n + o.total, 0);
    if (taken !== AMOUNT_FEN) throw new Error(`the wallet took ${taken} fen`);
    return `${done.amountFen} fen paid by a scanned code, written by the motor reader, card given back; ${ms} ms from the start of the core, as uid ${user.uid ?? 'of this process'}`;
  } finally {
    for (const end of ends.toReversed()) await end();
    await hall.dispose();
    user.dispose();
  }
}
