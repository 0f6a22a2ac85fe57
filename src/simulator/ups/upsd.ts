import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** How the simulated UPS stands. */
export interface UpsCondition {
  mains: boolean;
  /** The battery is almost empty. */
  low: boolean;
  /** Somebody ordered a shutdown; as with the real one it stays so. */
  forced: boolean;
  replace: boolean;
  chargePercent: number;
  runtimeS: number;
  /** upsd hears its driver, but the driver not the UPS. */
  stale: boolean;
  /** The driver is not running. */
  driver: boolean;
}

/**
 * `upsd` of Network UPS Tools with one UPS, as its `dummy-ups` shows one: the answers follow
 * server/netget.c, netlist.c, netuser.c and upsd.c of NUT 2.8, down to the order of their checks.
 */
export class SimulatedUpsd {
  readonly name: string;
  readonly condition: UpsCondition = {
    mains: true,
    low: false,
    forced: false,
    replace: false,
    chargePercent: 100,
    runtimeS: 1_260,
    stale: false,
    driver: true,
  };
  /** Commands as they came, without passwords. */
  readonly asked: string[] = [];
  /** Nobody answers any more; what is asked is lost. */
  mute = false;
  #server: Server | null = null;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  constructor(name = 'ups') {
    this.name = name;
  }

  get running(): boolean {
    return this.#server !== null;
  }

  /** @param port 0: any free one, and the same one after each stop */
  start(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#client(socket));
      server.once('error', reject);
      server.listen(port === 0 ? this.#port : port, '127.0.0.1', () => {
        this.#server = server;
        this.#port = (server.address() as AddressInfo).port;
        resolve(this.#port);
      });
    });
  }

  /** upsd is stopped: its clients lose their connections. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      const server = this.#server;
      this.#server = null;
      if (server === null) return resolve();
      server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  /** As dummy-ups has it: the words in the order in which a driver sets them. */
  status(): string {
    const { mains, low, replace, forced, chargePercent } = this.condition;
    return [
      ...(forced ? ['FSD'] : []),
      mains ? 'OL' : 'OB',
      ...(low ? ['LB'] : []),
      ...(replace ? ['RB'] : []),
      ...(mains ? (chargePercent < 100 ? ['CHRG'] : []) : ['DISCHRG']),
    ].join(' ');
  }

  #variables(): [string, string][] {
    const { chargePercent, runtimeS } = this.condition;
    return [
      ['battery.charge', String(chargePercent)],
      ['battery.charge.low', '20'],
      ['battery.runtime', String(runtimeS)],
      ['device.mfr', 'Dummy Manufacturer'],
      ['device.model', 'Dummy "UPS" \\ 1000'],
      ['driver.name', 'dummy-ups'],
      ['input.voltage', this.condition.mains ? '229.4' : '0.0'],
      ['ups.status', this.status()],
    ];
  }

  #client(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    const user = { name: false, password: false };
    let text = '';
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end);
        text = text.slice(end + 1);
        this.asked.push(line.startsWith('PASSWORD') ? 'PASSWORD' : line);
        if (this.mute) continue;
        const answer = this.#answer(split(line), user);
        socket.write(answer);
        if (answer.startsWith('OK Goodbye')) socket.end();
      }
    });
  }

  #answer(words: readonly string[], user: { name: boolean; password: boolean }): string {
    const [command = '', sub = '', ups = '', key = ''] = words;
    switch (command) {
      case 'USERNAME':
        if (words.length !== 2) return 'ERR INVALID-ARGUMENT\n';
        if (user.name) return 'ERR ALREADY-SET-USERNAME\n';
        user.name = true;
        return 'OK\n';
      case 'PASSWORD':
        if (words.length !== 2 || sub === '') return 'ERR INVALID-PASSWORD\n';
        if (user.password) return 'ERR ALREADY-SET-PASSWORD\n';
        user.password = true;
        return 'OK\n';
      case 'LOGOUT':
        return 'OK Goodbye\n';
      case 'VER':
        return 'Network UPS Tools upsd 2.8.0 - https://www.networkupstools.org/\n';
      case 'GET':
        if (words.length < 3) return 'ERR INVALID-ARGUMENT\n';
        return sub === 'VAR' ? this.#get(ups, key) : 'ERR INVALID-ARGUMENT\n';
      case 'LIST':
        if (words.length < 2) return 'ERR INVALID-ARGUMENT\n';
        if (sub === 'UPS') return `BEGIN LIST UPS\nUPS ${this.name} "Unavailable"\nEND LIST UPS\n`;
        return sub === 'VAR' && words.length === 3 ? this.#list(ups) : 'ERR INVALID-ARGUMENT\n';
      default:
        return 'ERR UNKNOWN-COMMAND\n';
    }
  }

  /** Null: it may be asked. */
  #refusal(ups: string): string | null {
    if (ups !== this.name) return 'ERR UNKNOWN-UPS\n';
    if (!this.condition.driver) return 'ERR DRIVER-NOT-CONNECTED\n';
    return this.condition.stale ? 'ERR DATA-STALE\n' : null;
  }

  #get(ups: string, key: string): string {
    const refused = this.#refusal(ups);
    if (refused !== null) return refused;
    const found = this.#variables().find(([name]) => name === key);
    return found === undefined
      ? 'ERR VAR-NOT-SUPPORTED\n'
      : `VAR ${ups} ${key} "${escaped(found[1])}"\n`;
  }

  #list(ups: string): string {
    const refused = this.#refusal(ups);
    if (refused !== null) return refused;
    const lines = this.#variables().map(
      ([name, value]) => `VAR ${ups} ${name} "${escaped(value)}"`,
    );
    return `BEGIN LIST VAR ${ups}\n${lines.join('\n')}\nEND LIST VAR ${ups}\n`;
  }
}

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');

/** As parseconf splits a line. */
function split(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (c === '\\' && i + 1 < line.length) word = (word ?? '') + (line[++i] as string);
    else if (c === '"') {
      quote = !quote;
      word ??= '';
    } else if (!quote && /\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + c;
  }
  return word === null ? words : [...words, word];
}
