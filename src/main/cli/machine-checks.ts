import { existsSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { DeviceRegistry } from '../../device/device.ts';
import type { Device } from '../../device/device.ts';
import { doorDevice } from '../../device/door/device.ts';
import { headphonesDevice } from '../../device/headphones/device.ts';
import { lampsDevice } from '../../device/lamps/device.ts';
import { printerDevice } from '../../device/printer/device.ts';
import { scannerDevice } from '../../device/scanner/device.ts';
import { speakerDevice } from '../../device/speaker/device.ts';
import { upsDevice } from '../../device/ups/device.ts';
import { journalFailure, tryToWrite } from '../../journal/disk-cause.ts';
import { MIN_FREE_BYTES } from '../../journal/journal.ts';
import type { Clock } from '../../shared/ports.ts';
import type { LoadedConfig } from '../config.ts';
import { makeBus, makePrinter, makeScanner, makeSpeaker, makeUps } from '../core/devices.ts';
import { failed, found } from './finding.ts';
import type { Finding } from './finding.ts';

/** A warning before selling stops at {@link MIN_FREE_BYTES}. */
const LOW_BYTES = 1024 ** 3;
/** A line opens at once and is answered at once, or not at all. */
const LINE_MS = 1_500;
const mebibytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MiB`;

/** The nearest folder that exists: where a folder will be made. */
function existing(folder: string): string {
  let at = folder;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

/** Room on both disks, and whether they can be written: a file is, and taken away again. */
export function checkDisk(loaded: LoadedConfig): Finding[] {
  const { config } = loaded;
  const places = {
    dataDir: existing(loaded.path(config.dataDir)),
    secondPath: existing(loaded.path(config.secondPath)),
  };
  const findings = Object.entries(places).map(([key, folder]) => {
    const cause = tryToWrite(folder);
    if (cause !== null)
      return failed('disk', journalFailure(`${key}: ${folder} cannot be written`, cause), {
        zh: '让运行本机的用户能写；磁盘变成只读或有故障的：看系统日志（dmesg），换盘',
        en: 'make it writable for the kiosk’s user; a disk that turned read-only or fails: look at the system’s log (dmesg), replace it',
      });
    const s = statfsSync(folder);
    const free = s.bavail * s.bsize;
    const least = mebibytes(MIN_FREE_BYTES);
    const room = {
      zh: `${key}：${folder} 还剩 ${mebibytes(free)}`,
      en: `${key}: ${mebibytes(free)} free at ${folder}`,
    };
    const makeRoom = {
      zh: `腾出空间：低于 ${least} 就停售`,
      en: `make room: the kiosk stops selling below ${least}`,
    };
    if (free < MIN_FREE_BYTES) return found('FAIL', 'disk', room, makeRoom, 'JRNL-0104');
    return found(
      free < LOW_BYTES ? 'WARN' : 'OK',
      'disk',
      room,
      free < LOW_BYTES ? makeRoom : null,
    );
  });
  if (
    config.mode === 'production' &&
    statSync(places.dataDir).dev === statSync(places.secondPath).dev
  )
    findings.push(
      found(
        'WARN',
        'disk',
        {
          zh: 'dataDir 和 secondPath 在同一块磁盘上',
          en: 'dataDir and secondPath are on the same disk',
        },
        {
          zh: '把第二份日志放到另一块磁盘：坏一块盘不能丢一笔订单',
          en: 'put the second log on another disk: losing one disk must not lose an order',
        },
      ),
    );
  return findings;
}

/** Until what answers by itself has done so, or has had its time. */
function opened(line: Pick<Device, 'onChange' | 'report'>, clock: Clock): Promise<void> {
  return new Promise((done) => {
    if (line.report().usable) return done();
    const stop = (): void => {
      cancel();
      unsubscribe();
      done();
    };
    const cancel = clock.after(LINE_MS, stop);
    const unsubscribe = line.onChange(() => {
      if (line.report().usable) stop();
    });
  });
}

/**
 * The configured devices as they report themselves: what may be asked while a core runs. It has a
 * serial port to itself, and then doctor says so. The readers are looked at elsewhere.
 */
export async function checkDevices(
  { config, path }: Pick<LoadedConfig, 'config' | 'path'>,
  clock: Clock,
): Promise<Finding[]> {
  const log = (): void => undefined;
  const printer = makePrinter(config.printer, clock);
  const scanner = makeScanner(config.scanner, clock, log);
  const line = scanner === 'keyboard' ? null : scanner;
  const ups = makeUps(config.ups, path, clock, log);
  const bus = makeBus(config.modbus, clock, log);
  const speaker = makeSpeaker(config.speaker, clock);
  const devices = new DeviceRegistry([
    printerDevice(printer, clock, () => []),
    ...(scanner === null ? [] : [scannerDevice(line)]),
    ...(ups === null ? [] : [upsDevice(ups.ups, ups.watch, clock)]),
    ...(bus?.door == null ? [] : [doorDevice(bus.door, clock)]),
    ...(bus?.jack == null ? [] : [headphonesDevice(bus.jack)]),
    ...(bus === null || bus.lamps.fitted.length === 0 ? [] : [lampsDevice(bus.lamps)]),
    ...(speaker == null ? [] : [speakerDevice({ ...speaker, clock, level: (): null => null })]),
  ]);
  await Promise.all([...devices].filter((d) => d.id !== 'printer').map((d) => opened(d, clock)));
  const findings: Finding[] = [];
  for (const device of devices) {
    const { state, usable, detail, advice, lastError } = await device.look();
    // The system's word too: a running kiosk has the line, and nobody else may.
    const why = device.id === 'scanner' ? line?.failure()?.detail : bus?.bus.failure()?.detail;
    const text =
      why === undefined || usable || device.id === 'printer'
        ? detail
        : { zh: `${detail.zh}（${why}）`, en: `${detail.en} (${why})` };
    findings.push(
      usable && state === 'online'
        ? found('OK', device.id, text)
        : found('WARN', device.id, text, advice, lastError),
    );
  }
  await printer?.close();
  await line?.close();
  await bus?.door?.close();
  await bus?.bus.close();
  ups?.watch.close();
  await ups?.ups.close();
  return findings;
}
