import { policySchema } from '../shared/policy.ts';
import type { Policy } from '../shared/policy.ts';
import { HOUSE_MERCHANT, merchantsIn } from '../payment/merchants.ts';
import type { Merchants } from '../payment/merchants.ts';
import { terminalOf } from '../shared/order-id.ts';
import { HOUSE_PAYEE } from '../shared/sale.ts';
import type { PayeeId } from '../shared/sale.ts';
import type { MerchantWallet } from '../payment/merchants.ts';
import type { PaymentProvider } from '../payment/types.ts';
import type { Clock, KeyId, LogFn, Signer, SigningKey, Verifier } from '../shared/ports.ts';
import { Keyring } from '../shared/signatures.ts';
import { openingKey, sealingKeyOf } from '../shared/sealed-box.ts';
import { ed25519Verifier } from '../shared/signing.ts';
import { grantEpoch } from './books/epochs.ts';
import { proveAgain } from './books/evidence-again.ts';
import { trustIn } from './books/trust.ts';
import { consoleData } from './console/data.ts';
import type { ConsoleData } from './console/data.ts';
import { STAFF_HEADERS } from './console/door.ts';
import { staffHandle } from './staff-door.ts';
import type { StaffOptions } from './staff-door.ts';
import { alarmsOf } from './staff/alarms/alarms.ts';
import type { AlarmsOptions } from './staff/alarms/alarms.ts';
import { lifeSince } from './db/lives.ts';
import { migrate } from './db/migrate.ts';
import { MIGRATIONS } from './db/migrations/index.ts';
import type { Db } from './db/sql.ts';
import { announcedTariffs, policyIssuer } from './fleet/policy.ts';
import { ifAny, policyBook } from './fleet/policy-book.ts';
import { keepStart } from './fleet/policy-publish.ts';
import { seed } from './fleet/seed.ts';
import type { Seed } from './fleet/seed.ts';
import { createPaymentGateway } from './gateway/gateway.ts';
import { publicPages } from './gateway/public.ts';
import type { GatewayOptions } from './gateway/types.ts';
import { healthRoutes } from './http/health.ts';
import { listen, onLoopback } from './http/listen.ts';
import type { Listening, OpenDoor } from './http/listen.ts';
import { pacer } from './http/pacing.ts';
import type { Pacing } from './http/pacing.ts';
import { Refusal } from './http/problem.ts';
import type { Handle } from './http/request.ts';
import { router } from './http/routes.ts';
import { signedExchange } from './http/signed.ts';
import type { AccountBook } from './sale/account-book.ts';
import { forgetter } from './requests/forget.ts';
import { invoiceableKeys, invoicesConfigSchema } from './invoices/config.ts';
import type { InvoicesConfig } from './invoices/config.ts';
import type { InvoiceProvider } from './invoices/provider.ts';
import { invoiceHint, invoicePages } from './invoices/routes.ts';
import { forgetBuyers } from './invoices/seen.ts';
import { invoicesOf, standingBlue } from './invoices/rows.ts';
import { invoiceSender } from './invoices/sender.ts';
import { lookReceipt } from './receipts/receipt.ts';
import { receiptPages } from './receipts/routes.ts';
import type { RefundBudget } from './sale/budgets.ts';
import { smsOf } from '../shared/requests.ts';
import type { SmsPlatform } from './requests/sms-platform.ts';
import { outagesIn, sweepSms } from './requests/sms-sender.ts';
import { papersPages } from './receipts/papers-page.ts';
import type { MayMove } from './sale/credit-acts.ts';
import { GRANT_BUDGET } from './sale/credit-grants.ts';
import type { GrantBudget } from './sale/credit-grants.ts';
import type { CompanyAccounts } from './sale/company-accounts.ts';
import { accountSource } from './sale/company-source.ts';
import { bookSender } from './sale/credit-sender.ts';
import type { CardKeyPort } from './sale/card-keys.ts';
import { sweepMeters } from './sale/meter-sender.ts';
import type { MeterPlatform } from './sale/meter-platform.ts';
import { terminalApi } from './terminal-api.ts';

/**
 * The three doors. `terminals`: the signed API · `pages`: what customers' phones and the wallets
 * reach · `staff`: the console and the staff API; where nobody logs in it belongs on loopback.
 */
export type DoorName = 'terminals' | 'pages' | 'staff';

