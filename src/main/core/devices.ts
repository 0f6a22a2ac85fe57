import {
  CrtReader,
  DEFAULT_BAUD,
  openSerial,
  PcscReader,
  ProcessReader,
  VirtualReader,
} from '../../card/index.ts';
import type { CardReader } from '../../card/index.ts';
import { readFileSync } from 'node:fs';
import { DEVICE_NAMES, DeviceRegistry } from '../../device/device.ts';
import type { Device, DeviceReport, Media } from '../../device/device.ts';
import { doorDevice } from '../../device/door/device.ts';
import { ModbusDoor } from '../../device/door/modbus-door.ts';
import type { Door } from '../../device/door/types.ts';
import { headphonesDevice } from '../../device/headphones/device.ts';
import { EvdevHeadphones } from '../../device/headphones/evdev.ts';
import { openInputFile } from '../../device/headphones/input-file.ts';
import { ModbusJack } from '../../device/headphones/modbus-jack.ts';
import type { Headphones } from '../../device/headphones/types.ts';
import { lampsDevice } from '../../device/lamps/device.ts';
import { ModbusLamps } from '../../device/lamps/modbus-lamps.ts';
import type { Lamps, Signal } from '../../device/lamps/types.ts';
import { ModbusBus } from '../../device/modbus/bus.ts';
import type { Point } from '../../device/modbus/types.ts';
import { printerDevice } from '../../device/printer/device.ts';
import { EscposPrinter } from '../../device/printer/escpos-printer.ts';
import type { SlipTrace } from '../../device/printer/escpos-printer.ts';
import { openPrinterFile } from '../../device/printer/file-line.ts';
import type { PrinterPort } from '../../device/printer/line.ts';
import { PRINTER_MODELS } from '../../device/printer/models.ts';
import { openSerialPrinter } from '../../device/printer/serial-line.ts';
import { openTcpPrinter } from '../../device/printer/tcp-line.ts';
import type { Printer, SlipLine } from '../../device/printer/types.ts';
import { scannerDevice } from '../../device/scanner/device.ts';
import { LineScanner } from '../../device/scanner/line-scanner.ts';
import { SCANNER_MODELS } from '../../device/scanner/models.ts';
import { openTcpLine } from '../../device/scanner/tcp-line.ts';
import type { Scanner } from '../../device/scanner/types.ts';
import { cardEntryOf } from '../../shared/config/devices.ts';
import { speakerDevice } from '../../device/speaker/device.ts';
import type { SpeakerOptions } from '../../device/speaker/device.ts';
import { upsDevice } from '../../device/ups/device.ts';
import { MainsWatch } from '../../device/ups/mains.ts';
import { NutUps, NUT_PORT } from '../../device/ups/nut.ts';
import type { Ups } from '../../device/ups/types.ts';
import { toHex } from '../../shared/bytes.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { chinaTime } from '../../shared/time.ts';
import { isPrinterFile, tcpAddress } from '../config.ts';
import type { LoadedConfig } from '../config.ts';
import { pcscService } from '../pcsc/service.ts';
import type { Recording } from './recording.ts';
import { runProgram } from './run-program.ts';

type Config = LoadedConfig['config'];

/** What the machine has, as far as staff look at it. */
export interface Fitted {
  readonly reader: CardReader;
  /** Null: none is configured. */
  readonly printer: Printer | null;
  /** Left out: there is none. `keyboard`: it types into the shell. */
  readonly scanner?: Pick<Scanner, 'failure' | 'onChange'> | 'keyboard';
  /** Left out: no jack that this program listens to. */
  readonly headphones?: Pick<Headphones, 'plugged' | 'failure' | 'onChange'>;
  /** Left out, like those below: there is none. */
  readonly psam?: CardReader;
  readonly ups?: { readonly ups: Ups; readonly watch: MainsWatch };
  readonly door?: Door;
  readonly lamps?: Lamps;
  readonly speaker?: Omit<SpeakerOptions, 'clock' | 'level'>;
  /** How loud the machine speaks by its own level. */
  readonly level?: () => number | null;
  readonly terminalId: string;
  readonly clock: Clock;
}

