import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LoadedConfig } from '../config.ts';
import { as, found } from './finding.ts';
import type { Finding } from './finding.ts';

/** What doctor looks at outside the kiosk's own folders. */
export interface InstallationPorts {
  /** What a command prints; null: there is no such command, or it failed. */
  readonly run: (command: string, args: readonly string[]) => string | null;
  /** How many files of letters (woff2) come with the screen; null: there is no built screen. */
  readonly letters: () => number | null;
}

/** The font comes in a hundred slices; fewer than these are not all of the common characters. */
const MIN_LETTER_FILES = 90;

/** The screen's letters, and the service that starts it all at power-on. */
export function checkInstallation(loaded: LoadedConfig, ports: InstallationPorts): Finding[] {
  return [checkLetters(ports), ...checkService(loaded, ports)];
}

function checkLetters(ports: InstallationPorts): Finding {
  const count = ports.letters();
  if (count === null)
    return found(
      'WARN',
      'letters',
      { zh: '这里没有建好的屏幕页面', en: 'the screen is not built here' },
      { zh: '执行 npm run build', en: 'run npm run build' },
    );
  return count < MIN_LETTER_FILES
    ? found(
        'FAIL',
        'letters',
        {
          zh: `屏幕只带了 ${count} 个字库文件：中文会显示成方框`,
          en: `${count} files of letters come with the screen: Chinese shows as boxes`,
        },
        { zh: '重新安装软件包', en: 'install the package again' },
      )
    : found('OK', 'letters', {
        zh: `屏幕自带字库，${count} 个文件`,
        en: `the screen brings its own letters, ${count} files`,
      });
}

/** `systemctl show`: a line `Key=value` for each. */
function properties(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}

/** A demo is started by hand, and Windows by its own services: nothing is said of them. */
function checkService({ config, path }: LoadedConfig, ports: InstallationPorts): Finding[] {
  if (config.mode !== 'production') return [];
  const shown = ports.run('systemctl', [
    'show',
    'pilotlight.service',
    '--property=LoadState,UnitFileState,StateDirectory,ReadWritePaths',
  ]);
  if (shown === null) return [];
  const unit = properties(shown);
  if (unit.get('LoadState') !== 'loaded')
    return [
      found(
        'WARN',
        'service',
        {
          zh: '这里没有 pilotlight.service：开机后没有东西启动本机',
          en: 'there is no pilotlight.service here: nothing starts the kiosk at power-on',
        },
        { zh: '安装软件包（docs/install.md）', en: 'install the package (docs/install.md)' },
      ),
    ];
  // `-` before a path: it may be missing. systemd takes both forms.
  const open = [
    ...(unit.get('StateDirectory') ?? '').split(' ').map((name) => `/var/lib/${name}`),
    ...(unit.get('ReadWritePaths') ?? '').split(' ').map((place) => place.replace(/^[-+]+/, '')),
  ].filter((place) => place !== '' && place !== '/var/lib/');
  const shut = (['dataDir', 'secondPath'] as const).filter((key) => {
    const place = path(config[key]);
    return !open.some((folder) => place === folder || place.startsWith(`${folder}/`));
  });
  return [
    ...shut.map((key) =>
      found(
        'FAIL',
        'service',
        {
          zh: `${key}：pilotlight.service 不许写 ${path(config[key])}`,
          en: `${key}: pilotlight.service may not write to ${path(config[key])}`,
        },
        {
          zh: `执行 systemctl edit pilotlight，在 [Service] 下写：ReadWritePaths=${path(config[key])}`,
          en: `systemctl edit pilotlight, and under [Service]: ReadWritePaths=${path(config[key])}`,
        },
      ),
    ),
    unit.get('UnitFileState') === 'enabled'
      ? found('OK', 'service', {
          zh: 'pilotlight.service 开机自启',
          en: 'pilotlight.service starts at power-on',
        })
      : found(
          'WARN',
          'service',
          {
            zh: 'pilotlight.service 开机不自启',
            en: 'pilotlight.service does not start at power-on',
          },
          as('systemctl enable --now pilotlight'),
        ),
  ];
}

/** This machine, from where this file stands: in the sources, or packed beside `app.asar`. */
export const systemInstallation: InstallationPorts = {
  run: (command, args) => {
    const done = spawnSync(command, args, { encoding: 'utf8', timeout: 5_000 });
    return done.status === 0 ? done.stdout : null;
  },
  letters: () => {
    const packed = fileURLToPath(new URL('../app.asar', import.meta.url));
    if (existsSync(packed)) return asarNames(packed).filter((n) => n.endsWith('.woff2')).length;
    const built = fileURLToPath(new URL('../../../dist/renderer/assets', import.meta.url));
    if (!existsSync(built)) return null;
    return readdirSync(built).filter((name) => name.endsWith('.woff2')).length;
  },
};

/**
 * The names of all files in an archive of Electron's: four 32-bit numbers, the last of them the
 * length of the JSON that follows (electron/asar, "Format").
 */
function asarNames(file: string): string[] {
  const archive = openSync(file, 'r');
  try {
    const head = Buffer.alloc(16);
    readSync(archive, head, 0, 16, 0);
    const json = Buffer.alloc(head.readUInt32LE(12));
    readSync(archive, json, 0, json.length, 16);
    type Folder = { readonly files?: Readonly<Record<string, Folder>> };
    const names = (folder: Folder): string[] =>
      Object.entries(folder.files ?? {}).flatMap(([name, entry]) => [name, ...names(entry)]);
    return names(JSON.parse(json.toString('utf8')) as Folder);
  } finally {
    closeSync(archive);
  }
}
