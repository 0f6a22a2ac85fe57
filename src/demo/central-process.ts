import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { sampleKeyProvider } from '../card/index.ts';
import { num } from '../central/db/sql.ts';
import { openPglite } from '../central/db/pglite.ts';
import { openPostgres } from '../central/db/postgres.ts';
import { ANY_REFUND } from '../central/sale/budgets.ts';
import { createCentral } from '../central/central.ts';
import { httpAccountBook } from '../central/sale/account-book-http.ts';
import { httpInvoiceProvider } from '../central/invoices/provider-http.ts';
import { proposeCardGrant } from '../central/sale/card-grants.ts';
import { proposeGrant } from '../central/sale/credit-acts.ts';
import { GRANT_BUDGET } from '../central/sale/credit-grants.ts';
import { httpMeterPlatform } from '../central/sale/meter-platform.ts';
import { loadPayments } from '../payment/load.ts';
import type { PaymentProvider } from '../payment/types.ts';
import type { TerminalConfigFile } from '../shared/config/terminal.ts';
import { ed25519Signer } from '../shared/signing.ts';
import { chinaDate } from '../shared/time.ts';
import { hallClock } from '../main/demo-clock.ts';
import { stderrLog, systemRandom } from '../main/ports.ts';
import { DEMO_DATA } from './central-data.ts';
import { demoCreditAccounts } from './credit-data.ts';
import { demoHouseholds } from './household-data.ts';
import { DEMO_INVOICES } from './invoice-data.ts';
import {
  BOOK_SECRET,
  demoBrowser,
  demoPayment,
  DEMO_TERMINAL,
  hallKeys,
  INVOICE_SECRET,
  METER_SECRET,
  SMS_SECRET,
  DEMO_WATER,
  waterKeys,
  waterPayments,
} from './setup.ts';
import { withOutage } from './requests-data.ts';
import { httpSmsPlatform } from '../central/requests/sms-platform.ts';
import { runService } from './service.ts';

/**
 * The demo hall's central, a process of its own: billing, and the payment gateway with every wallet
 * behind it. `--data DIR --port N --pages N --console N --sandbox N [--terminal ID --terminal-key
 * FILE] [--meters N] [--invoices N] [--sms N] [--account-book N] [--database URL]`: the doors of
 * terminals, phones and staff, the wallets' port, and the PostgreSQL server whose database is used
 * instead of the embedded one.
 */
const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string' },
    pages: { type: 'string' },
    console: { type: 'string' },
    sandbox: { type: 'string' },
    terminal: { type: 'string' },
    'terminal-key': { type: 'string' },
    meters: { type: 'string' },
    invoices: { type: 'string' },
    sms: { type: 'string' },
    'account-book': { type: 'string' },
    database: { type: 'string' },
    'any-refund': { type: 'boolean', default: false },
  },
});
const dataDir = values.data ?? '.';
const keys = hallKeys(dataDir);
// The terminal of a configuration file that was handed in takes the place of the hall's own.
const handedIn =
  values.terminal === undefined || values['terminal-key'] === undefined
    ? null
    : { terminalId: values.terminal, publicKeyPem: readFileSync(values['terminal-key'], 'utf8') };
const terminal = handedIn ?? { terminalId: DEMO_TERMINAL, publicKeyPem: keys.terminalPublicKeyPem };
/** Where the company's own account book listens; undefined: central's database is it. */
const outside = values['account-book'];
const cardKeys = sampleKeyProvider('demo');
const clock = hallClock();

const baseUrl = `http://127.0.0.1:${values.sandbox ?? ''}`;
const publicUrl = `http://127.0.0.1:${values.pages ?? ''}`;
const WALLET_TIMEOUT_MS = 6_000;
const loadWallets = (payments: TerminalConfigFile['payments']): readonly PaymentProvider[] => {
  const loaded = loadPayments(
    {
      mode: 'demo',
      terminalId: terminal.terminalId,
      central: {
        baseUrl: `http://127.0.0.1:${values.port ?? ''}`,
        keyFile: '',
        policyKeyFile: '',
        answerKeyFile: '',
        gatewayKeyFile: '',
      },
      payments,
    },
    dataDir,
    { clock, random: systemRandom, timeoutMs: WALLET_TIMEOUT_MS },
  );
  if (!loaded.ok) throw new Error(loaded.error.detail);
  return loaded.value;
};
const house = loadWallets(
  (['wechat', 'alipay', 'unionpay'] as const).map((kind) => {
    const wallet = demoPayment(kind, baseUrl, keys);
    return wallet.kind === 'wechat'
      ? {
          ...wallet,
          apiV3KeyFile: 'keys/apiv3.key',
          notifyUrl: `${publicUrl}/pay/notify/wechat`,
          browser: demoBrowser(baseUrl),
        }
      : wallet.kind === 'alipay'
        ? { ...wallet, notifyUrl: `${publicUrl}/pay/notify/alipay` }
        : wallet;
  }),
);
const water = loadWallets(waterPayments(baseUrl, publicUrl, waterKeys(dataDir)));

const db =
  values.database === undefined
    ? await openPglite(`${dataDir}/central`)
    : await openPostgres({
        clock,
        random: systemRandom,
        url: values.database,
        log: (message) => process.stderr.write(`central: database: ${message}\n`),
      });