/** Every device of the machine: a new kind is its folder in `device`, and a row here. */
export function machineDevices(fitted: Fitted): DeviceRegistry {
  const { reader, printer, scanner, headphones, psam, ups, door, lamps, speaker, clock } = fitted;
  const level = fitted.level ?? ((): null => null);
  const devices: Device[] = [
    readerDevice(reader, clock),
    ...(psam === undefined ? [] : [readerDevice(psam, clock, PSAM)]),
    printerDevice(printer, clock, () => testSlip(fitted)),
    ...(scanner === undefined ? [] : [scannerDevice(scanner === 'keyboard' ? null : scanner)]),
    ...(headphones === undefined ? [] : [headphonesDevice(headphones)]),
    ...(speaker === undefined ? [] : [speakerDevice({ ...speaker, level, clock })]),
    ...(ups === undefined ? [] : [upsDevice(ups.ups, ups.watch, clock)]),
    ...(door === undefined ? [] : [doorDevice(door, clock)]),
    ...(lamps === undefined || lamps.fitted.length === 0 ? [] : [lampsDevice(lamps)]),
  ];
  return new DeviceRegistry(devices, clock);
}

function testSlip({ terminalId, clock }: Fitted): readonly SlipLine[] {
  return [
    { kind: 'text', text: '打印机自检', align: 'center', size: 'double' },
    { kind: 'pair', label: '终端', value: terminalId },
    { kind: 'pair', label: '时间', value: chinaTime(clock.nowMs()) },
    { kind: 'text', text: '字迹清楚、切纸完整即为正常。' },
  ];
}

type Status = ReturnType<CardReader['status']>;
/** Where the card is. */
const WHERE: Readonly<Record<Status['state'], ErrorText>> = {
  empty: { zh: '卡座空', en: 'no card' },
  present: { zh: '有卡在内', en: 'a card is inside' },
  leaving: { zh: '卡在出口，等人取走', en: 'a card is held out, to be taken' },
  mute: { zh: '卡无应答，请取出', en: 'the card does not answer: take it out' },
  offline: { zh: '正在重连', en: 'being rebuilt' },
};

const MEDIA: Readonly<Record<Status['state'], Media>> = {
  empty: 'none',
  present: 'present',
  mute: 'present',
  leaving: 'leaving',
  offline: 'unknown',
};

const CUSTOMERS = { id: 'reader', name: DEVICE_NAMES.reader } as const;
const PSAM = { id: 'psam', name: DEVICE_NAMES.psam } as const;

/** A reader as a device. Its self-test resets the card that is in, and no more. */
function readerDevice(
  reader: CardReader,
  clock: Clock,
  named: typeof CUSTOMERS | typeof PSAM = CUSTOMERS,
): Device {
  const report = (): DeviceReport => {
    const status = reader.status();
    const where = WHERE[status.state];
    const bad = status.state === 'offline' || status.state === 'mute';
    return {
      state: status.state === 'offline' ? 'offline' : bad ? 'user-error' : 'online',
      // A card that does not answer is one card's trouble.
      usable: status.state !== 'offline',
      media: MEDIA[status.state],
      detail: { zh: `${reader.name()} · ${where.zh}`, en: `${reader.name()} · ${where.en}` },
      advice: bad ? { zh: '检查读卡器的电缆和电源', en: 'check its cable and power' } : null,
      consumables: [],
      lastError: bad ? status.failure.code : null,
    };
  };
  return {
    ...named,
    report,
    look: () => Promise.resolve(report()),
    selfTest: async () => {
      const status = reader.status();
      if (status.state === 'offline' || status.state === 'mute') {
        const why = describeFailure(status.failure);
        return { ok: false, detail: { zh: why, en: why } };
      }
      if (status.state !== 'present')
        return {
          ok: true,
          detail: { zh: '读卡器应答正常，卡座空', en: 'the reader answers; no card' },
        };
      const began = clock.monoMs();
      // Reset and answer only: nothing is selected, nothing is written.
      const atr = await reader.open(status.insertion).reset();
      const ms = Math.round(clock.monoMs() - began);
      if (!atr.ok) {
        const why = describeFailure(atr.error);
        return { ok: false, detail: { zh: why, en: why } };
      }
      const hex = toHex(atr.value);
      return {
        ok: true,
        detail: { zh: `卡复位应答 ${hex}，${ms} 毫秒`, en: `the card answers ${hex} in ${ms} ms` },
      };
    },
    onChange: (listener) => reader.onStatus(listener),
  };
}

