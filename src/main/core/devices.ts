import {
  CrtReader,
  DEFAULT_BAUD,
  openSerial,
  PcscReader,
  VirtualReader,
} from '../../card/index.ts';
import type { CardReader } from '../../card/index.ts';
import { DeviceRegistry } from '../../device/device.ts';
import type { Device, DeviceReport, Media } from '../../device/device.ts';
import { headphonesDevice } from '../../device/headphones/device.ts';
import { EvdevHeadphones } from '../../device/headphones/evdev.ts';
import { openInputFile } from '../../device/headphones/input-file.ts';
import type { Headphones } from '../../device/headphones/types.ts';
import { printerDevice } from '../../device/printer/device.ts';
import { TcpPrinter } from '../../device/printer/tcp.ts';
import type { Printer, SlipLine } from '../../device/printer/types.ts';
import { scannerDevice } from '../../device/scanner/device.ts';
import { LineScanner, SCANNER_MODELS } from '../../device/scanner/line-scanner.ts';
import { openTcpLine } from '../../device/scanner/tcp-line.ts';
import type { Scanner } from '../../device/scanner/types.ts';
import { toHex } from '../../shared/bytes.ts';
import { describeFailure } from '../../shared/errors.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { Clock, LogFn } from '../../shared/ports.ts';
import { chinaTime } from '../../shared/time.ts';
import { tcpAddress } from '../config.ts';
import type { LoadedConfig } from '../config.ts';
import { pcscService } from '../pcsc/service.ts';
import type { Recording } from './recording.ts';

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
  readonly terminalId: string;
  readonly clock: Clock;
}

/** Every device of the machine: a new kind is its folder in `device`, and a row here. */
export function machineDevices(fitted: Fitted): DeviceRegistry {
  const { reader, printer, scanner, headphones, clock } = fitted;
  const devices: Device[] = [
    readerDevice(reader, clock),
    printerDevice(printer, clock, () => testSlip(fitted)),
    ...(scanner === undefined ? [] : [scannerDevice(scanner === 'keyboard' ? null : scanner)]),
    ...(headphones === undefined ? [] : [headphonesDevice(headphones)]),
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

/** The customer's reader as a device. Its self-test resets the card that is in, and no more. */
function readerDevice(reader: CardReader, clock: Clock): Device {
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
    id: 'reader',
    name: { zh: '读卡器', en: 'Card reader' },
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

/** The configured printer; null: there is none. */
export function makePrinter(config: Config['printer'], clock: Clock): Printer | null {
  if (config.kind === 'none' || config.path === undefined) return null;
  const { host, port } = tcpAddress(config.path);
  return new TcpPrinter(host, port, clock);
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
  return new LineScanner({ open, model: SCANNER_MODELS[s.model ?? 'plain'], clock, log });
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

/** The customer's card reader. */
export function makeReader(
  r: Config['readers'][number],
  clock: Clock,
  log: LogFn,
  recording: Recording | null,
): CardReader {
  const id = 'reader-0';
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
