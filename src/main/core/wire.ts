import { Kiosk } from '../../kiosk/kiosk.ts';
import type { KioskOptions } from '../../kiosk/run/options.ts';
import { DeviceFacts } from '../../kiosk/watch/device-facts.ts';
import { Heartbeats } from '../../kiosk/watch/heartbeat.ts';
import { Monitor } from '../../kiosk/watch/monitor.ts';
import type { MonitorOptions } from '../../kiosk/watch/monitor.ts';
import type { MaintenancePorts } from '../../kiosk/maintenance/run.ts';
import { NO_PRINTER } from '../../device/printer/escpos-printer.ts';
import type { Printer } from '../../device/printer/types.ts';
import type { Headphones } from '../../device/headphones/types.ts';
import type { Scanner } from '../../device/scanner/types.ts';
import { keptSpeakerLevel } from '../../kiosk/maintenance/speaker-level.ts';
import { machineDevices } from './devices.ts';
import type { Fitted } from './devices.ts';
import type { Policy } from '../../shared/policy.ts';
import { RequestParts } from '../../kiosk/watch/request-parts.ts';
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
  | 'collectsFor'
  | 'billing'
  | 'header'
  | 'demo'
  | 'log'
  | 'onSnapshot'
  | 'receiptToken'
> {
  /** Null: none is configured. */
  readonly printer: Printer | null;
  readonly version: string;
  /** `keyboard`: it types into the shell. Left out: there is none. */
  readonly scanner?: ScannerPort | 'keyboard';
  /** The jack that is listened to; left out: there is none here. */
  readonly headphones?: Pick<Headphones, 'plugged' | 'failure' | 'onChange'>;
  /** What else the machine has; each left out: it has none. */
  readonly fitted?: Pick<Fitted, 'psam' | 'ups' | 'door' | 'lamps' | 'speaker'>;
  /** What maintenance mode needs of the machine; left out: it has none. */
  readonly maintenance?: Omit<
    MaintenancePorts,
    'version' | 'uploadNow' | 'onChanged' | 'maxClockSkewMs'
  >;
  readonly periods?: NonNullable<MonitorOptions['periods']>;
  /** How often central is told how the machine stands, ms; left out: as it usually is. */
  readonly heartbeatMs?: number;
  /** Each policy that counts from now on; left out: nobody asks. */
  readonly onPolicy?: (policy: Policy) => void;
  /** `central.minPolicyVersion` of terminal.json. */
  readonly minPolicyVersion?: number | undefined;
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
  const { clock, random, journal, providers, billing, header, log, scanner, headphones } = parts;
  const { fitted = {} } = parts;
  const devices = machineDevices({
    ...parts,
    ...fitted,
    level: () => keptSpeakerLevel(journal),
    terminalId: header.terminalId,
  });
  sayStarted(parts);
  let uploader: Uploader | null = null;
  let monitor: Monitor | null = null;
  const { maintenance, printer, ...rest } = parts;
  const options: KioskOptions = {
    ...rest,
    printer: printer ?? NO_PRINTER,
    devices,
    fallbackHotline: '',
    onNeeds: (needs) => {
      if (scanner !== 'keyboard') scanner?.look(needs.scanner);
    },
    onSignals: (signals) => fitted.lamps?.show(signals),
    onJournaled: () => uploader?.kick(),
    onCommandsWanted: () => monitor?.commandsWanted(),
    onForgotten: () => uploader?.sayHead(),
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
  kiosk.setService({ devices: devices.reports() });
  const unhook =
    scanner === undefined || scanner === 'keyboard'
      ? []
      : [scanner.onCode((code) => kiosk.scanned(code))];
  if (headphones !== undefined) {
    unhook.push(headphones.onChange(() => kiosk.headphones(headphones.plugged())));
    kiosk.headphones(headphones.plugged());
  }
  const sealed = new RequestParts({
    journal,
    billing,
    clock,
    log,
    keepDays: () => kiosk.service.policy?.requests?.keepDays.kiosk ?? null,
  });
  const deviceFacts = new DeviceFacts({
    devices,
    journal,
    clock,
    tell: (change) => kiosk.deviceChanged(change),
  });
  const beats = new Heartbeats({
    billing,
    journal,
    clock,
    log,
    version: parts.version,
    level: () => kiosk.level,
    service: () => kiosk.service,
    ...(parts.heartbeatMs === undefined ? {} : { everyMs: parts.heartbeatMs }),
  });
  const watch = new Monitor({
    journal,
    billing,
    providers,
    devices,
    clock,
    log,
    probeTradeNo: `PROBE${header.terminalId}`,
    minPolicyVersion: parts.minPolicyVersion,
    onChange: (change) => {
      kiosk.setService(change);
      if (change.devices !== undefined) deviceFacts.look(change.devices);
      if (change.policy !== undefined && change.policy !== null) parts.onPolicy?.(change.policy);
    },
    onCentralUp: () => {
      uploader?.centralIsBack();
      kiosk.retryReleases();
      sealed.kick();
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
    onReach: (up) => {
      watch.centralReached(up);
      // After the acknowledgement, which is taken in before anything else runs.
      if (up) sealed.kick();
    },
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
      sealed.stop();
      deviceFacts.stop();
      beats.stop();
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