/**
 * The configured printer; null: there is none.
 *
 * @param trace where it is kept that a slip was begun; left out: who only asks prints nothing
 */
export function makePrinter(
  config: Config['printer'],
  clock: Clock,
  trace?: SlipTrace,
): Printer | null {
  if (config.kind === 'none' || config.path === undefined) return null;
  const model = PRINTER_MODELS[config.model ?? 'generic-58'];
  const paper = { marked: config.markedPaper ?? false };
  return new EscposPrinter({
    port: printerPort(config, config.path, clock),
    model,
    paper,
    clock,
    ...(trace === undefined ? {} : { trace }),
  });
}

/** Most serial printers leave the factory with this rate, and hold back by DTR. */
const PRINTER_BAUD = 9_600;

function printerPort(
  { baudRate, flow }: Config['printer'],
  path: string,
  clock: Clock,
): PrinterPort {
  if (path.startsWith('tcp:')) {
    const { host, port } = tcpAddress(path);
    return { open: () => openTcpPrinter(host, port), keeps: false };
  }
  if (isPrinterFile(path)) return { open: () => openPrinterFile(path, clock), keeps: false };
  const settings = { baudRate: baudRate ?? PRINTER_BAUD, flow: flow ?? 'dtr' };
  return { open: () => openSerialPrinter(path, settings, clock), keeps: true };
}

/** Most serial scanners leave the factory with this rate. */
const SCANNER_BAUD = 9_600;
/** The configured scanner; `keyboard`: it types into the shell; null: there is none. */
export function makeScanner(
  s: Config['scanner'],
  clock: Clock,
  log: LogFn,
): Scanner | 'keyboard' | null {
  if (s.kind === 'none') return null;
  if (s.kind === 'keyboard') return 'keyboard';
  const path = s.path ?? '';
  const open =
    s.kind === 'virtual'
      ? (
          (a) => () =>
            openTcpLine(a.host, a.port)
        )(tcpAddress(path))
      : () => openSerial(path, s.baudRate ?? SCANNER_BAUD);
  const framing = { prefix: s.prefix, suffix: s.suffix };
  return new LineScanner({ open, model: SCANNER_MODELS[s.model ?? 'plain'], framing, clock, log });
}

/** The jack that the core listens to; null: there is none, or the keypad's own keys tell of it. */
export function makeHeadphones(
  { headphones }: Pick<Config, 'headphones'>,
  path: LoadedConfig['path'],
  clock: Clock,
  log: LogFn,
): Headphones | null {
  if (headphones.kind === 'none' || headphones.path === undefined) return null;
  const file = path(headphones.path);
  return new EvdevHeadphones({ open: () => openInputFile(file), clock, log });
}

/** The UPS, and what follows from it; null: there is none. */
export function makeUps(
  u: Config['ups'],
  path: LoadedConfig['path'],
  clock: Clock,
  log: LogFn,
): NonNullable<Fitted['ups']> | null {
  if (u === undefined || u.kind === 'none') return null;
  const { host, port } = tcpAddress(u.address ?? `tcp://127.0.0.1:${NUT_PORT}`);
  const { username, passwordFile } = u;
  const login = (): { username: string; password: string } => ({
    username: username ?? '',
    password: readFileSync(path(passwordFile ?? ''), 'utf8').trim(),
  });
  const ups = new NutUps({
    open: () => openTcpLine(host, port),
    name: u.name ?? '',
    ...(username === undefined ? {} : { login }),
    clock,
    log,
  });
  const stopAfterMs = u.stopAfterSeconds === undefined ? null : u.stopAfterSeconds * 1_000;
  return { ups, watch: new MainsWatch({ ups, clock, stopAfterMs }) };
}