/** `terminals`, `tariffs`, `accounts`, `claims`: what a database begins with; see `Seed`. */
export interface CentralOptions extends Seed {
  /** Open; whoever opened it closes it. */
  readonly db: Db;
  /**
   * Where each door listens; `staff` without {@link staff} on loopback, or `start` rejects
   * (STAFF_NOT_LOOPBACK).
   */
  readonly listen?: Partial<Readonly<Record<DoorName, Listening>>>;
  /** Who is told of alarms, by which rules; left out: nobody, and nothing is looked at. */
  readonly alarms?: AlarmsOptions;
  /** Staff log in; left out: nobody does, and forms ask who it is (the demo hall, tests). */
  readonly staff?: StaffOptions;
  /** Signs the policy. Like the two below a key of its own: what one signs no other is taken for. */
  readonly policySigner: Signer & KeyId;
  /** Signs answers, and what central grants. */
  readonly answerSigner: SigningKey;
  /** Signs what the payment gateway says and receives. */
  readonly gatewaySigner: SigningKey;
  /**
   * The public halves of the three above (PEM, SPKI), which a machine is told that is let in by a
   * code; left out: none is.
   */
  readonly publicKeys?: Readonly<Record<'policy' | 'answers' | 'gateway', string>>;
  /** Keys that signed grants and receipts before: what they signed is believed on. */
  readonly earlierKeys?: Partial<Readonly<Record<'answers' | 'gateway', readonly VerifyingKey[]>>>;
  /**
   * Wallets that terminals collect by themselves: with their public keys their answers prove what
   * they took. Those of the gateway are known anyway.
   */
  readonly wallets?: readonly (MerchantWallet | PaymentProvider)[];
  /**
   * Makes a terminal's verifier from its public key as registered; Ed25519 (SPKI) where not given.
   * Called once for each key.
   */
  readonly verifierOf?: (publicKeyPem: string) => Verifier & KeyId;
  readonly now: () => number;
  /** Hears what an operator should look at; left out: nobody does. */
  readonly log?: LogFn;
  /**
   * What a new database begins with: it counts until one is published (`central policy publish`).
   * Left out: until then no terminal is told a policy, and nothing is sold.
   */
  readonly policy?: Policy | undefined;
  /** For how long a kiosk sells by the policy without hearing it anew; left out: 30 days. */
  readonly policyValidDays?: number;
  /**
   * The company's card keys, for terminals that have none of their own; left out: none are kept
   * here.
   */
  readonly cardKeys?: CardKeyPort;
  /** What may go back on a reader's word; left out: `REFUND_BUDGET`. */
  readonly refundBudget?: RefundBudget;
  /**
   * The X25519 keys (PEM, PKCS#8) that open what identifies the customers of requests: kiosks seal
   * to the first. Left out: this central takes no requests, whatever the policy says.
   */
  readonly requestKeys?: readonly string[];
  /** How often terminals are told to upload. */
  readonly pacing?: Partial<Pacing>;
  /** The company's own account book; left out: credit is posted in this database. */
  readonly accountBook?: AccountBook;
  /**
   * The company's own billing system, which keeps the accounts (docs/external-accounts.md); left
   * out: they are in this database. For accounts without a card it needs {@link accountBook}.
   */
  readonly accountSource?: CompanyAccounts;
  /** May an order's credit be moved to another account? Left out: where no invoice of it stands. */
  readonly mayMove?: MayMove;
  /** What may be granted to accounts by two persons; left out: `GRANT_BUDGET`. */
  readonly grantBudget?: GrantBudget;
  /** Tells IoT meters of top-ups; left out: nobody does, and nothing is on its way. */
  readonly meterPlatform?: MeterPlatform;
  /**
   * Who issues e-invoices, and how each sale stands on one (docs/invoices.md); left out: none are
   * made, and the policy must not promise any.
   */
  readonly invoices?: { readonly provider: InvoiceProvider; readonly config: InvoicesConfig };
  /**
   * Sends messages of interruptions; left out: nobody does, and no machine offers them. It needs
   * {@link requestKeys}.
   */
  readonly smsPlatform?: SmsPlatform;
  /** By which account book, meters and invoices are asked again; left out: the gateway's. */
  readonly clock?: Clock;
  /** The payment gateway; left out: this central takes no payments. */
  readonly payments?: Omit<GatewayOptions, 'paymentCodes' | 'receipts' | 'companyOf'>;
}
type VerifyingKey = Verifier & KeyId;
/** The service. */
export interface Central {
  /** Migrates and seeds the database without listening; enough for `handle` and `staff`. */
  readonly open: () => Promise<void>;
  /** `open`, and all three doors. Rejects, and opens none, where one cannot or may not listen. */
  readonly start: () => Promise<Readonly<Record<DoorName, OpenDoor>>>;
  /** One request to the doors of terminals and pages, without HTTP. Never rejects. */
  readonly handle: Handle;
  /** One request to the console, without HTTP. Never rejects. */
  readonly staff: Handle;
  readonly close: () => Promise<void>;
  readonly data: () => Promise<ConsoleData>;
  /**
   * A person grants a terminal the new epoch that it asks for.
   *
   * @returns The new epoch, null: it asks for nothing
   */
  readonly grantEpoch: (terminalId: string) => Promise<number | null>;
  /**
   * Gateway, account book, the company's system and invoices look once at what is due, as they do
   * all the time.
   */
  readonly sweepPayments: () => Promise<void>;
  /** One round of messages of interruptions, as they are sent by themselves all the time. */
  readonly sweepMessages: () => Promise<void>;
  /** One round of alarms, as they are looked for and told by themselves all the time. */
  readonly sweepAlarms: () => Promise<void>;
}

