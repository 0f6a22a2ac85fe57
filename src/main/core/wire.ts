import { Kiosk } from '../../kiosk/kiosk.ts';
import type { KioskOptions } from '../../kiosk/kiosk.ts';
import { Monitor } from '../../kiosk/watch/monitor.ts';
import type { MonitorOptions } from '../../kiosk/watch/monitor.ts';
import type { MaintenancePorts } from '../../kiosk/maintenance/run.ts';
import type { Scanner } from '../../device/scanner/types.ts';
import { Uploader } from '../../kiosk/watch/uploader.ts';

/** How the customer's code comes in; the shell's keyboard needs nothing here. */
export type ScannerPort = Pick<Scanner, 'failure' | 'onChange' | 'onCode' | 'look'>;

/** Everything a kiosk stands on, already open. */
export interface Parts extends Pick<
  KioskOptions,
  | 'clock'
  | 'random'
  | 'journal'
  | 'reader'
  | 'layouts'
  | 'providers'
  | 'billing'
  | 'printer'
  | 'header'
  | 'demo'
  | 'log'
  | 'onSnapshot'
> {
  readonly version: string;
  /** `keyboard`: it types into the shell. Left out: there is none. */
  readonly scanner?: ScannerPort | 'keyboard';
  /** What maintenance mode needs of the machine; left out: it has none. */
  readonly maintenance?: Omit<
    MaintenancePorts,
    'version' | 'uploadNow' | 'onChanged' | 'maxClockSkewMs'
  >;
  readonly periods?: NonNullable<MonitorOptions['periods']>;
  /** The kiosk itself, where it is watched from inside (the simulation cuts the power in it). */
  readonly makeKiosk?: (options: KioskOptions) => Kiosk;
}

/** A running kiosk with what watches and uploads. */
export interface Wired {
  readonly kiosk: Kiosk;
  readonly monitor: Monitor;
  readonly uploader: Uploader;
  /** Ends their work; what they stand on is closed by whoever opened it. */
  readonly stop: () => void;
}

/**
 * Says that the core came up, and joins kiosk, monitor and uploader: the same in the machine and in
 * the simulation.
 */
export function wireCore(parts: Parts): Wired {
  const { clock, random, journal, providers, billing, printer, header, log, scanner } = parts;
  sayStarted(parts);
  let uploader: Uploader | null = null;
  let monitor: Monitor | null = null;
  const { maintenance, ...rest } = parts;
  const options: KioskOptions = {
    ...rest,
    fallbackHotline: '',
    onNeeds: (needs) => {
      if (scanner !== 'keyboard') scanner?.look(needs.scanner);
    },
    onJournaled: () => uploader?.kick(),
    onCommandsWanted: () => monitor?.commandsWanted(),
    ...(maintenance === undefined
      ? {}
      : {
          maintenance: {
            ...maintenance,
            version: parts.version,
            uploadNow: () => uploader?.centralIsBack(),
            onChanged: () => {
              monitor?.judgeAgain();
              monitor?.commandsWanted();
            },
            maxClockSkewMs: () => kiosk.service.policy?.maxClockSkewMs ?? Number.POSITIVE_INFINITY,
          },
        }),
  };
  const kiosk = parts.makeKiosk?.(options) ?? new Kiosk(options);
  const unhook = scanner === undefined ? [] : hookScanner(scanner, kiosk);
  const watch = new Monitor({
    journal,
    billing,
    providers,
    printer,
    clock,
    log,
    probeTradeNo: `PROBE${header.terminalId}`,
    onChange: (change) => kiosk.setService(change),
    onCentralUp: () => {
      uploader?.centralIsBack();
      kiosk.retryReleases();
    },
    onCentralTime: (serverTimeMs) => kiosk.centralTime(serverTimeMs),
    onCommand: (command) => kiosk.command(command),
    onJournaled: () => uploader?.kick(),
    onEpoch: () => uploader?.centralIsBack(),
    ...(parts.periods === undefined ? {} : { periods: parts.periods }),
  });
  monitor = watch;
  const upload = new Uploader({
    journal,
    billing,
    clock,
    random,
    log,
    onReach: (up) => watch.centralReached(up),
    onFork: (f) => watch.forked(f),
    onHeard: (how) => kiosk.heard(how),
  });
  uploader = upload;
  kiosk.releaseInterrupted();
  watch.start();
  upload.kick();
  return {
    kiosk,
    monitor: watch,
    uploader: upload,
    stop: () => {
      for (const off of unhook) off();
      kiosk.stop();
      watch.stop();
      upload.stop();
    },
  };
}

function sayStarted({ journal, version }: Parts): void {
  const recoveredOrders = journal.openOrders().length;
  journal.append([
    {
      kind: 'core-started',
      orderId: null,
      body: { version, node: process.version, recoveredOrders },
    },
  ]);
}

/** Its codes and its state reach the kiosk. Returns what ends that. */
function hookScanner(scanner: ScannerPort | 'keyboard', kiosk: Kiosk): readonly (() => void)[] {
  if (scanner === 'keyboard') {
    kiosk.setService({ scanner: true, scannerFitted: true });
    return [];
  }
  const told = (): void =>
    kiosk.setService({ scanner: scanner.failure() === null, scannerFitted: true });
  const unhook = [scanner.onChange(told), scanner.onCode((code) => kiosk.scanned(code))];
  told();
  return unhook;
}
