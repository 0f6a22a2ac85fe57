import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { PcscReader, pcscProcess } from '../../../src/card/index.ts';
import { hostPcsc } from '../../../src/card/readers/pcsc-host.ts';
import type { NativeContext, NativeReader } from '../../../src/card/readers/pcsc-host.ts';
import type { CardConnection, PcscContext } from '../../../src/card/readers/pcsc-service.ts';
import type { Message } from '../../../src/card/readers/pcsc-wire.ts';
import { fromHex, toHex } from '../../../src/shared/bytes.ts';
import { ManualClock, systemClock } from '../../support/clock.ts';
import { codeOf, until } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'pilotlight-pcsc-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ENTRY = fileURLToPath(new URL('../../../src/main/pcsc/main.ts', import.meta.url));
const ATR = '3B6500009C02020702';

let programs = 0;
/** A PC/SC process that does as it is told here; `heard` holds what it was asked. */
function program(body: string): {
  readonly entry: string;
  readonly heard: () => readonly Record<string, unknown>[];
} {
  const entry = join(folder, `${++programs}.mjs`);
  const log = join(folder, `${programs}.log`);
  writeFileSync(log, '');
  writeFileSync(
    entry,
    `import { appendFileSync } from 'node:fs';
const say = (m) => process.send(m);
process.on('disconnect', () => process.exit(0));
const hear = (react) => process.on('message', (m) => { appendFileSync(${JSON.stringify(log)}, JSON.stringify(m) + '\\n'); react(m); });
const card = () => { say({ say: 'ready' }); say({ say: 'reader', watch: 1, name: 'R' }); say({ say: 'status', watch: 1, state: 0x10020, atr: '${ATR}' }); };
${body}
`,
  );
  return {
    entry,
    heard: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const contexts: PcscContext[] = [];
afterEach(() => {
  for (const context of contexts.splice(0)) context.close();
});
function begin(
  entry: string,
  clock = systemClock,
): { readonly context: PcscContext; readonly over: Promise<Error> } {
  const context = pcscProcess({ entry, clock, log: () => undefined })();
  contexts.push(context);
  return {
    context,
    over: new Promise((resolve) => {
      context.on('error', resolve);
    }),
  };
}
const connect = (c: CardConnection): Promise<Error | number> =>
  new Promise((resolve) => {
    c.connect((error, protocol) => resolve(error ?? protocol));
  });
const transmit = (c: CardConnection, hex: string): Promise<Error | string> =>
  new Promise((resolve) => {
    c.transmit(fromHex(hex), 1, (error, data) => resolve(error ?? toHex(data)));
  });
const messageOf = (value: unknown): string =>
  value instanceof Error ? value.message : `no error: ${String(value)}`;

describe('the driver’s end of the PC/SC process', () => {
  it('carries news, calls and their raw codes', async () => {
    const { entry } = program(`hear((m) => {
      if (m.do === 'transmit' && m.data === '00B0') say({ say: 'failed', id: m.id, message: 'SCardTransmit error: Card was removed.(0x80100069)' });
      else say({ say: 'done', id: m.id, ...(m.do === 'connect' ? { protocol: 2 } : m.do === 'transmit' ? { data: m.data + '9000' } : {}) });
    });
    card();`);
    const { context } = begin(entry);
    const status = await new Promise((resolve) => {
      context.on('reader', (reader) =>
        reader.on('status', ({ state, atr }) => resolve([reader.name, state, toHex(atr)])),
      );
    });
    expect(status).toEqual(['R', 0x10020, ATR]);
    const wire = context.connection('R');
    expect(wire.connected).toBe(false);
    expect(await connect(wire)).toBe(2);
    expect(wire.connected).toBe(true);
    expect(await transmit(wire, '0084')).toBe('00849000');
    expect(messageOf(await transmit(wire, '00B0'))).toContain('(0x80100069)');
    expect(
      await new Promise((resolve) => {
        wire.disconnect('reset', resolve);
      }),
    ).toBeNull();
    expect(wire.connected).toBe(false);
  });

  it.each([
    ['ends at once', 'process.exit(3);', /ended with 3/],
    ['cannot be started', null, /ended with 1/],
    ['says what is not of the protocol', `say({ say: 'ready', more: 1 });`, /not of the protocol/],
    [
      'says half of it',
      `say({ say: 'status', watch: 1, state: 32, atr: 'ABC' });`,
      /not of the protocol/,
    ],
    [
      'has no service',
      `say({ say: 'over', message: 'SCardEstablishContext error: (0x8010001d)' });`,
      /0x8010001d/,
    ],
  ])('a process that %s ends its context, once', async (_what, body, why) => {
    const { context, over } = begin(body === null ? join(folder, 'none.mjs') : program(body).entry);
    const errors: Error[] = [];
    context.on('error', (error) => errors.push(error));
    expect((await over).message).toMatch(why);
    expect(messageOf(await connect(context.connection('R')))).toMatch(/over/);
    expect(errors).toHaveLength(1);
  });

  it('a process that never has its context, or gives no sign of life later, is ended', async () => {
    const never = new ManualClock(0);
    const first = begin(program('hear(() => {});').entry, never);
    never.advance(8_000);
    expect((await first.over).message).toBe('PC/SC process: not ready in 8000 ms');

    const later = new ManualClock(0);
    const silent = program(`hear(() => {}); say({ say: 'ready' });`);
    const second = begin(silent.entry, later);
    await new Promise<void>((done) => {
      second.context.on('ready', done);
    });
    later.advance(5_000);
    await expect.poll(() => silent.heard().map((m) => m['do'])).toEqual(['ping']);
    later.advance(5_000);
    expect((await second.over).message).toBe('PC/SC process: no sign of life in 5000 ms');

    const alive = new ManualClock(0);
    const answers = program(`hear((m) => say({ say: 'done', id: m.id })); say({ say: 'ready' });`);
    const third = begin(answers.entry, alive);
    let ended = false;
    void third.over.then(() => {
      ended = true;
    });
    await new Promise<void>((done) => {
      third.context.on('ready', done);
    });
    for (let pings = 1; pings <= 4; pings++) {
      alive.advance(5_000);
      await expect.poll(() => answers.heard().filter((m) => m['do'] === 'ping').length).toBe(pings);
      // Another answer behind it on the same channel: the ping's has come.
      expect(await connect(third.context.connection('R'))).toBe(0);
    }
    expect(ended).toBe(false);
  });

  it('a command that was under way when the process was killed fails with the reader, and is not sent to the next', async () => {
    const dying = program(
      `hear((m) => { if (m.do === 'transmit') process.kill(process.pid, 'SIGKILL'); else say({ say: 'done', id: m.id, protocol: 1 }); }); card();`,
    );
    const reader = new PcscReader({
      id: 'r',
      clock: systemClock,
      log: () => undefined,
      service: pcscProcess({ entry: dying.entry, clock: systemClock, log: () => undefined }),
    });
    const first = await until(reader, (s) => s.state === 'present');
    const update = '04D6950008010203040506070899';
    expect(codeOf(await reader.open(first.insertion).transmit(fromHex(update)))).toBe('CARD-0107');
    expect(reader.status()).toMatchObject({
      state: 'offline',
      failure: { detail: 'context: PC/SC process ended with SIGKILL' },
    });
    const second = await until(reader, (s) => s.state === 'present');
    expect(second.insertion).toBe(first.insertion + 1);
    expect(codeOf(await reader.open(first.insertion).transmit(fromHex(update)))).toBe('CARD-0102');
    expect(dying.heard().filter((m) => m['do'] === 'transmit')).toHaveLength(1);
    await reader.close();
  });
});

describe('the PC/SC process', () => {
  /** The native package, as far as it goes. */
  class Native implements NativeReader {
    readonly name: string;
    connected = false;
    static made: Native[] = [];
    readonly listeners = new Map<string, (value: never) => void>();
    constructor(name: string) {
      this.name = name;
      Native.made.push(this);
    }
    on(event: string, listener: (value: never) => void): void {
      this.listeners.set(event, listener);
    }
    tell(event: string, value?: unknown): void {
      (this.listeners.get(event) as ((v: unknown) => void) | undefined)?.(value);
    }
    connect(_options: unknown, done: (error: Error | null, protocol: number) => void): void {
      queueMicrotask(() => {
        this.connected = true;
        done(null, 1);
        // Here already, on a way of its own: a card was exchanged just before the connection.
        queueMicrotask(() =>
          Native.made[0]?.tell('status', { state: 0x3_0022, atr: Uint8Array.of(0x3b, 0x00) }),
        );
      });
    }
    disconnect(_disposition: number, done: (error?: Error | null) => void): void {
      this.connected = false;
      done(null);
    }
    transmit(
      data: Uint8Array,
      _length: number,
      _protocol: number,
      done: (error: Error | null, answer: Uint8Array) => void,
    ): void {
      if (data.length === 0) done(new Error('SCardTransmit error: (0x80100068)'), data);
      else done(null, Uint8Array.of(0x90, 0x00));
    }
  }

  function host(): {
    readonly said: Message[];
    readonly ends: () => number;
    readonly ask: (request: unknown) => void;
    readonly clock: ManualClock;
  } {
    Native.made = [];
    const clock = new ManualClock(0);
    const said: Message[] = [];
    let ends = 0;
    let announce: (reader: NativeReader) => void = () => undefined;
    const context: NativeContext = {
      on: (event: string, listener: (value: never) => void) => {
        if (event === 'reader') announce = listener as (reader: NativeReader) => void;
      },
    };
    const ask = hostPcsc({
      clock,
      send: (message) => void said.push(message),
      end: () => {
        ends++;
      },
      load: () => () => context,
    });
    announce(new Native('R'));
    return { said, ends: () => ends, ask, clock };
  }
  const turn = (): Promise<void> =>
    new Promise((done) => {
      setImmediate(done);
    });

  it('answers a connection after the news that were there before it', async () => {
    const { said, ask, clock } = host();
    ask({ id: 1, do: 'connect', connection: 1, reader: 'R' });
    await turn();
    clock.advance(1);
    await turn();
    expect(said.map((m) => m.say)).toEqual(['ready', 'reader', 'status', 'done']);
    ask({ id: 2, do: 'transmit', connection: 1, protocol: 1, data: '' });
    ask({ id: 3, do: 'transmit', connection: 1, protocol: 1, data: '00B0' });
    ask({ id: 4, do: 'transmit', connection: 9, protocol: 1, data: '00B0' });
    ask({ id: 5, do: 'connect', connection: 1, reader: 'R' });
    ask({ id: 6, do: 'disconnect', connection: 1, reset: true });
    expect(said.slice(4)).toEqual([
      { say: 'failed', id: 2, message: 'SCardTransmit error: (0x80100068)' },
      { say: 'done', id: 3, data: '9000' },
      { say: 'failed', id: 4, message: 'not connected' },
      { say: 'failed', id: 5, message: 'already connected' },
      { say: 'done', id: 6 },
    ]);
  });

  it.each([
    [{ id: 1, do: 'transmit', connection: 1, protocol: 1, data: '0' }],
    [{ id: 1, do: 'eject' }],
    ['hello'],
    [{ id: 0, do: 'ping' }],
  ])('ends at %j, which is not of the protocol', (request) => {
    const { said, ends, ask } = host();
    ask(request);
    expect(ends()).toBe(1);
    expect(said.filter((m) => m.say === 'done' || m.say === 'failed')).toEqual([]);
  });

  async function real(): Promise<{ readonly child: ChildProcess; readonly first: unknown }> {
    const child = fork(ENTRY, [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { PATH: process.env['PATH'] ?? '', PCSCLITE_CSOCK_NAME: join(folder, 'no-such-socket') },
    });
    const [first] = (await once(child, 'message')) as [unknown];
    return { child, first };
  }

  it('says so where there is no service, and is gone as soon as its driver is', async () => {
    const { child, first } = await real();
    expect(first).toMatchObject({
      say: 'over',
      message: expect.stringMatching(/0x8010001d/i) as string,
    });
    // Signals to the whole group are the core's business.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) child.kill(signal);
    child.send({ id: 1, do: 'ping' });
    expect(await once(child, 'message')).toEqual([{ say: 'done', id: 1 }, undefined]);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
  });
});
