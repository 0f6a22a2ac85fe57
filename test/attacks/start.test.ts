import { readFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, describe, it } from 'vitest';
import { forbiddenSwitch } from '../../src/main/electron/launch.ts';
import { createSupervisor } from '../../src/main/shell/supervisor.ts';

/** Somebody has a say in how a kiosk is started: its service file, its desktop, its environment. */
describe('a packaged kiosk started with a switch', () => {
  const start = (argv: readonly string[], platform = 'linux', understood: readonly string[] = []) =>
    forbiddenSwitch({ packaged: true, argv, platform }, (name) => understood.includes(name));

  it('that opens it is refused, in every form in which Chromium reads one', () => {
    for (const name of [
      'remote-debugging-port=9222',
      'remote-debugging-pipe',
      'inspect',
      'inspect-brk=0',
      'js-flags=--expose-gc',
      'no-sandbox',
      'disable-web-security',
      'load-extension=/tmp/x',
      'user-data-dir=/tmp/x',
      'proxy-server=127.0.0.1:1',
      'host-resolver-rules=MAP * 127.0.0.1',
      'ignore-certificate-errors',
      'renderer-cmd-prefix=/tmp/x',
      'enable-features=Whatever',
      'a-switch-of-next-year',
    ])
      for (const dashes of ['--', '-'])
        for (const argv of [
          [`${dashes}${name}`],
          ['--demo', `${dashes}${name}`],
          ['--config', `${dashes}${name}`],
          ['--config', '/x', `${dashes}${name}`],
          ['--ozone-platform', `${dashes}${name}`],
          [`${dashes}${name}`, '--', '--demo'],
        ])
          expect(start(argv), argv.join(' ')).toContain(`${dashes}${name}`);
  });

  it('nor with another app, nor an argument that nobody knows', () => {
    for (const argv of [
      ['/tmp/other-app'],
      ['--', '/tmp/other-app'],
      ['--config'],
      ['--config='],
      ['--ozone-platform=headless'],
      ['--demo=1'],
      [''],
    ])
      expect(start(argv), argv.join(' ')).not.toBeNull();
    expect(start(['--config', '/remote-debugging-port=9222'], 'win32')).not.toBeNull();
    expect(start(['/remote-debugging-port=9222'], 'win32')).not.toBeNull();
  });

  it('and one that Chromium took from elsewhere is seen in its own command line', () => {
    expect(start(['--demo'], 'linux', ['remote-debugging-port'])).toBe('remote-debugging-port');
    expect(start(['--demo'], 'linux', ['ozone-platform'])).toBeNull();
  });
});

describe('an environment that somebody else wrote', () => {
  it('does not reach the core: no code, no authority, no proxy and no debugger by it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pilotlight-env-'));
    const loaded = join(folder, 'loaded');
    const seen = join(folder, 'seen');
    // A real Node with a preload: without a clean environment it runs before the core does.
    writeFileSync(
      join(folder, 'thief.cjs'),
      `require('node:fs').appendFileSync(${JSON.stringify(loaded)}, process.argv.join(' '))`,
    );
    writeFileSync(
      join(folder, 'core.mjs'),
      `import { writeFileSync } from 'node:fs';
       writeFileSync(${JSON.stringify(seen)}, JSON.stringify(process.env));
       process.exit(78);`,
    );
    const hostile = {
      NODE_OPTIONS: `--require ${join(folder, 'thief.cjs')}`,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      NODE_USE_ENV_PROXY: '1',
      NODE_PATH: folder,
      NODE_V8_COVERAGE: folder,
      OPENSSL_CONF: join(folder, 'openssl.cnf'),
      SSL_CERT_FILE: join(folder, 'ca.pem'),
      LD_PRELOAD: '',
      LD_LIBRARY_PATH: folder,
      ELECTRON_RUN_AS_NODE: '1',
      HTTPS_PROXY: 'http://127.0.0.1:1',
      http_proxy: 'http://127.0.0.1:1',
      PILOTLIGHT_CORE_ARGS: '[]',
      A_NEW_ONE: '1',
    };
    const supervisor = createSupervisor({
      core: {
        nodePath: process.execPath,
        args: [join(folder, 'core.mjs')],
        env: { ...process.env, ...hostile, LANG: 'zh_CN.UTF-8' },
      },
      log: () => undefined,
    });
    try {
      const refused = new Promise<void>((done) => {
        supervisor.subscribe(() => {
          if (supervisor.state() === 'refused') done();
        });
      });
      supervisor.start();
      await refused;
      const env = JSON.parse(readFileSync(seen, 'utf8')) as Record<string, string>;
      expect(Object.keys(env).filter((name) => name in hostile)).toEqual([]);
      expect(() => readFileSync(loaded)).toThrow('ENOENT');
      // What a program needs is there.
      expect(env['PATH']).toBe(process.env['PATH']);
      expect(env['LANG']).toBe('zh_CN.UTF-8');
    } finally {
      await supervisor.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
