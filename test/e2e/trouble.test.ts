import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DIRECT, hallKeys, hallPorts, writeTerminalJson } from '../../src/demo/setup.ts';
import { sampleCard } from '../../src/simulator/card/catalogue.ts';
import { CHROMIUM_ARGS, Hall, chromiumPath, root, until } from '../support/hall.ts';
import { home } from '../support/home.ts';
import { tellFailures } from '../support/tell.ts';
import { freePorts } from '../support/ports.ts';
import { preparePcscd } from '../support/pcscd.ts';

let browser: Browser;
let page: Page;

const screen = (name: string, timeout = 20_000): Promise<unknown> =>
  page.waitForSelector(`[data-screen="${name}"]`, { timeout });
const says = async (name: string): Promise<string> =>
  (await page.textContent(`[data-screen="${name}"]`)) ?? '';
const tap = (intent: string, value?: string | number): Promise<void> =>
  page.click(`[data-intent="${intent}"]${value === undefined ? '' : `[data-value="${value}"]`}`);

async function open(hall: Hall): Promise<void> {
  page = await browser.newPage({ viewport: { width: 1080, height: 1920 } });
  await page.goto(hall.url);
}
/** As far as the code to pay by; whether the customer was asked to do without a slip. */
async function toPay(hall: Hall, card: string, amountFen: number): Promise<boolean> {
  await screen('start');
  await hall.dock({ do: 'insert', id: card });
  await screen('amount');
  await tap('choose-amount', amountFen);
  await page.click(`[data-intent="pay"][data-value="${amountFen}"]:not([disabled])`);
  await page.waitForSelector('[data-screen="pay"], [data-screen="no-slip"]');
  // Without paper the customer agrees to that first.
  const asked = (await page.$('[data-screen="no-slip"]')) !== null;
  if (asked) await page.click('[data-screen="no-slip"] [data-intent="pay"]:not([disabled])');
  await screen('pay');
  await page.waitForSelector('[data-screen="pay"] svg[data-qr]');
  return asked;
}
/** Who runs with this text in the command line. */
function processesOf(text: string): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return {
          pid: Number(name),
          command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
        };
      } catch {
        return { pid: Number(name), command: '' };
      }
    })
    .filter((p) => p.command.includes(text));
}

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_ARGS });
});
afterAll(async () => {
  await browser?.close();
});

describe('it does not start', () => {
  let folder: string;
  /** The hall from its command line until it ends. */
  function run(...args: string[]): Promise<{ code: number | null; output: string }> {
    return new Promise((done) => {
      const child = spawn(
        process.execPath,
        ['src/demo/main.ts', '--shell', 'browser', '--data', folder, ...args],
        { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (c: Buffer) => (output += c.toString()));
      const hard = setTimeout(() => child.kill('SIGKILL'), 30_000);
      child.on('exit', (code) => {
        clearTimeout(hard);
        done({ code, output });
      });
    });
  }
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pilotlight-trouble-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => {
    expect(processesOf(folder)).toEqual([]);
  });

  test.each<[string, (c: Record<string, unknown>) => unknown, string[]]>([
    [
      'a missing key',
      (c) => Object.fromEntries(Object.entries(c).filter(([key]) => key !== 'terminalId')),
      ['CONF-0101', 'terminalId'],
    ],
    ['a misspelt key', (c) => ({ ...c, dataDirectory: 'x' }), ['CONF-0101', 'dataDirectory']],
    [
      'a wrong value deep inside',
      (c) => ({ ...c, payments: [{ ...(c['payments'] as object[])[0], merchantSerial: 7 }] }),
      ['CONF-0101', 'payments', 'merchantSerial'],
    ],
    [
      'a kind that is not built yet',
      (c) => ({ ...c, readers: [{ kind: 'serial', path: '/dev/ttyS0', model: 'x' }] }),
      ['CONF-0101', 'readers', 'serial'],
    ],
    [
      'sample keys in production',
      (c) => ({ ...c, mode: 'production', readers: [{ kind: 'pcsc' }] }),
      ['CONF-0103', 'keys.kind'],
    ],
  ])('%s in terminal.json: ended with the key named', async (_name, change, words) => {
    const first = await freePorts(18);
    const file = join(folder, 'wrong.json');
    const good = JSON.parse(
      readFileSync(
        writeTerminalJson(folder, hallPorts(first), hallKeys(folder), false, DIRECT),
        'utf8',
      ),
    ) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify(change(good)));
    const { code, output } = await run('--port', String(first), '--config', file);
    expect(code).toBe(1);
    for (const word of words) expect(output).toContain(word);
    expect(output).not.toContain('    at ');
  });

  test('a terminal.json that is no JSON, or is not there', async () => {
    const port = String(await freePorts(18));
    writeFileSync(join(folder, 'broken.json'), '{ "mode": ');
    for (const name of ['broken.json', 'absent.json']) {
      const { code, output } = await run('--port', port, '--config', join(folder, name));
      expect(code).toBe(1);
      expect(output).toContain('CONF-0101');
      expect(output).toContain(name);
    }
  });

  test('a port taken by another process, whichever of the ten: named, with what it was for', async () => {
    const first = await freePorts(18);
    for (const [offset, name] of [
      [0, 'kiosk'],
      [3, 'payment sandbox'],
      [7, 'line to the payment sandbox'],
      [9, 'line to the payment gateway'],
    ] as const) {
      const squatter = createServer();
      await new Promise<void>((r) => squatter.listen(first + offset, '127.0.0.1', r));
      const { code, output } = await run('--port', String(first));
      await new Promise((r) => squatter.close(r));
      expect(code).toBe(1);
      expect(output).toContain('CONF-0102');
      expect(output).toContain(`${first + offset}`);
      expect(output).toContain(name);
    }
  });

  test.each([
    ['--port', '80'],
    ['--payments', 'cash'],
    ['--payments', 'alipay,alipay'],
    ['--port', 'kiosk'],
    ['--port', '65535'],
    ['--shell', 'telnet'],
    ['--colour', 'red'],
  ])('%s %s: refused with the usage', async (...wrong) => {
    const { code, output } = await run(...wrong);
    expect(code).toBe(1);
    expect(output).toContain('usage: ');
    expect(output).toContain(wrong[0]);
  });
});