const central = createCentral({
  db,
  ...DEMO_DATA,
  creditAccounts: demoCreditAccounts(chinaDate(clock.nowMs())),
  households: demoHouseholds(chinaDate(clock.nowMs())),
  policy: {
    ...DEMO_DATA.policy,
    // Without a port of its own nobody knows yet where its pages will be.
    ...(values.pages === undefined
      ? {}
      : { receipts: { url: publicUrl, invoice: values.invoices !== undefined } }),
    info: withOutage(DEMO_DATA.policy.info, chinaDate(clock.nowMs())),
  },
  listen: {
    terminals: { port: Number(values.port ?? 0) },
    pages: { port: Number(values.pages ?? 0) },
    staff: { port: Number(values.console ?? 0) },
  },
  policySigner: ed25519Signer(keys.policyPrivateKeyPem),
  answerSigner: ed25519Signer(keys.answerPrivateKeyPem),
  gatewaySigner: ed25519Signer(keys.gatewayPrivateKeyPem),
  requestKeys: [keys.requestsPrivateKeyPem],
  now: () => clock.nowMs(),
  log: stderrLog,
  // A terminal of the hall may have its keys at central: `"keys": {"kind": "central"}`.
  ...(cardKeys.ok ? { cardKeys: cardKeys.value } : {}),
  ...(values.meters === undefined
    ? {}
    : {
        meterPlatform: httpMeterPlatform({
          baseUrl: `http://127.0.0.1:${values.meters}`,
          secret: METER_SECRET,
          clock,
          timeoutMs: WALLET_TIMEOUT_MS,
        }),
      }),
  ...(values.invoices === undefined
    ? {}
    : {
        invoices: {
          provider: httpInvoiceProvider({
            baseUrl: `http://127.0.0.1:${values.invoices}`,
            secret: INVOICE_SECRET,
            clock,
            timeoutMs: WALLET_TIMEOUT_MS,
          }),
          config: DEMO_INVOICES,
        },
      }),
  ...(values.sms === undefined
    ? {}
    : {
        smsPlatform: httpSmsPlatform({
          baseUrl: `http://127.0.0.1:${values.sms}`,
          secret: SMS_SECRET,
          clock,
          timeoutMs: WALLET_TIMEOUT_MS,
        }),
      }),
  ...(outside === undefined
    ? {}
    : {
        accountBook: httpAccountBook({
          baseUrl: `http://127.0.0.1:${outside}`,
          secret: BOOK_SECRET,
          clock,
          timeoutMs: WALLET_TIMEOUT_MS,
        }),
      }),
  terminals: [terminal],
  ...(values['any-refund'] ? { refundBudget: ANY_REFUND } : {}),
  payments: {
    wallets: [...house, ...water.map((provider) => ({ merchant: DEMO_WATER.merchant, provider }))],
    payees: { water: DEMO_WATER.merchant },
    publicUrl,
    clock,
    random: systemRandom,
    // A demo hall's faults hand back more in an hour than an honest kiosk in a year.
    refundBudget: { refunds: 1_000_000, fen: 1_000_000_000_000 },
  },
});
/** The dock's phone sees what the kiosk shows: the newest code of the gateway's. */
async function newestCode(): Promise<unknown> {
  const row = (
    await db.query<{ token: string; created_ms: unknown }>(
      'SELECT token, created_ms FROM gateway_trades WHERE token IS NOT NULL ORDER BY created_ms DESC, out_trade_no DESC LIMIT 1',
    )
  )[0];
  return row === undefined
    ? null
    : { codeUrl: `${publicUrl}/q/${row.token}`, createdAtMs: num(row.created_ms) };
}
/** What waits for a second person at the console: grants after meters were changed. */
async function askForGrants(): Promise<void> {
  await proposeCardGrant(
    db,
    {
      number: '1002203344',
      quantity: 1_230,
      reference: 'HB-0002',
      who: '王芳',
      why: '换表，旧表余 12.30 立方米',
    },
    { nowMs: clock.nowMs(), budget: GRANT_BUDGET, minFen: DEMO_DATA.policy.minFen },
  );
  // What a book outside has is granted there.
  if (outside !== undefined) return;
  await proposeGrant(
    db,
    {
      userNo: '2002203301',
      amountFen: 3_820,
      reference: 'HB-0001',
      who: '王芳',
      why: '换表，旧表余额 38.20 元',
    },
    {
      nowMs: clock.nowMs(),
      outside: false,
      mayMove: () => Promise.resolve(true),
      budget: GRANT_BUDGET,
    },
  );
}
async function close(): Promise<void> {
  await central.close();
  await db.close();
}
/** What stands behind terminals' payments at the wallets, for whoever compares all books. */
async function gatewayBooks(): Promise<unknown> {
  const legs = await db.query<{
    leg: string;
    out_trade_no: string;
    state: string;
    counts: boolean;
  }>(
    'SELECT l.leg, l.out_trade_no, l.state, t.leg = l.leg AS counts FROM gateway_legs l JOIN gateway_trades t USING (terminal_id, out_trade_no)',
  );
  const refunds = await db.query<{ wallet_refund_no: string; out_refund_no: string }>(
    'SELECT wallet_refund_no, out_refund_no FROM gateway_refunds',
  );
  return {
    legs: legs.map((l) => ({
      leg: l.leg,
      outTradeNo: l.out_trade_no,
      state: l.state,
      counts: l.counts,
    })),
    refunds: refunds.map((r) => ({
      walletRefundNo: r.wallet_refund_no,
      outRefundNo: r.out_refund_no,
    })),
  };
}
async function start(): ReturnType<Parameters<typeof runService>[0]['start']> {
  const { terminals } = await central.start();
  await askForGrants();
  return terminals;
}
runService({ start, close }, (question) =>
  question === 'newest-code'
    ? newestCode()
    : question === 'gateway-books'
      ? gatewayBooks()
      : Promise.resolve(null),
);
