import { accessSync, constants } from 'node:fs';
import { dialectOf } from '../../card/index.ts';
import type { TerminalConfig } from '../../shared/config/terminal.ts';
import type { ErrorText } from '../../shared/errors.ts';
import type { Clock } from '../../shared/ports.ts';
import { never } from '../../shared/result.ts';
import type { LoadedConfig } from '../config.ts';
import { lookAtCard } from './card-look.ts';
import type { ReaderMaker } from './card-look.ts';
import { isCoreRunning } from './doctor-journal.ts';
import { as, found } from './finding.ts';
import type { Finding } from './finding.ts';
import type { PcscProbe } from './pcsc-probe.ts';

/** The customer's reader, and the service that it may need; no card is touched. */
export function checkReader(config: TerminalConfig, probe: PcscProbe): Finding[] {
  const reader = config.readers[0];
  const wanted = reader?.kind === 'pcsc';
  const own = wanted ? [] : [checkOwnLine(reader)];
  switch (probe.kind) {
    case 'no-addon':
      return [
        ...own,
        found(
          wanted ? 'FAIL' : 'WARN',
          'pcsc',
          {
            zh: `pcsclite 装载不了：${probe.detail}`,
            en: `pcsclite does not load: ${probe.detail}`,
          },
          {
            zh: '安装 libpcsclite-dev、g++、make、python3，再执行 npm rebuild pcsclite',
            en: 'install libpcsclite-dev, g++, make and python3, then npm rebuild pcsclite',
          },
          wanted ? 'CARD-0107' : null,
        ),
      ];
    case 'loads':
      return [
        ...own,
        found('OK', 'pcsc', {
          zh: 'pcsclite 能装载；这份配置用不到 PC/SC 服务',
          en: 'pcsclite loads; the service is not used by this configuration',
        }),
      ];
    case 'no-service':
      return [
        found(
          'FAIL',
          'pcsc',
          {
            zh: `PC/SC 服务没有应答：${probe.detail}`,
            en: `the PC/SC service does not answer: ${probe.detail}`,
          },
          {
            zh: 'systemctl enable --now pcscd.socket（Debian：apt-get install pcscd）；Windows 启动“Smart Card”服务',
            en: 'systemctl enable --now pcscd.socket (Debian: apt-get install pcscd); on Windows start “Smart Card”',
          },
          'CARD-0107',
        ),
      ];
    case 'readers':
      return [checkNamed(reader, probe)];
    default:
      return never(probe);
  }
}

function checkNamed(
  reader: TerminalConfig['readers'][number] | undefined,
  probe: Extract<PcscProbe, { kind: 'readers' }>,
): Finding {
  const chosen = chosenOf(probe, reader?.match);
  const none = probe.names.length === 0;
  const list = {
    zh: none ? '无' : probe.names.join('；'),
    en: none ? 'none' : probe.names.join('; '),
  };
  if (chosen === undefined)
    return found(
      'FAIL',
      'pcsc',
      {
        zh: `没有名字含“${reader?.match ?? ''}”的读卡器；服务里有：${list.zh}`,
        en: `no reader matches “${reader?.match ?? ''}”; the service has: ${list.en}`,
      },
      {
        zh: '检查 USB 线和 readers[0].match',
        en: 'check the USB cable and readers[0].match',
      },
      'CARD-0107',
    );
  const dialect = dialectOf(chosen, reader?.model);
  return found('OK', 'pcsc', {
    zh: `读卡器“${chosen}”（服务里有：${list.zh}）；存储卡：${dialect === null ? '从名字看，它不支持' : `用 ${dialect.id} 的指令`}`,
    en: `reader “${chosen}” (the service has: ${list.en}); memory cards: ${dialect === null ? 'not by this reader, as far as its name tells' : `the ${dialect.id} dialect`}`,
  });
}

