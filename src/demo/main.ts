import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BOOK_MANNERS } from '../central/sale/account-book.ts';
import { describeFailure } from '../shared/errors.ts';
import { chinaTime } from '../shared/time.ts';
import { SimulatedPrinter } from '../simulator/printer/printer.ts';
import { SimulatedJack } from '../simulator/headphones/jack.ts';
import { SimulatedIo } from '../simulator/modbus/slave.ts';
import { SimulatedUpsd } from '../simulator/ups/upsd.ts';
import { SimulatedScanner } from '../simulator/scanner/scanner.ts';
import { DEMO_USER } from './technician.ts';
import { loadConfig, tcpAddress } from '../main/config.ts';
import { startBrowserShell } from '../main/browser/server.ts';
import { HallChild } from './child.ts';
import { Dock } from './dock.ts';
import { HallCards } from './hall-cards.ts';
import { HallClock } from './hall-clock.ts';
import { Line } from './line.ts';
import { Phone } from './phone.ts';
import type { PlatformName } from './platform-process.ts';
import type { PhoneOptions } from './phone.ts';
import {
  BOOK_SECRET,
  enrolTerminal,
  HALL_PAYMENTS,
  hallKeys,
  hallPorts,
  writeTerminalJson,
  INVOICE_SECRET,
  HALL_IO,
  JACK_FILE,
  METER_SECRET,
  SMS_SECRET,
} from './setup.ts';
import { chooseShell } from './shell-choice.ts';

/**
 * The demo hall: central, payment sandbox, kiosk with virtual devices, shell and dock, from one
 * command.
 */
const USAGE = `usage: npm start -- [--payments KINDS] [--shell auto|browser|electron|none] [--port N] [--data DIR] [--config FILE] [--real-pcsc] [--vpcd-port N] [--restart-ms N] [--any-refund] [--meters WHEN] [--lean] [--account-book MANNER] [--database URL] [--clock TIME]
  --payments KINDS  how customers pay, in the order offered: gateway (one code for every wallet; the default), or wallets
                directly: wechat, alipay, unionpay, e.g. --payments wechat,alipay
  --shell none  services and dock only: the shell is started by somebody else, with the terminal.json that is printed
  --port N      the kiosk's port; the dock has N+1, central's console N+2, central's pages for phones N+11, and fourteen more are
                used around (default 8460)
  --data DIR    where the demo keeps its journal, books and cards (default .pilotlight/demo)
  --config FILE the kiosk's terminal.json, instead of the demo's own
  --real-pcsc   the reader is pcscd's; the dock's cards go into vpcd (port 35963 unless --vpcd-port)
  --restart-ms N  whatever dies is started again after N ms each time, instead of ever later (browser shell; for the kill test)
  --any-refund  central hands back on a reader's word without a budget (for the kill test, whose cards lie all the time)
  --meters WHEN  IoT meters confirm a top-up at-once, later (the default: when their platform is asked again) or never
  --database URL  central's books are on this PostgreSQL server (postgres://user@host/database), instead of an embedded one
  --account-book MANNER  sales without a card are posted in the company's own account book, a process of its own: idempotent,
                queryable or file-only (docs/credit.md); left out: in central's database
  --lean         without the platforms of e-invoices and of messages: two processes less
  --clock TIME  the hall's clocks (central, kiosk, wallets, meters) begin there, e.g. 2026-12-31T23:59:30+08:00, and run on; data of
                its own (.pilotlight/demo-clock unless --data). The dock sets them forward in a hall that runs`;

const root = fileURLToPath(new URL('../..', import.meta.url));
const DEFAULT_PORT = 8460;
/** vpcd's port in Debian's configuration. */
const VPCD_PORT = 35963;

function fail(text: string): never {
  process.stderr.write(`pilotlight: ${text}\n`);
  process.exit(1);
}

