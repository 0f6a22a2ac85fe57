import { CrtReader, PcscReader, ProcessReader, readerPort, samPort } from '../../card/index.ts';
import type { CardReader, SamReader } from '../../card/index.ts';
import { createBillingClient } from '../../billing/client.ts';
import { Journal } from '../../journal/journal.ts';
import type { Kiosk } from '../../kiosk/kiosk.ts';
import { loadPayments } from '../../payment/load.ts';
import type { Snapshot } from '../../shared/contract/index.ts';
import { cardEntryOf } from '../../shared/config/devices.ts';
import type { SystemPort } from '../../kiosk/maintenance/system.ts';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { sleep } from '../../shared/ports.ts';
import type { Clock, LogFn, Random } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import type { LoadedConfig } from '../config.ts';
import { backupApart } from './backup.ts';
import { loadCardKeys } from './card-keys.ts';
import { loadCentralLine } from './central-line.ts';
import { rememberingLog } from './log-ring.ts';
import { pcscService } from '../pcsc/service.ts';
import { withPayment } from './key-payment.ts';
import { cardLayouts } from './layouts.ts';
import { forgetPins, pinNotes } from './pin-notes.ts';
import { machinePorts } from './maintenance.ts';
import { recordingIn } from './recording.ts';
import { makeReceiptToken } from '../../shared/receipt-link.ts';
import { loadTerminalKeys } from './terminal-keys.ts';
import { slipTrace } from './slip-trace.ts';
import {
  makeBus,
  makeHeadphones,
  makePrinter,
  makeReader,
  makeScanner,
  makeSpeaker,
  makeUps,
  virtualReader,
} from './devices.ts';
import { PowerStop } from './power-stop.ts';
import { stoppedSnapshot } from './stopped.ts';
import { systemPort } from './system.ts';
import { versionOnDisk } from './version.ts';
import { SpokenTexts, ownTexts } from './spoken-texts.ts';
import type { ClipMade } from './spoken-texts.ts';
import { espeakSynthesiser } from './synthesiser.ts';
import { wireCore } from './wire.ts';

/** Answers of billing and payment come within this, or count as unknown. */
const NETWORK_TIMEOUT_MS = 8_000;
/** Central may not know of a payment for a moment: so often and so far apart it is asked again. */
const NOT_YET_TRIES = 15;
const NOT_YET_MS = 1_000;
/** Central's answer with a card's cryptogram comes within this, or the write goes no further. */
const KEY_TIMEOUT_MS = 4_000;

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
  /**
   * The battery was empty, everything was closed, and the mains are there again: the process is to
   * end, and be started anew.
   */
  readonly onMainsBack: () => void;
  /** The process is to end once what is in flight has its end, and be started anew. */
  readonly onRestart: () => void;
  /** A clip of a text that no build has made one of (a WAV file); left out: none is made. */
  readonly onClip?: ClipMade;
  /** Folder for transcripts of the readers; demo mode only. */
  readonly record?: string;
}

