import { setTimeout as pause } from 'node:timers/promises';
import { hallKeys, demoPayment } from '../src/demo/setup.ts';
import { systemClock, systemRandom } from '../src/main/ports.ts';
import { loadPayments } from '../src/payment/load.ts';
import type { PaymentProvider } from '../src/payment/types.ts';
import { Customer } from '../test/kill/customer.ts';
import { Hall } from '../test/support/hall.ts';
import { quantile } from './report.ts';

/**
 * How long after a capture the writing begins: a whole demo hall (kiosk, central, the wallets'
 * sandboxes, each a process, over HTTP), its screens followed as the window follows them. A phone
 * scans, waits a while, and pays; from the moment at which it sends its payment to the snapshot of
 * the writing screen. The **floor** is the same payment, and the questions that the wallet must be
 * asked for it (one; two where the callback's and the terminal's are two), each as soon as the one
 * before is answered.
 */
const WAYS = [
  { name: 'gateway, held, WeChat (callback)', args: ['gateway'], wallet: 'wechat', asks: 2 },
  { name: 'gateway, held, Alipay (no callback)', args: ['gateway'], wallet: 'alipay', asks: 1 },
  { name: 'direct, WeChat', args: ['wechat'], wallet: 'wechat', asks: 1 },
  { name: 'direct, Alipay', args: ['alipay'], wallet: 'alipay', asks: 1 },
] as const;
type Way = (typeof WAYS)[number];

const FEN = 1_000;
const TARGET_MS = 300;

export async function payBench(): Promise<void> {
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? '20');
  console.log(`from paying to writing: ms, ${rounds} sales each\n`);
  console.log('way                                    p50      p95  floor p50  p95  ratio p50');
  for (const args of ['gateway', 'wechat', 'alipay']) {
    const hall = await Hall.start(['--shell', 'browser', '--payments', args]);
    try {
      for (const way of WAYS.filter((w) => w.args[0] === args))
        show(way, await runs(hall, way, rounds));
    } finally {
      await hall.dispose();
    }
  }
}

interface Took {
  readonly ms: number;
  readonly floorMs: number;
}

async function runs(hall: Hall, way: Way, rounds: number): Promise<readonly Took[]> {
  const customer = await Customer.at(hall);
  const provider = walletOf(hall, way);
  const took: Took[] = [];
  try {
    for (let n = -1; n < rounds; n++) {
      const one = await sale(hall, customer, way, provider);
      // The first warms everything up.
      if (n >= 0) took.push(one);
      await customer.on('done');
      await hall.dock({ do: 'remove' });
      await hall.dock({ do: 'meter', id: 'good' });
    }
  } finally {
    customer.leave();
  }
  return took;
}

async function sale(
  hall: Hall,
  customer: Customer,
  { wallet, asks }: Way,
  provider: PaymentProvider,
): Promise<Took> {
  const code = await customer.toPay('good', FEN);
  // The wallet's own code, where the gateway's page has led to it.
  const { codeUrl = code } = (await hall.dock({ do: 'scan', codeUrl: code, wallet })) as {
    codeUrl?: string;
  };
  // A password, or a finger: no two customers take the same time.
  await pause(1_000 + Math.random() * 4_000);
  const written = new Promise<number>((resolve) => {
    customer.onSnapshot = (s) => {
      if (s.screen === 'writing') resolve(performance.now());
    };
  });
  const began = performance.now();
  await hall.dock({ do: 'pay', codeUrl, wallet });
  const paidMs = performance.now() - began;
  const ms = (await written) - began;
  // The same wallet about the same trade, once or twice over.
  const { orders } = await hall.books();
  const { outTradeNo, total } = orders.at(-1) ?? { outTradeNo: '', total: 0 };
  const asked = performance.now();
  for (let n = 0; n < asks; n++) {
    const told = await provider.query({ outTradeNo, amountFen: total });
    if (told.kind !== 'paid') throw new Error(`the wallet says ${told.kind}`);
  }
  return { ms, floorMs: paidMs + performance.now() - asked };
}

/** The wallet as whoever collects there asks it. */
function walletOf(hall: Hall, { wallet }: Way): PaymentProvider {
  const keys = hallKeys(hall.dataDir);
  const files = { keyFile: '', policyKeyFile: '', answerKeyFile: '', gatewayKeyFile: '' };
  const loaded = loadPayments(
    {
      mode: 'demo',
      terminalId: '000000000311',
      central: { baseUrl: 'http://127.0.0.1', ...files },
      payments: [demoPayment(wallet, `http://127.0.0.1:${hall.port + 3}`, keys)],
    },
    hall.dataDir,
    { clock: systemClock, random: systemRandom, timeoutMs: 5_000 },
  );
  const provider = loaded.ok ? loaded.value[0] : undefined;
  if (provider === undefined) throw new Error(loaded.ok ? 'no wallet' : loaded.error.detail);
  return provider;
}

function show({ name }: Way, took: readonly Took[]): void {
  const all = took.map((t) => t.ms).toSorted((a, b) => a - b);
  const floor = took.map((t) => t.floorMs).toSorted((a, b) => a - b);
  const at = (sorted: readonly number[], q: number): string =>
    quantile(sorted, q).toFixed(0).padStart(7);
  const ratio = quantile(all, 0.5) / quantile(floor, 0.5);
  const held = name.startsWith('gateway') && name.includes('callback)') && !name.includes('no ');
  const verdict = held ? (quantile(all, 0.95) <= TARGET_MS ? '  ≤ 300: held' : '  above 300') : '';
  console.log(
    `${name.padEnd(36)}${at(all, 0.5)}  ${at(all, 0.95)}    ${at(floor, 0.5)}${at(floor, 0.95)}  ${ratio.toFixed(1)}${verdict}`,
  );
}