function options() {
  try {
    return parseArgs({
      options: {
        payments: { type: 'string', default: 'gateway' },
        shell: { type: 'string', default: 'auto' },
        port: { type: 'string', default: String(DEFAULT_PORT) },
        data: { type: 'string' },
        config: { type: 'string' },
        'real-pcsc': { type: 'boolean', default: false },
        'vpcd-port': { type: 'string', default: String(VPCD_PORT) },
        'restart-ms': { type: 'string' },
        'any-refund': { type: 'boolean', default: false },
        meters: { type: 'string', default: 'later' },
        lean: { type: 'boolean', default: false },
        'account-book': { type: 'string' },
        database: { type: 'string' },
        clock: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
}

const values = options();
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}
const { shell: wish } = values;
if (wish !== 'auto' && wish !== 'browser' && wish !== 'electron' && wish !== 'none')
  fail(`--shell ${wish}: auto, browser, electron or none\n${USAGE}`);
const payments = values.payments
  .split(',')
  .map(
    (kind) =>
      HALL_PAYMENTS.find((known) => known === kind.trim()) ??
      fail(`--payments ${kind}: ${HALL_PAYMENTS.join(', ')}\n${USAGE}`),
  );
if (new Set(payments).size !== payments.length)
  fail(`--payments ${values.payments}: each kind once\n${USAGE}`);
const first = Number(values.port);
if (!Number.isInteger(first) || first < 1024 || first > 65_518)
  fail(`--port ${values.port}: a number from 1024 to 65518\n${USAGE}`);
if (!['at-once', 'later', 'never'].includes(values.meters))
  fail(`--meters ${values.meters}: at-once, later or never\n${USAGE}`);
const manner = values['account-book'];
if (manner !== undefined && !BOOK_MANNERS.some((one) => one === manner))
  fail(`--account-book ${manner}: ${BOOK_MANNERS.join(', ')}\n${USAGE}`);
const vpcdPort = Number(values['vpcd-port']);
const restartMs = values['restart-ms'] === undefined ? undefined : Number(values['restart-ms']);
if (
  restartMs !== undefined &&
  (!Number.isInteger(restartMs) || restartMs < 1 || restartMs > 60_000)
)
  fail(`--restart-ms ${values['restart-ms']}: a number from 1 to 60000\n${USAGE}`);
const home = values.clock === undefined ? 'demo' : 'demo-clock';
const dataDir = resolve(values.data ?? join(root, '.pilotlight', home));
const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const s = createServer();
    s.once('error', () => done(false));
    s.listen(port, '127.0.0.1', () => s.close(() => done(true)));
  });
}

const ports = hallPorts(first);
const NAMES: Record<keyof typeof ports, string> = {
  kiosk: 'kiosk',
  dock: 'dock',
  central: 'console of central',
  centralApi: 'central',
  centralPages: 'central’s pages for phones',
  sandbox: 'payment sandbox',
  slot: 'virtual reader',
  printer: 'virtual printer',
  centralLine: 'line to central',
  paymentLine: 'line to the payment sandbox',
  scanner: 'virtual scanner',
  ups: 'simulated upsd',
  io: 'simulated I/O module',
  gatewayLine: 'line to the payment gateway',
  meters: 'platform of IoT meters',
  invoices: 'provider of e-invoices',
  sms: 'platform of messages',
  book: 'account book of the company',
};
for (const [name, port] of Object.entries(ports) as [keyof typeof ports, number][]) {
  if (!(await isFree(port)))
    fail(
      `CONF-0102: port ${port} (${NAMES[name]}) is taken by another process; choose others with --port N`,
    );
}

mkdirSync(dataDir, { recursive: true, mode: 0o700 });
let clock: HallClock;
try {
  clock = new HallClock(dataDir);
  if (values.clock !== undefined) clock.begin(values.clock);
} catch (error) {
  fail(`--clock: ${error instanceof Error ? error.message : String(error)}`);
}
const keys = hallKeys(dataDir);
const configFile =
  values.config === undefined
    ? writeTerminalJson(dataDir, ports, keys, values['real-pcsc'], payments, true)
    : resolve(values.config);
const loaded = loadConfig(configFile);
if (!loaded.ok) fail(describeFailure(loaded.error));
const { config } = loaded.value;
const reader = config.readers[0];
const slot =
  reader?.kind === 'virtual' && reader.path !== undefined
    ? tcpAddress(reader.path)
    : { host: '127.0.0.1', port: vpcdPort };