/** What hangs at the field bus. */
export interface BusParts {
  readonly bus: ModbusBus;
  readonly door: Door | null;
  readonly lamps: Lamps;
  readonly jack: Headphones | null;
}

/** Most modules leave the factory with this rate. */
const MODBUS_BAUD = 9_600;

/** Inputs and outputs at a Modbus module; null: there is none. */
export function makeBus(m: Config['modbus'], clock: Clock, log: LogFn): BusParts | null {
  if (m === undefined) return null;
  const { inputs = {}, outputs = {} } = m;
  const lit = {
    card: outputs.cardLamp,
    scanner: outputs.scannerLamp,
    printer: outputs.printerLamp,
    alarm: outputs.alarm,
  };
  const points = Object.fromEntries(
    Object.entries(lit).flatMap(([name, point]) => (point === undefined ? [] : [[name, point]])),
  ) as Partial<Record<Signal, Point>>;
  const open = m.path.startsWith('tcp:')
    ? (
        (a) => () =>
          openTcpLine(a.host, a.port)
      )(tcpAddress(m.path))
    : () => openSerial(m.path, m.baudRate ?? MODBUS_BAUD, m.parity ?? 'none');
  const bus = new ModbusBus({
    open,
    unit: m.unit ?? 1,
    inputs: [inputs.door, inputs.jack].filter((p) => p !== undefined),
    outputs: Object.values(points),
    clock,
    log,
  });
  return {
    bus,
    door: inputs.door === undefined ? null : new ModbusDoor(bus, inputs.door),
    lamps: new ModbusLamps(bus, points),
    jack: inputs.jack === undefined ? null : new ModbusJack(bus, inputs.jack),
  };
}

/** The loudspeaker; null: none is configured. */
export function makeSpeaker(s: Config['speaker'], clock: Clock): Fitted['speaker'] | null {
  if (s === undefined || s.kind === 'none') return null;
  return { run: runProgram(clock), card: s.card, mixer: s.mixer ?? 'Master' };
}

/**
 * The customer's card reader.
 *
 * @param cwd where a maker's program runs
 */
export function makeReader(
  r: Config['readers'][number],
  clock: Clock,
  log: LogFn,
  recording: Recording | null,
  cwd: string,
): CardReader {
  const id = 'reader-0';
  if (r.kind === 'process') return programReader(id, r, cwd, clock, log);
  if (r.kind === 'virtual') return virtualReader(id, r.path ?? '', clock, log, r.model, recording);
  if (r.kind === 'crt') {
    const path = r.path ?? '';
    const open = (): ReturnType<typeof openSerial> => openSerial(path, r.baudRate ?? DEFAULT_BAUD);
    // What is to be masked in a recording is known of F2 frames only.
    const recorded = recording === null || r.dialect === '02' ? open : recording.serial(id, open);
    return new CrtReader({
      id,
      path,
      open: recorded,
      clock,
      log,
      ...(r.dialect === undefined ? {} : { dialect: r.dialect }),
    });
  }
  const service = pcscService(clock, log);
  return new PcscReader({
    id,
    match: r.match ?? '',
    clock,
    log,
    ...(r.model === undefined ? {} : { model: r.model }),
    service: recording === null ? service : recording.pcsc(id, service),
  });
}

/** A reader that a maker's program drives. */
export const programReader = (
  id: string,
  r: Config['readers'][number],
  cwd: string,
  clock: Clock,
  log: LogFn,
): ProcessReader =>
  new ProcessReader({
    id,
    command: r.command ?? [],
    cwd,
    hasGate: cardEntryOf(r).way === 'motor',
    clock,
    log,
  });

/** A reader into which simulated cards are put, by vpcd's protocol. */
export function virtualReader(
  id: string,
  path: string,
  clock: Clock,
  log: LogFn,
  model?: string,
  recording: Recording | null = null,
): CardReader {
  const { host, port } = tcpAddress(path);
  return new VirtualReader({
    id,
    host,
    port,
    clock,
    log,
    ...(model === undefined ? {} : { model }),
    ...(recording === null ? {} : { transcript: recording.virtual(id) }),
  });
}