describe('a hall in trouble', () => {
  let hall: Hall;
  beforeAll(async () => {
    hall = await Hall.start();
    // A card of another key set: it answers, but takes nothing from this kiosk.
    const foreign = (id: string, change: object): void =>
      writeFileSync(
        join(hall.dataDir, 'cards', `${id}.json`),
        JSON.stringify({ card: { ...sampleCard(id).make().toJSON(), ...change } }),
      );
    mkdirSync(join(hall.dataDir, 'cards'), { recursive: true });
    foreign('good', { macKey: '00'.repeat(16) });
    foreign('water', { authKey: '00'.repeat(16) });
    await open(hall);
    await screen('start');
  });
  afterEach(async () => {
    await hall.dock({ do: 'faults', faults: { reset: true } });
    await hall.dock({ do: 'cut', line: 'payment', cut: false });
    await hall.dock({ do: 'printer', paper: 'ok', off: false, coverOpen: false });
    await hall.dock({ do: 'remove' });
    await home(page, 40_000);
  });
  afterAll(async () => {
    await page?.close();
    await hall?.dispose();
  });

  tellFailures(() => ({ hall, page }));

  test('answers of the payment platform with a bad signature are never believed', async () => {
    const before = await hall.card('golden');
    await toPay(hall, 'golden', 5_000);
    await hall.dock({ do: 'faults', faults: { tamperSignature: 1_000 } });
    await hall.dock({ do: 'pay' });
    await until('checking', async () => (await says('pay')).includes('正在核实付款'));
    expect(await says('pay')).toContain('请勿重复付款');
    const end = Date.now() + 4_000;
    while (Date.now() < end) {
      expect(await page.locator('[data-screen="pay"]').count()).toBe(1);
      await new Promise((r) => setTimeout(r, 100));
    }
    expect(hall.rows().orders.at(-1)?.state).toBe('collecting');
    expect(await hall.card('golden')).toEqual(before);
    await hall.dock({ do: 'faults', faults: { reset: true } });
    await screen('done');
    expect((await hall.card('golden')).count).toBe(before.count + 1);
    await hall.dock({ do: 'remove' });
    await hall.dock({ do: 'meter', id: 'golden' });
  });

  test('the payment line is cut: it says so, sells nothing and still reads cards', async () => {
    await hall.dock({ do: 'cut', line: 'payment', cut: true });
    await until('said', async () => (await says('start')).includes('暂时不能付款'), 30_000);
    expect(await says('start')).toContain('暂不能充值');
    await tap('open', 'my-account');
    await screen('insert-card');
    await hall.dock({ do: 'insert', id: 'golden' });
    await screen('my-account');
    await hall.dock({ do: 'remove' });
    await screen('start', 30_000);
    await hall.dock({ do: 'insert', id: 'golden' });
    await screen('cannot-sell');
    expect(await says('cannot-sell')).toContain('SALE-0111');
    await hall.dock({ do: 'remove' });
    await screen('start', 30_000);
    await hall.dock({ do: 'cut', line: 'payment', cut: false });
    await until(
      'selling again',
      async () => !(await says('start')).includes('暂时不能付款'),
      30_000,
    );
  });

  test('the core is killed on the start screen: recovering, then back', async () => {
    const pid = (): string => readFileSync(join(hall.dataDir, 'kiosk', 'core.pid'), 'utf8');
    const before = pid();
    const recovering = screen('out-of-service');
    await hall.dock({ do: 'kill', what: 'core' });
    await recovering;
    expect(await says('out-of-service')).toContain('CORE-0101');
    await screen('start');
    expect(pid()).not.toBe(before);
  });

  test('no paper: it says so, and the sale goes through without a slip', async () => {
    const before = await hall.card('golden');
    // A core that has just started says so of a printer that it has not heard yet, too.
    await until('the printer', async () => !(await says('start')).includes('凭条'), 30_000);
    await hall.dock({ do: 'printer', paper: 'end' });
    await until('said', async () => (await says('start')).includes('凭条'), 30_000);
    // Said by whoever tapped there: a second look is taken twice a second, and may come too late.
    expect(await toPay(hall, 'golden', 5_000)).toBe(true);
    await hall.dock({ do: 'pay' });
    await screen('done');
    await until('said', async () => (await says('done')).includes('请拍照保存订单号'));
    expect((await hall.card('golden')).count).toBe(before.count + 1);
    await hall.dock({ do: 'remove' });
    await hall.dock({ do: 'meter', id: 'golden' });
  });

  test('a card that refuses the write (bad MAC): nothing is written and the money goes back', async () => {
    const before = await hall.card('good');
    await toPay(hall, 'good', 5_000);
    await hall.dock({ do: 'pay' });
    await screen('refunding');
    expect(await says('refunding')).toContain('卡拒绝了写入');
    const order = await until(
      'refunded',
      () => {
        const newest = hall.rows().orders.at(-1);
        return newest?.state === 'refunded' ? newest : null;
      },
      40_000,
    );
    expect(await hall.card('good')).toEqual(before);
    const tried = hall.rows().attempts.filter((a) => a.orderId === order.orderId);
    expect(tried.map((a) => a.state)).toEqual(['refunded']);
    expect(
      (await hall.books()).refunds.filter((r) => r.status === 'SUCCESS').map((r) => r.refund),
    ).toEqual([5_000]);
    await tap('exit');
  });

  test('a card of another key set: refused, nothing is written, whatever was paid goes back', async () => {
    const before = await hall.card('water');
    const refunds = (await hall.books()).refunds.length;
    await toPay(hall, 'water', 5_000);
    await hall.dock({ do: 'pay' });
    await screen('refunding');
    expect(await says('refunding')).toContain('卡拒绝了认证');
    await until('refunded', () => hall.rows().orders.at(-1)?.state === 'refunded', 40_000);
    expect(await hall.card('water')).toEqual(before);
    expect((await hall.books()).refunds.filter((r) => r.status === 'SUCCESS')).toHaveLength(
      refunds + 1,
    );
    await tap('exit');
  });
});