let enrolled: string[] = [];
if (values.config !== undefined) {
  try {
    enrolled = [
      '--terminal',
      config.terminalId,
      '--terminal-key',
      enrolTerminal(
        dataDir,
        loaded.value.path(config.central.keyFile),
        {
          policy: loaded.value.path(config.central.policyKeyFile),
          answers: loaded.value.path(config.central.answerKeyFile),
          gateway: loaded.value.path(config.central.gatewayKeyFile),
        },
        keys,
      ),
    ];
  } catch (error) {
    fail(
      `CONF-0101: the key files of central: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const central = new HallChild(
  'central',
  [
    here('central-process.ts'),
    '--data',
    dataDir,
    '--port',
    String(ports.centralApi),
    '--pages',
    String(ports.centralPages),
    '--console',
    String(ports.central),
    '--sandbox',
    String(ports.sandbox),
    '--meters',
    String(ports.meters),
    ...(values.lean ? [] : ['--invoices', String(ports.invoices), '--sms', String(ports.sms)]),
    ...(manner === undefined ? [] : ['--account-book', String(ports.book)]),
    ...enrolled,
    ...(values['any-refund'] ? ['--any-refund'] : []),
    ...(values.database === undefined ? [] : ['--database', values.database]),
  ],
  say,
  restartMs,
);
const sandbox = new HallChild(
  'payment sandbox',
  [
    here('sandbox-process.ts'),
    '--data',
    dataDir,
    '--port',
    String(ports.sandbox),
    '--line',
    String(ports.paymentLine),
  ],
  say,
  restartMs,
);
/** Another company's system: what it keeps is in `file`, what it lets in shows `secret`. */
const platform = (
  of: PlatformName,
  file: string,
  secret: string,
  ...more: readonly string[]
): HallChild =>
  new HallChild(
    NAMES[of],
    [
      here('platform-process.ts'),
      of,
      '--file',
      join(dataDir, file),
      '--secret',
      secret,
      '--port',
      String(ports[of]),
      ...more,
    ],
    say,
    restartMs,
  );
const meters = platform('meters', 'meter-platform.json', METER_SECRET, '--answers', values.meters);
const invoices = platform('invoices', 'invoices.jsonl', INVOICE_SECRET);
const messages = platform('sms', 'sms-platform.json', SMS_SECRET);
const book =
  manner === undefined
    ? null
    : platform('book', 'account-book.jsonl', BOOK_SECRET, '--manner', manner);
/** What is on the phones. */
async function sentMessages(): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${ports.sms}/outbox`, {
    headers: { authorization: `Bearer ${SMS_SECRET}` },
  });
  return answer.json();
}
const centralLine = new Line();
const paymentLine = new Line();
const gatewayLine = new Line();
const printer = new SimulatedPrinter();
const scanner = new SimulatedScanner();
const jack = new SimulatedJack(join(dataDir, JACK_FILE));
const upsd = new SimulatedUpsd();
const io = new SimulatedIo();
io.inputs[HALL_IO.inputs.door.address] = true;
const cards = new HallCards(join(dataDir, 'cards'), slot);

/**
 * The core that this shell runs, also while it is starting; for a shell of its own process, what
 * that core wrote down.
 */
let runningCore: (() => number | null) | null = null;
const corePid = (): number | null => {
  if (runningCore !== null) return runningCore();
  try {
    return Number(readFileSync(join(loaded.value.path(config.dataDir), 'core.pid'), 'utf8'));
  } catch {
    return null;
  }
};
let kioskUrl = '';
const dock = new Dock({
  port: ports.dock,
  cards,
  clock,
  printer,
  scanner,
  jack,
  upsd,
  io,
  centralLine,
  paymentLines: [paymentLine, gatewayLine],
  phone: new Phone({
    sandboxUrl: `http://127.0.0.1:${ports.sandbox}`,
    gatewayCode: async () =>
      (await central.ask('newest-code')) as Awaited<ReturnType<PhoneOptions['gatewayCode']>>,
  }),
  gatewayBooks: () => central.ask('gateway-books'),
  invoicesUrl: `http://127.0.0.1:${ports.invoices}`,
  book: book === null ? null : { url: `http://127.0.0.1:${ports.book}`, secret: BOOK_SECRET },
  messages: sentMessages,
  technician: config.maintenance.users.some((user) => user.hash === DEMO_USER.hash)
    ? { name: DEMO_USER.name, pin: DEMO_USER.pin }
    : null,
  addresses: () => ({ kiosk: kioskUrl, central: `http://127.0.0.1:${ports.central}/` }),
  kill: (what) => {
    if (what === 'central') return central.kill();
    if (what === 'sandbox') return sandbox.kill();
    if (what === 'invoices') return invoices.kill();
    if (what === 'book') return book?.kill() ?? false;
    const pid = corePid();
    return pid !== null && process.kill(pid, 'SIGKILL');
  },
});

let closeShell: () => Promise<void> = () => Promise.resolve();
let stopping = false;
async function stop(code: number): Promise<never> {
  if (!stopping) {
    stopping = true;
    say('stopping …');
    await closeShell();
    cards.remove();
    await Promise.all([
      central.stop(),
      sandbox.stop(),
      meters.stop(),
      invoices.stop(),
      messages.stop(),
      book?.stop(),
      dock.close(),
      printer.close(),
      scanner.close(),
      upsd.stop(),
      io.stop(),
      centralLine.close(),
      paymentLine.close(),
      gatewayLine.close(),
    ]);
    process.exit(code);
  }
  return new Promise(() => undefined);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => void stop(0));
// Nothing of the hall outlives whoever started it, however that one ended.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void stop(0);
}, 1_000).unref();

