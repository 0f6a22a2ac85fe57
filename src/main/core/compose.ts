import { readFileSync } from 'node:fs';
import { PcscReader, VirtualReader, layoutRegistry, plCpuLayout, sampleKeyProvider } from '../../card/index.ts';
import type { CardReader } from '../../card/index.ts';
import { createBillingClient } from '../../billing/client.ts';
import { NO_PRINTER, TcpPrinter } from '../../device/printer/tcp.ts';
import type { Printer } from '../../device/printer/types.ts';
import { Journal } from '../../journal/journal.ts';
import { Kiosk } from '../../kiosk/kiosk.ts';
import { Monitor } from '../../kiosk/monitor.ts';
import { Uploader } from '../../kiosk/uploader.ts';
import { loadPayments } from '../../payment/load.ts';
import type { Snapshot } from '../../shared/contract.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { tcpAddress } from '../config.ts';
import type { LoadedConfig } from '../config.ts';

/** Answers of billing and payment come within this, or count as unknown. */
const NETWORK_TIMEOUT_MS = 8_000;

export interface Core {
  readonly kiosk: Kiosk;
  readonly stop: () => Promise<void>;
}

export interface ComposeOptions {
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LogFn;
  readonly version: string;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onFatal: (f: Failure) => void;
}

/** Puts the kiosk together from its configuration: the one place that knows every room. */
export function composeCore(options: ComposeOptions): Result<Core, Failure> {
  const { loaded, clock, random, log } = options;
  const { config, path } = loaded;
  const payments = loadPayments(config, loaded.baseDir, { clock, random, timeoutMs: NETWORK_TIMEOUT_MS });
  if (!payments.ok) return payments;
  let privateKeyPem: string;
  let policyPublicKeyPem: string;
  try {
    privateKeyPem = readFileSync(path(config.central.keyFile), 'utf8');
    policyPublicKeyPem = readFileSync(path(config.central.policyKeyFile), 'utf8');
  } catch (cause) {
    return err(failure('CONF-0101', `central.keyFile / central.policyKeyFile: ${cause instanceof Error ? cause.message : String(cause)}`, cause));
  }
  const billing = createBillingClient({ baseUrl: config.central.baseUrl, terminalId: config.terminalId, privateKeyPem, policyPublicKeyPem, clock, random, timeoutMs: NETWORK_TIMEOUT_MS });
  const keys = sampleKeyProvider(config.mode);
  if (!keys.ok) return keys;
  const layouts = layoutRegistry([plCpuLayout(keys.value)]);

  const opened = Journal.open({ dataDir: path(config.dataDir), secondPath: path(config.secondPath), terminalId: config.terminalId, clock, random, onFatal: options.onFatal });
  if (!opened.ok) return opened;
  const journal = opened.value;
  journal.append([{ kind: 'core-started', orderId: null, body: { version: options.version, node: process.version, recoveredOrders: journal.openOrders().length } }]);

  const reader = makeReader(config.readers[0] as LoadedConfig['config']['readers'][number], clock, log);
  const printer: Printer = config.printer.kind === 'virtual' && config.printer.path !== undefined ? ((a) => new TcpPrinter(a.host, a.port, clock))(tcpAddress(config.printer.path)) : NO_PRINTER;

  let uploader: Uploader | null = null;
  const kiosk = new Kiosk({
    clock,
    random,
    journal,
    reader,
    layouts,
    providers: payments.value,
    billing,
    printer,
    header: { brand: config.site.brand, site: config.site.name, terminalName: config.site.terminalName, terminalId: config.terminalId },
    demo: config.mode === 'demo',
    fallbackHotline: '',
    log,
    onSnapshot: options.onSnapshot,
    onJournaled: () => uploader?.kick(),
  });
  const monitor = new Monitor({
    journal,
    billing,
    provider: payments.value[0],
    printer,
    clock,
    log,
    probeTradeNo: `PROBE${config.terminalId}`,
    onChange: (change) => kiosk.setService(change),
    onCentralUp: () => {
      uploader?.centralIsBack();
      kiosk.retryReleases();
    },
  });
  uploader = new Uploader({ journal, billing, clock, random, log, onReach: (up) => monitor.centralReached(up), onFork: (f) => monitor.forked(f) });
  kiosk.releaseInterrupted();
  monitor.start();
  uploader.kick();

  return ok({
    kiosk,
    stop: async () => {
      kiosk.stop();
      monitor.stop();
      uploader.stop();
      await reader.close();
      printer.close();
      journal.close();
    },
  });
}

function makeReader(r: LoadedConfig['config']['readers'][number], clock: Clock, log: LogFn): CardReader {
  if (r.kind === 'virtual') {
    const { host, port } = tcpAddress(r.path ?? '');
    return new VirtualReader({ id: 'reader-0', host, port, clock, log });
  }
  return new PcscReader({ id: 'reader-0', match: r.match ?? '', clock, log });
}
