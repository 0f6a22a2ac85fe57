import { CrtReader, openSerial, PcscReader, VirtualReader, layoutRegistry, pl4428Layout, pl4442Layout, plCpuLayout, plM1Layout } from '../../card/index.ts';
import type { CardReader } from '../../card/index.ts';
import { createBillingClient } from '../../billing/client.ts';
import { LineScanner, SCANNER_MODELS } from '../../device/scanner/line-scanner.ts';
import { openTcpLine } from '../../device/scanner/tcp-line.ts';
import type { Scanner } from '../../device/scanner/types.ts';
import { NO_PRINTER, TcpPrinter } from '../../device/printer/tcp.ts';
import type { Printer } from '../../device/printer/types.ts';
import { Journal } from '../../journal/journal.ts';
import type { Kiosk } from '../../kiosk/kiosk.ts';
import { loadPayments } from '../../payment/load.ts';
import type { Snapshot } from '../../shared/contract.ts';
import type { Failure } from '../../shared/errors.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { tcpAddress } from '../config.ts';
import type { LoadedConfig } from '../config.ts';
import { loadCardKeys } from './card-keys.ts';
import { machinePorts } from './maintenance.ts';
import { loadTerminalKeys } from './terminal-keys.ts';
import { wireCore } from './wire.ts';

/** A CRT reader takes on the rate of the first command; this one is quick enough for a whole card and safe on a metre of cable. */
const DEFAULT_BAUD = 38_400;
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
  const terminalKeys = loadTerminalKeys(loaded);
  if (!terminalKeys.ok) return terminalKeys;
  const billing = createBillingClient({ baseUrl: config.central.baseUrl, terminalId: config.terminalId, ...terminalKeys.value, clock, random, timeoutMs: NETWORK_TIMEOUT_MS });
  const keys = loadCardKeys(loaded);
  if (!keys.ok) return keys;
  // Those first that an ATR names: PL-CPU asks any other card for its application.
  const layouts = layoutRegistry([pl4442Layout(keys.value), pl4428Layout(keys.value), plM1Layout(keys.value), plCpuLayout(keys.value)]);

  const opened = Journal.open({ dataDir: path(config.dataDir), secondPath: path(config.secondPath), terminalId: config.terminalId, clock, random, onFatal: options.onFatal });
  if (!opened.ok) return opened;
  const journal = opened.value;
  const reader = makeReader(config.readers[0] as LoadedConfig['config']['readers'][number], clock, log);
  const printer: Printer = config.printer.kind === 'virtual' && config.printer.path !== undefined ? ((a) => new TcpPrinter(a.host, a.port, clock))(tcpAddress(config.printer.path)) : NO_PRINTER;
  const scanner = makeScanner(config.scanner, clock, log);
  const wired = wireCore({
    clock,
    random,
    journal,
    reader,
    layouts,
    providers: payments.value,
    billing,
    printer,
    ...(scanner === null ? {} : { scanner }),
    header: { brand: config.site.brand, site: config.site.name, terminalName: config.site.terminalName, terminalId: config.terminalId },
    demo: config.mode === 'demo',
    version: options.version,
    log,
    onSnapshot: options.onSnapshot,
    maintenance: machinePorts({ users: config.maintenance.users, dataDir: path(config.dataDir), secondPath: path(config.secondPath), hasPrinter: config.printer.kind !== 'none', clock }),
  });
  return ok({
    kiosk: wired.kiosk,
    stop: async () => {
      wired.stop();
      await reader.close();
      if (scanner !== null && scanner !== 'keyboard') await scanner.close();
      printer.close();
      journal.close();
    },
  });
}

/** Most serial scanners leave the factory with this rate. */
const SCANNER_BAUD = 9_600;
function makeScanner(s: LoadedConfig['config']['scanner'], clock: Clock, log: LogFn): Scanner | 'keyboard' | null {
  if (s.kind === 'none') return null;
  if (s.kind === 'keyboard') return 'keyboard';
  const path = s.path ?? '';
  const open = s.kind === 'virtual' ? ((a) => () => openTcpLine(a.host, a.port))(tcpAddress(path)) : () => openSerial(path, s.baudRate ?? SCANNER_BAUD);
  return new LineScanner({ open, model: SCANNER_MODELS[s.model ?? 'plain'], clock, log });
}

function makeReader(r: LoadedConfig['config']['readers'][number], clock: Clock, log: LogFn): CardReader {
  if (r.kind === 'virtual') {
    const { host, port } = tcpAddress(r.path ?? '');
    return new VirtualReader({ id: 'reader-0', host, port, clock, log, ...(r.model === undefined ? {} : { model: r.model }) });
  }
  if (r.kind === 'crt') {
    const port = r.path ?? '';
    return new CrtReader({ id: 'reader-0', path: port, open: () => openSerial(port, r.baudRate ?? DEFAULT_BAUD), clock, log });
  }
  return new PcscReader({ id: 'reader-0', match: r.match ?? '', clock, log, ...(r.model === undefined ? {} : { model: r.model }) });
}