async function startShell(): Promise<void> {
  if (wish === 'none') {
    say('shell    none: services and dock only');
    return;
  }
  const core = {
    nodePath: process.execPath,
    args: [join(root, 'src/main/core/main.ts'), '--config', configFile],
  };
  const choice = chooseShell(wish as 'auto' | 'browser' | 'electron', root, process.env);
  if (choice.kind === 'electron') {
    const child: ChildProcess = spawn(choice.binary, [root], {
      stdio: 'inherit',
      detached: process.platform !== 'win32',
      env: {
        ...process.env,
        PILOTLIGHT_DEMO: '1',
        PILOTLIGHT_NODE: core.nodePath,
        PILOTLIGHT_CORE_ARGS: JSON.stringify(core.args),
      },
    });
    closeShell = () =>
      new Promise((done) => {
        if (child.exitCode !== null || child.signalCode !== null) return done();
        const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
        child.once('exit', () => {
          clearTimeout(hard);
          done();
        });
        child.kill('SIGTERM');
      });
    child.once('exit', (code) => {
      if (!stopping) {
        say(`the Electron window was closed (${code ?? 'signal'})`);
        void stop(code ?? 0);
      }
    });
    kioskUrl = '';
    say(`shell    Electron (${choice.binary})`);
    return;
  }
  const shell = await startBrowserShell({
    port: ports.kiosk,
    rendererDir: join(root, 'dist', 'renderer'),
    core,
    ...(restartMs === undefined
      ? {}
      : { timings: { backOffFirstMs: restartMs, backOffLastMs: restartMs } }),
  });
  closeShell = () => shell.close();
  runningCore = () => shell.supervisor.pid() ?? null;
  kioskUrl = shell.url;
  say(`shell    browser: ${choice.why}`);
}

try {
  await Promise.all([
    centralLine.start(ports.centralLine, ports.centralApi),
    paymentLine.start(ports.paymentLine, ports.sandbox),
    gatewayLine.start(ports.gatewayLine, ports.centralApi),
    printer.start(ports.printer),
    scanner.start(ports.scanner),
    upsd.start(ports.ups),
    io.start(ports.io),
    dock.start(),
    central.start(),
    sandbox.start(),
    meters.start(),
    book?.start(),
    ...(values.lean ? [] : [invoices.start(), messages.start()]),
  ]);
  await startShell();
} catch (error) {
  process.stderr.write(`pilotlight: ${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}
if (wish !== 'none') say(`kiosk    ${kioskUrl === '' ? '(Electron window)' : kioskUrl}`);
say(`dock     http://127.0.0.1:${ports.dock}/`);
say(`central  http://127.0.0.1:${ports.central}/ (console)`);
say(`pages    http://127.0.0.1:${ports.centralPages}/q/… (what a phone opens that scans a code)`);
say(`data     ${dataDir}`);
if (clock.shiftMs !== 0)
  say(`clock    ${chinaTime(clock.nowMs())} (set; it stays so with this data)`);
say(`config   ${configFile}`);
if (config.maintenance.users.some((user) => user.hash === DEMO_USER.hash))
  say(
    `service  five taps in the kiosk's top left corner, PIN ${DEMO_USER.pin} (${DEMO_USER.name}, demo only); or his card ${DEMO_USER.card} with the same PIN`,
  );
say('Ctrl-C stops everything.');