/** Puts the kiosk together from its configuration: the one place that knows every room. */
export function composeCore(options: ComposeOptions): Result<Core, Failure> {
  const { loaded, clock, random } = options;
  const { config, path } = loaded;
  const remembered = rememberingLog(options.log, clock);
  const { log } = remembered;
  const recording =
    options.record === undefined ? ok(null) : recordingIn(options.record, config, clock);
  if (!recording.ok) return recording;
  const line = loadCentralLine(loaded);
  if (!line.ok) return line;
  const payments = loadPayments(config, loaded.baseDir, {
    clock,
    random,
    timeoutMs: NETWORK_TIMEOUT_MS,
    gatewaySend: line.value,
  });
  if (!payments.ok) return payments;
  const terminalKeys = loadTerminalKeys(loaded);
  if (!terminalKeys.ok) return terminalKeys;
  const send = line.value === undefined ? {} : { send: line.value };
  const billing = createBillingClient({
    baseUrl: config.central.baseUrl,
    terminalId: config.terminalId,
    ...terminalKeys.value,
    ...send,
    clock,
    random,
    timeoutMs: NETWORK_TIMEOUT_MS,
  });
  // The card waits in the reader meanwhile, and Windows resets one that idles for five seconds
  // (cards.md 2.4).
  const keyClient = createBillingClient({
    baseUrl: config.central.baseUrl,
    terminalId: config.terminalId,
    ...terminalKeys.value,
    ...send,
    clock,
    random,
    timeoutMs: KEY_TIMEOUT_MS,
  });
  /** Opened below; no card is written before. */
  let opened: ReturnType<typeof Journal.open> | null = null;
  const psamReaders: CardReader[] = [];
  /** The customer's reader, where it has SAM slots; opened once the journal is. */
  let withSams: SamReader | null = null;
  const keys = loadCardKeys(loaded, undefined, {
    psam: (r) => {
      if (r.kind === 'crt-sam' || r.kind === 'process-sam')
        return samPort(() => withSams, r.slot ?? 0);
      const psam =
        r.kind === 'virtual'
          ? virtualReader('psam', r.path ?? '', clock, log)
          : new PcscReader({
              id: 'psam',
              match: r.match ?? '',
              clock,
              log,
              service: pcscService(clock, log),
            });
      psamReaders.push(psam);
      return readerPort(psam);
    },
    central: (request) =>
      keyClient.cardKey(opened?.ok === true ? withPayment(opened.value, request) : request),
    patience: { tries: NOT_YET_TRIES, wait: () => sleep(clock, NOT_YET_MS) },
  });
  if (!keys.ok) return keys;
  const layouts = cardLayouts(keys.value, {
    layouts: config.layouts,
    purse: config.purse,
    pinNotes: pinNotes(() => (opened?.ok === true ? opened.value : null)),
    cwd: loaded.baseDir,
    terminalId: config.terminalId,
    clock,
    log,
  });

  /** Ended with this core: one that stops because the battery is empty leaves the disk alone. */
  const backup = new AbortController();
  opened = Journal.open({
    dataDir: path(config.dataDir),
    secondPath: path(config.secondPath),
    terminalId: config.terminalId,
    clock,
    random,
    onFatal: options.onFatal,
    backupApart: () => backupApart(path(config.dataDir), { clock, signal: backup.signal }),
  });
  if (!opened.ok) {
    for (const psam of psamReaders) void psam.close();
    return opened;
  }
  const journal = opened.value;
  if (config.purse?.pinTries !== 'blind') forgetPins(journal);
  const reader = makeReader(
    config.readers[0] as LoadedConfig['config']['readers'][number],
    clock,
    log,
    recording.value,
    loaded.baseDir,
  );
  if (reader instanceof CrtReader || reader instanceof ProcessReader) withSams = reader;
  const printer = makePrinter(config.printer, clock, slipTrace(path(config.dataDir), log));
  const scanner = makeScanner(config.scanner, clock, log);
  const bus = makeBus(config.modbus, clock, log);
  const headphones = bus?.jack ?? makeHeadphones(config, path, clock, log);
  const ups = makeUps(config.ups, path, clock, log);
  const speaker = makeSpeaker(config.speaker, clock);
  const [psam] = psamReaders;
  const spoken =
    options.onClip === undefined
      ? null
      : new SpokenTexts(espeakSynthesiser(clock, log), options.onClip);
  const wired = wireCore({
    clock,
    random,
    journal,
    reader,
    layouts,
    providers: payments.value,
    ...(config.collectsFor === undefined ? {} : { collectsFor: config.collectsFor }),
    billing,
    printer,
    ...(scanner === null ? {} : { scanner }),
    ...(headphones === null ? {} : { headphones }),
    fitted: {
      ...(psam === undefined ? {} : { psam }),
      ...(ups === null ? {} : { ups }),
      ...(bus?.door == null ? {} : { door: bus.door }),
      ...(bus === null ? {} : { lamps: bus.lamps }),
      ...(speaker == null ? {} : { speaker }),
    },
    receiptToken: (orderId) => makeReceiptToken(terminalKeys.value.signer, orderId),
    header: {
      brand: config.site.brand,
      site: config.site.name,
      terminalName: config.site.terminalName,
      terminalId: config.terminalId,
      panel: config.panel ?? null,
      cardEntry: cardEntryOf(config.readers[0]),
      ...(config.keypad === undefined ? {} : { keypad: config.keypad }),
      ...(config.nearestSites === undefined ? {} : { nearestSites: config.nearestSites }),
    },
    demo: config.mode === 'demo',
    minPolicyVersion: config.central.minPolicyVersion,
    version: options.version,
    log,
    onSnapshot: (snapshot) => {
      options.onSnapshot(snapshot);
      spoken?.own(ownTexts(snapshot));
    },
    ...(spoken === null ? {} : { onPolicy: (policy) => spoken.policy(policy) }),
    maintenance: machinePorts({
      users: config.maintenance.users,
      dataDir: path(config.dataDir),
      secondPath: path(config.secondPath),
      clock,
      system: machineUnder(options),
      programLines: remembered.warnings,
      ...(config.export === undefined
        ? {}
        : {
            exports: {
              configFile: loaded.file,
              folder: config.export.folder === undefined ? null : path(config.export.folder),
              sealed: (config.export.recipients ?? []).length > 0,
              log: remembered.text,
            },
          }),
    }),
  });
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed ??= (async () => {
      backup.abort();
      spoken?.stop();
      wired.stop();
      await reader.close();
      if (scanner !== null && scanner !== 'keyboard') await scanner.close();
      await headphones?.close();
      await bus?.door?.close();
      await bus?.bus.close();
      for (const psam of psamReaders) await psam.close();
      layouts.close();
      void printer?.close();
      journal.close();
    })();
    return closed;
  };
  const power = ups === null ? null : powerStop(options, ups, wired.kiosk, close);
  return ok({
    kiosk: wired.kiosk,
    stop: async () => {
      power?.close();
      await close();
      ups?.watch.close();
      await ups?.ups.close();
    },
  });
}

/** The machine under the core. A demo's PIN is known to all: it restarts nobody's machine. */
function machineUnder({ loaded, version, clock, onRestart }: ComposeOptions): SystemPort {
  const port = systemPort({ version, installed: versionOnDisk, clock, restartCore: onRestart });
  if (loaded.config.mode !== 'demo') return port;
  const no = (): ReturnType<SystemPort['restartMachine']> =>
    Promise.resolve(err(failure('MNT-0301', 'a demo restarts no machine')));
  return { ...port, restartMachine: no };
}

/** The orderly stop at the end of the battery: everything is closed, and the screen says why. */
function powerStop(
  { loaded, clock, log, onSnapshot, onMainsBack }: ComposeOptions,
  { ups, watch }: NonNullable<ReturnType<typeof makeUps>>,
  kiosk: Kiosk,
  close: () => Promise<void>,
): PowerStop {
  return new PowerStop({
    ups,
    watch,
    atRest: () => kiosk.atRest,
    clock,
    log,
    stop: async () => {
      await close();
      onSnapshot(stoppedSnapshot(loaded.config, 'DEV-0303', clock.nowMs()));
    },
    again: onMainsBack,
  });
}