/** How often the gateway looks at what is due. */
const SWEEP_EVERY_MS = 5_000;

/** The reference central billing service: API of src/shared/central-api, and a console for staff. */
export function createCentral(options: CentralOptions): Central {
  const { now, policySigner } = options;
  const { smsPlatform } = options;
  const invoicing =
    options.invoices === undefined
      ? null
      : { ...options.invoices, config: invoicesConfigSchema.parse(options.invoices.config) };
  const collecting = merchantsIn(options.payments ?? { wallets: [] });
  const start = options.policy === undefined ? null : policySchema.parse(options.policy);
  if (start?.receipts?.invoice === true && invoicing === null)
    throw new Error('the policy’s receipts.invoice needs central’s `invoices`');
  const requestKeys = (options.requestKeys ?? []).map(openingKey);
  const sealTo = requestKeys[0] === undefined ? null : sealingKeyOf(requestKeys[0]);
  const verifierOf = options.verifierOf ?? ed25519Verifier;
  const keysOf = cached((publicKeyPem) => new Keyring(verifierOf(publicKeyPem)));
  let opened = false;
  const db = (): Db => {
    if (!opened) throw new Refusal('internal', 'not started');
    return options.db;
  };
  const book = policyBook({
    db: () => options.db,
    now,
    start,
    tell: (policy) =>
      tellWallets(
        tellInvoiceable(withoutSms(policy, smsPlatform === undefined), invoicing?.config ?? null),
        collecting,
      ),
    issuer: (policy) => policyIssuer(policy, policySigner, now, options.policyValidDays, sealTo),
    log: options.log,
  });
  const signedPolicy = async (terminalId: string | null) =>
    book.signedFor(terminalId, await announcedTariffs(options.db, now()));
  /** Who shows an order goes by the policy of the terminal that sold it. */
  const policyOfOrder = (orderId: string | null): Promise<Policy> =>
    orderId === null ? book.house() : book.policyOf(terminalOf(orderId));
  const payments =
    options.payments === undefined
      ? null
      : createPaymentGateway(db, {
          ...options.payments,
          paymentCodes: async (terminalId) => (await book.policyOf(terminalId)).paymentCodes,
          companyOf: async (payee, terminalId) =>
            (await book.policyOf(terminalId)).credit?.payees.find((p) => p.id === payee)?.company,
          receipts: options.gatewaySigner,
        });
  const { earlierKeys = {} } = options;
  const answerKeys = new Keyring(options.answerSigner, ...(earlierKeys.answers ?? []));
  const trust = trustIn({
    answerKeys,
    gatewayKeys: new Keyring(options.gatewaySigner, ...(earlierKeys.gateway ?? [])),
    wallets: [
      ...collecting.wallets,
      ...(options.wallets ?? []).map((w) =>
        'provider' in w ? w : { merchant: HOUSE_MERCHANT, provider: w },
      ),
    ],
    collectorOf: collecting.collectorOf,
    outside: options.accountBook !== undefined,
  });
  const sender =
    options.accountBook === undefined
      ? null
      : bookSender(db, options.accountBook, now, options.log);
  const source = accountSource(db, { ...options, outside: sender !== null });
  const { meterPlatform } = options;
  const clock = options.payments?.clock ?? options.clock;
  const invoices =
    invoicing === null ? null : invoiceSender(db, invoicing.provider, now, options.log);
  const sweepAll =
    payments === null && sender === null && meterPlatform === undefined && smsPlatform === undefined
      ? undefined
      : async (): Promise<void> => {
          await payments?.sweep();
          await sender?.sweep();
          if (meterPlatform !== undefined)
            await sweepMeters(db(), meterPlatform, now(), options.log);
        };
  const sweeps = sweeper(clock, sweepAll);
  // By itself: a provider of invoices that does not answer holds up no money.
  const sweepInvoices =
    invoices === null || invoicing === null
      ? undefined
      : async (): Promise<void> => {
          await invoices.sweep();
          await forgetBuyers(db(), invoicing.config.keepDays, now());
        };
  const invoiceSweeps = sweeper(clock, sweepInvoices);
  // By itself: a company's system that does not answer holds no payment up.
  const sourceSweeps = sweeper(clock, source.sweep);
  // By itself: a platform of messages that does not answer holds no payment up.
  const sweepMessages =
    smsPlatform === undefined
      ? undefined
      : async (): Promise<void> =>
          sweepSms({
            db: db(),
            platform: smsPlatform,
            keys: requestKeys,
            outages: outagesIn(await book.everywhere()),
            nowMs: now(),
          });
  const messages = sweeper(clock, sweepMessages);
  // By itself: a mail server that does not answer holds nothing up.
  const alarms = options.alarms === undefined ? null : alarmsOf(db, options.alarms, options.log);
  const alarmSweeps = sweeper(options.alarms?.clock, alarms?.sweep);
  const keepDaysOf = async (terminalId: string) => {
    const policy = await ifAny(book.policyOf(terminalId));
    return policy === null ? null : policy.requests?.keepDays.central;
  };
  const forget = forgetter(db, keepDaysOf, now);

  const terminals = terminalApi({
    db,
    now,
    policyOf: book.policyOf,
    signedPolicy,
    keysOf,
    trust,
    grants: options.answerSigner,
    exchange: signedExchange({
      db,
      now,
      keysOf,
      answers: options.answerSigner,
      gateway: options.gatewaySigner,
    }),
    pace: pacer(options.pacing),
    refundBudget: options.refundBudget,
    cardKeys: options.cardKeys,
    sender,
    source,
    meters: meterPlatform !== undefined,
    requestKeys,
    forget: () => forget.due(),
    payments,
    publicKeys: options.publicKeys,
  });
  const invoiced =
    invoicing === null || invoices === null
      ? null
      : {
          db,
          now,
          policyOf: policyOfOrder,
          config: invoicing.config,
          sender: invoices,
          look: (token: string) => lookReceipt(db(), token, { nowMs: now(), keysOf, answerKeys }),
          log: options.log,
        };
  const pages = [
    ...receiptPages({
      db,
      now,
      keysOf,
      answerKeys,
      policyOf: policyOfOrder,
      invoiceHint: invoiced === null ? undefined : (orderId) => invoiceHint(invoiced, orderId),
    }),
    ...(invoiced === null ? [] : invoicePages(invoiced)),
    ...papersPages({ now, policies: book.everywhere }),
    ...(payments === null
      ? []
      : publicPages(payments, now, options.log, options.payments?.publicUrl.startsWith('https:'))),
  ];
  const staff = staffHandle(options, db, {
    isTelling: options.alarms !== undefined,
    trust,
    keysOf,
    requestKeys,
    requests: async (terminalId) =>
      (terminalId === null
        ? await book.everywhere()
        : [await ifAny(book.policyOf(terminalId))]
      ).flatMap((policy) => policy?.requests ?? []),
    acts: {
      outside: options.accountBook !== undefined,
      mayMove: options.mayMove ?? withoutInvoice,
      budget: options.grantBudget ?? GRANT_BUDGET,
    },
    cardGrants: {
      budget: options.grantBudget ?? GRANT_BUDGET,
      minFen: async () => Math.max(1, ...(await book.everywhere()).map((p) => p.minFen)),
    },
  });
  let ending = false;
  const health = healthRoutes({ db, schema: MIGRATIONS.length, ending: () => ending });
  const behind: Readonly<Record<DoorName, Handle>> = {
    terminals: router([...terminals, ...health]),
    pages: router(pages),
    staff,
  };

  async function open(): Promise<void> {
    if (opened) return;
    await migrate(options.db);
    await lifeSince(options.db, now());
    await seed(options.db, options, now(), requestKeys);
    if (start !== null) await options.db.transaction((tx) => keepStart(tx, start, now()));
    await book.open();
    const house = await ifAny(book.house());
    if (house !== null) {
      const { body, signature } = await signedPolicy(null);
      await options.db.query(
        `INSERT INTO policy (version, body, signature) VALUES ($1, $2, $3)
         ON CONFLICT (version) DO UPDATE SET body = EXCLUDED.body, signature = EXCLUDED.signature`,
        [house.version, body, signature],
      );
    }
    opened = true;
    await forget.due();
    // Keys of wallets may be known here since.
    await proveAgain(options.db, { nowMs: now(), trust });
    sweeps.start();
    invoiceSweeps.start();
    sourceSweeps.start();
    messages.start();
    alarmSweeps.start();
  }

  const doors: OpenDoor[] = [];
  const closeDoors = async (): Promise<void> => {
    await Promise.all(doors.splice(0).map((door) => door.close()));
  };
  async function door(name: DoorName): Promise<OpenDoor> {
    const wanted = options.listen?.[name];
    const staffs = name === 'staff';
    const one = await listen(
      behind[name],
      staffs && options.staff === undefined ? onLoopback(wanted) : (wanted ?? {}),
      staffs ? STAFF_HEADERS : {},
    );
    doors.push(one);
    return one;
  }
  return {
    open,
    start: async () => {
      await open();
      try {
        return {
          terminals: await door('terminals'),
          pages: await door('pages'),
          staff: await door('staff'),
        };
      } catch (cause) {
        await closeDoors();
        throw cause;
      }
    },
    handle: router([...terminals, ...pages]),
    staff,
    close: async () => {
      ending = true;
      sweeps.stop();
      invoiceSweeps.stop();
      sourceSweeps.stop();
      messages.stop();
      alarmSweeps.stop();
      payments?.endHolds();
      await closeDoors();
      await Promise.all([
        sweeps.ended(),
        invoiceSweeps.ended(),
        sourceSweeps.ended(),
        messages.ended(),
        alarmSweeps.ended(),
      ]);
      book.close();
      ending = false;
      opened = false;
    },
    data: () => consoleData(db(), now()),
    grantEpoch: (terminalId) => grantEpoch(db(), terminalId, now()),
    sweepPayments: async () => {
      await sweepAll?.();
      await sweepInvoices?.();
      await source.sweep?.();
    },
    sweepMessages: async () => sweepMessages?.(),
    sweepAlarms: async () => alarms?.sweep(),
  };
}