test('the PC/SC service is away, comes, dies and comes again', async () => {
  const pcscd = await preparePcscd();
  let hall: Hall | null = null;
  try {
    hall = await Hall.start(
      ['--shell', 'browser', '--real-pcsc', '--vpcd-port', String(pcscd.port)],
      { PCSCLITE_CSOCK_NAME: pcscd.socket },
    );
    await open(hall);
    await until('CARD-0107', async () => (await says('out-of-service')).includes('CARD-0107'));
    await pcscd.start();
    await screen('start', 15_000);
    await pcscd.kill();
    await until('CARD-0107', async () => (await says('out-of-service')).includes('CARD-0107'));
    const began = Date.now();
    await pcscd.start();
    await screen('start', 15_000);
    console.log(`start screen ${Date.now() - began} ms after pcscd's restart`);
    await hall.dock({ do: 'insert', id: 'golden' });
    await screen('amount');
  } finally {
    await page.close();
    await hall?.dispose();
    await pcscd.stop();
  }
});

test('Ctrl-C ends every process; the same data folder starts again', async () => {
  const hall = await Hall.start();
  try {
    await open(hall);
    await screen('start');
    expect(
      new Set(
        processesOf(hall.dataDir).map(
          (p) => /(?:central|sandbox|platform)-process|core\/main|demo\/main/.exec(p.command)?.[0],
        ),
      ),
    ).toEqual(
      new Set(['central-process', 'core/main', 'demo/main', 'platform-process', 'sandbox-process']),
    );
    await page.close();
    await hall.stop();
    expect(processesOf(hall.dataDir)).toEqual([]);
    const began = Date.now();
    await hall.restart();
    await open(hall);
    await screen('start');
    console.log(`second start: start screen after ${Date.now() - began} ms`);
    await page.close();
  } finally {
    await hall.dispose();
  }
  expect(processesOf(hall.dataDir)).toEqual([]);
});
