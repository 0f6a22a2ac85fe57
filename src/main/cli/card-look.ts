import { CrtReader, DEFAULT_BAUD, dialectOf, openSerial, PcscReader } from '../../card/index.ts';
import type { CardReader, KeyProvider, LayoutRegistry, ReaderStatus } from '../../card/index.ts';
import { readOnlyChannel } from '../../card/readers/reading.ts';
import { judgeCard } from '../../kiosk/visit/card-sale/sellable.ts';
import { maskCardNo } from '../../shared/mask.ts';
import { ERRORS, failure } from '../../shared/errors.ts';
import type { ErrorCode, ErrorText } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { err } from '../../shared/result.ts';
import type { TerminalConfig } from '../../shared/config/terminal.ts';
import { pcscService } from '../pcsc/service.ts';
import { programReader } from '../core/devices.ts';
import { cardLayouts } from '../core/layouts.ts';
import { as } from './finding.ts';
import type { OwnPrograms } from '../core/layouts.ts';

export type ReaderConfig = TerminalConfig['readers'][number];
/** Makes a reader of the configuration for a look at its card; null: this kind is not looked into. */
/** @param cwd where a maker's program runs */
export type ReaderMaker = (reader: ReaderConfig, id: string, cwd: string) => CardReader | null;

/** What was found in one reader. */
export interface CardLook {
  readonly level: 'OK' | 'WARN' | 'FAIL';
  readonly code: ErrorCode | null;
  readonly text: ErrorText;
}

/**
 * A reader says what is in it within this time; a motor reader first finds its place and takes the
 * card to its contacts.
 */
const LOOK_MS = { pcsc: 4_000, crt: 25_000, process: 25_000, virtual: 2_000 } as const;

/** Readers that talk to real hardware. A virtual reader belongs to the hall. */
export function realReaders(clock: Clock): ReaderMaker {
  const log = (): void => undefined;
  return (r, id, cwd) => {
    if (r.kind === 'pcsc')
      return new PcscReader({
        id,
        match: r.match ?? '',
        clock,
        log,
        service: pcscService(clock, log),
        ...(r.model === undefined ? {} : { model: r.model }),
      });
    if (r.kind === 'crt')
      return new CrtReader({
        id,
        path: r.path ?? '',
        open: () => openSerial(r.path ?? '', r.baudRate ?? DEFAULT_BAUD),
        clock,
        log,
        ...(r.dialect === undefined ? {} : { dialect: r.dialect }),
      });
    return r.kind === 'process' ? programReader(id, r, cwd, clock, log) : null;
  };
}

/**
 * The doctor has no keys: whatever asks for one is refused, so that no code can be presented by
 * mistake.
 */
const NO_KEYS = new Proxy({} as KeyProvider, {
  get: (_, name) =>
    name === 'id'
      ? 'none'
      : () => Promise.resolve(err(failure('CARD-0206', 'the doctor has no keys'))),
});

/**
 * Looks at the card in one reader: reads it over a channel that lets nothing else through, and lets
 * go.
 */
export async function lookAtCard(
  config: ReaderConfig,
  make: ReaderMaker,
  clock: Clock,
  own: Pick<OwnPrograms, 'layouts' | 'purse' | 'cwd' | 'terminalId'> = {
    layouts: [],
    purse: undefined,
    cwd: '.',
    terminalId: '000000000000',
  },
): Promise<CardLook | null> {
  const reader = make(config, 'doctor', own.cwd);
  if (reader === null) return null;
  // A motor reader takes nobody's card in while the doctor looks.
  void reader.gate?.accept(false);
  const layouts = cardLayouts(NO_KEYS, { ...own, pinNotes: null, clock, log: () => undefined });
  try {
    return await look(reader, await settled(reader, LOOK_MS[config.kind], clock), config, layouts);
  } finally {
    layouts.close();
    await reader.close();
  }
}

async function look(
  reader: CardReader,
  status: ReaderStatus,
  config: ReaderConfig,
  layouts: LayoutRegistry,
): Promise<CardLook> {
  const name = `“${reader.name()}”`;
  switch (status.state) {
    case 'offline':
      return {
        level: 'FAIL',
        code: status.failure.code,
        text: {
          zh: `${name}：${status.failure.detail ?? ERRORS[status.failure.code].technician.zh}`,
          en: `${name}: ${status.failure.detail ?? ERRORS[status.failure.code].technician.en}`,
        },
      };
    case 'empty':
      return {
        level: 'OK',
        code: null,
        text: { zh: `${name}：没有卡`, en: `${name}: no card` },
      };
    case 'leaving':
      return {
        level: 'OK',
        code: null,
        text: { zh: `${name}：卡在出口等人取`, en: `${name}: a card waits at the gate` },
      };
    case 'mute':
      return {
        level: 'WARN',
        code: 'CARD-0101',
        text: {
          zh: `${name}：卡没有应答；屏幕会说：${ERRORS['CARD-0101'].title.zh}`,
          en: `${name}: a card that does not answer; the kiosk says: ${ERRORS['CARD-0101'].title.en}`,
        },
      };
    case 'present': {
      const read = await layouts.read(readOnlyChannel(reader.open(status.insertion)), status.atr);
      const dialect =
        config.kind === 'pcsc' ? (dialectOf(reader.name(), config.model)?.id ?? null) : undefined;
      const speaks =
        dialect === undefined
          ? as('')
          : {
              zh: `，存储卡：${dialect ?? '不支持'}`,
              en: `, memory cards: ${dialect ?? 'none'}`,
            };
      if (!read.ok)
        return {
          level: 'WARN',
          code: read.error.code,
          text: {
            zh: `${name}${speaks.zh}：${read.error.detail ?? ''}；屏幕会说：${ERRORS[read.error.code].title.zh}`,
            en: `${name}${speaks.en}: ${read.error.detail ?? ''}; the kiosk says: ${ERRORS[read.error.code].title.en}`,
          },
        };
      const { reading } = read.value;
      const verdict =
        judgeCard(reading) ??
        (reading.visited
          ? null
          : reading.meter.countTaken > reading.count
            ? 'SALE-0102'
            : 'SALE-0101');
      const says =
        verdict === null
          ? { zh: '可以售，只要账户相符', en: 'sold to, if its account agrees' }
          : ERRORS[verdict].title;
      const no = maskCardNo(reading.cardNo);
      return {
        level: verdict === null ? 'OK' : 'WARN',
        code: verdict,
        text: {
          zh: `${name}${speaks.zh}：${reading.layout} 卡 ${no}，次数 ${reading.count}${reading.unfinished ? '，有一笔没写完的购买' : ''}；屏幕会说：${says.zh}`,
          en: `${name}${speaks.en}: ${reading.layout} card ${no}, count ${reading.count}${reading.unfinished ? ', an unfinished purchase' : ''}; the kiosk says: ${says.en}`,
        },
      };
    }
  }
}

/** The first thing that the reader says of its slot; what it says of itself when the time is over. */
function settled(reader: CardReader, timeoutMs: number, clock: Clock): Promise<ReaderStatus> {
  return new Promise((resolve) => {
    const cancel = clock.after(timeoutMs, () => {
      off();
      resolve(reader.status());
    });
    const say = (status: ReaderStatus): void => {
      if (status.state === 'offline') return;
      cancel();
      off();
      resolve(status);
    };
    const off = reader.onStatus(say);
    say(reader.status());
  });
}