/** The policy, with what central itself knows of invoices: kiosks promise none that it cannot make. */
function tellInvoiceable(policy: Policy, config: InvoicesConfig | null): Policy {
  const { receipts } = policy;
  if (receipts === undefined) return policy;
  const { invoiceable: _told, ...own } = receipts;
  if (own.invoice !== true) return { ...policy, receipts: own };
  if (config === null) return { ...policy, receipts: { ...own, invoice: false } };
  return { ...policy, receipts: { ...own, invoiceable: [...invoiceableKeys(config)] } };
}

/** The policy, with the wallets that each payee's merchant has: screens name no other. */
function tellWallets(policy: Policy, { of, collectorOf }: Merchants): Policy {
  const { wallets: _told, ...own } = policy;
  const kinds = (payee: PayeeId) =>
    of(collectorOf(payee)).flatMap(({ kind }) => (kind === 'gateway' ? [] : [kind]));
  if (kinds(HOUSE_PAYEE).length === 0) return own;
  const payees = [HOUSE_PAYEE, ...(policy.credit?.payees ?? []).map((p) => p.id)];
  return { ...own, wallets: Object.fromEntries(payees.map((payee) => [payee, kinds(payee)])) };
}

/** An invoice names the account that was paid for: it is taken back before the credit is moved. */
const withoutInvoice: MayMove = async (tx, orderId) =>
  standingBlue(await invoicesOf(tx, orderId)) === null;

/** Without a platform there are no messages, so no machine asks who wants them. */
function withoutSms(policy: Policy, none: boolean): Policy {
  const { requests } = policy;
  if (requests === undefined || !none) return policy;
  const categories = requests.categories.filter((c) => smsOf(c.kind) === null);
  return { ...policy, requests: { ...requests, categories } };
}

/** Sweeps at once after a start, for what was cut; then again and again, one after another. */
function sweeper(
  clock: Clock | undefined,
  sweep: (() => Promise<void>) | undefined,
): { start: () => void; stop: () => void; ended: () => Promise<void> } {
  let cancel: () => void = () => undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  function again(): void {
    if (sweep === undefined || stopped) return;
    running = sweep()
      .catch(
        (cause: unknown) =>
          void process.stderr.write(
            `central: sweep: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`,
          ),
      )
      .then(() => {
        if (!stopped) cancel = clock?.after(SWEEP_EVERY_MS, again) ?? cancel;
      });
  }
  return {
    start: () => {
      stopped = false;
      again();
    },
    stop: () => {
      stopped = true;
      cancel();
    },
    ended: () => running,
  };
}

function cached<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) made.set(key, (value = make(key)));
    return value;
  };
}