/** A reader that needs no service. */
function checkOwnLine(reader: TerminalConfig['readers'][number] | undefined): Finding {
  if (reader?.kind === 'crt') return checkSerial(reader.path ?? '');
  if (reader?.kind === 'process') {
    const program = reader.command?.[0] ?? '?';
    return found('OK', 'reader', {
      zh: `由程序 ${program} 驱动`,
      en: `driven by the program ${program}`,
    });
  }
  const at = reader?.path ?? '?';
  return found('OK', 'reader', {
    zh: `虚拟读卡器，在 ${at} 等模拟卡`,
    en: `virtual, waits for a simulated card at ${at}`,
  });
}

/**
 * The card in each configured reader and in every other one of the service, read and never changed.
 * A running core has its readers to itself: they are left alone. One after the other: they are one
 * service's.
 */
export async function checkCards(
  loaded: LoadedConfig,
  probe: PcscProbe,
  { readers: make, clock }: { readonly readers: ReaderMaker; readonly clock: Clock },
): Promise<Finding[]> {
  if (isCoreRunning(loaded.path(loaded.config.dataDir)) !== null)
    return [
      found('OK', 'card', {
        zh: '没有看：读卡器在运行中的程序手里',
        en: 'not looked at: the running core has the readers',
      }),
    ];
  const { readers } = loaded.config;
  const chosen = new Set(
    readers.filter((r) => r.kind === 'pcsc').map((r) => chosenOf(probe, r.match)),
  );
  const others = (probe.kind === 'readers' ? probe.names : []).filter((name) => !chosen.has(name));
  const looks = [
    ...readers.map((reader, i) => ({ where: as(`readers[${i}]`), reader, ours: true })),
    ...others.map((match) => ({
      where: { zh: '没有配置：', en: 'not configured:' },
      reader: { kind: 'pcsc', match } as const,
      ours: false,
    })),
  ];
  const findings: Finding[] = [];
  for (const { where, reader, ours } of looks) {
    const look = await lookAtCard(reader, make, clock, {
      layouts: loaded.config.layouts,
      purse: loaded.config.purse,
      cwd: loaded.baseDir,
      terminalId: loaded.config.terminalId,
    });
    if (look === null) continue;
    const { level, code } = look;
    const text = { zh: `${where.zh} ${look.text.zh}`, en: `${where.en} ${look.text.en}` };
    findings.push(
      ours
        ? found(level, 'card', text, cardAction(level, where.en), code)
        : found('OK', 'card', text, null, null),
    );
  }
  return findings;
}

function cardAction(level: Finding['level'], where: string): ErrorText | null {
  if (level === 'FAIL')
    return {
      zh: `检查读卡器的线和电源，以及 terminal.json 里的 ${where}`,
      en: `check the reader’s cable and power, and ${where} in terminal.json`,
    };
  return level === 'WARN'
    ? {
        zh: '换一张卡试；客户拿这张卡来，看到的也是这句话',
        en: 'try another card; a customer with this one is told the same',
      }
    : null;
}

/** The reader of the service that a pattern means. */
const chosenOf = (probe: PcscProbe, match = ''): string | undefined =>
  probe.kind === 'readers'
    ? probe.names.find((name) => name.toLowerCase().includes(match.toLowerCase()))
    : undefined;

/** The port is looked at and not opened: a running kiosk has it. */
function checkSerial(port: string): Finding {
  try {
    accessSync(port, constants.R_OK | constants.W_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return found(
      'FAIL',
      'reader',
      { zh: `串口 ${port}：${code}`, en: `serial port ${port}: ${code}` },
      code === 'EACCES'
        ? {
            zh: '把运行本机的用户加进 dialout 组',
            en: 'add the kiosk’s user to the group dialout',
          }
        : { zh: '检查线和 readers[0].path', en: 'check the cable and readers[0].path' },
      'CARD-0107',
    );
  }
  return found('OK', 'reader', {
    zh: `电动读卡器在 ${port}`,
    en: `motor reader at ${port}`,
  });
}
