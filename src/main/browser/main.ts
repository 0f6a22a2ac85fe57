import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBrowserShell } from './server.ts';

const USAGE = 'usage: main.ts --port N --config FILE [--core ENTRY] [--renderer DIR]';

/** Above src/main/browser when run from source, above dist/browser when bundled. */
function projectRoot(): string {
  const here = path.dirname(fileURLToPath(import.meta.url));
  return existsSync(path.join(here, '..', '..', '..', 'package.json'))
    ? path.resolve(here, '..', '..', '..')
    : path.resolve(here, '..', '..');
}

/** The bundled core if it is built, else the source, which Node runs as it is. */
function coreEntry(root: string): string {
  const built = path.join(root, 'dist', 'core', 'core.mjs');
  return existsSync(built) ? built : path.join(root, 'src', 'main', 'core', 'main.ts');
}

function fail(message: string): never {
  console.error(`pilotlight: ${message}`);
  process.exit(1);
}

function readArguments(): { port: number; config: string; core?: string; renderer?: string } {
  let values: {
    port?: string | undefined;
    config?: string | undefined;
    core?: string | undefined;
    renderer?: string | undefined;
  };
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: 'string' },
        config: { type: 'string' },
        core: { type: 'string' },
        renderer: { type: 'string' },
      },
    }));
  } catch (error) {
    fail(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
  const port = Number(values.port);
  if (
    values.port === undefined ||
    values.port === '' ||
    !Number.isInteger(port) ||
    port < 0 ||
    port > 65_535
  )
    fail(`--port must be a number from 0 to 65535\n${USAGE}`);
  if (values.config === undefined) fail(`--config is needed\n${USAGE}`);
  return {
    port,
    config: values.config,
    ...(values.core === undefined ? {} : { core: values.core }),
    ...(values.renderer === undefined ? {} : { renderer: values.renderer }),
  };
}

const args = readArguments();
const root = projectRoot();
try {
  const shell = await startBrowserShell({
    port: args.port,
    rendererDir: path.resolve(args.renderer ?? path.join(root, 'dist', 'renderer')),
    core: {
      nodePath: process.execPath,
      args: [path.resolve(args.core ?? coreEntry(root)), '--config', path.resolve(args.config)],
    },
  });
  console.log(JSON.stringify({ kiosk: shell.url }));
  const stop = (): void => {
    void shell.close().then(() => process.exit(0));
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
