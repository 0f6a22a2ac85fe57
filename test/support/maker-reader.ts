import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The sample program and the stand-in for a maker's library, compiled into this folder. */
export async function compileMaker(
  folder: string,
): Promise<{ readonly program: string; readonly library: string }> {
  const program = join(folder, 'reader');
  const library = join(folder, 'library.so');
  const strict = ['-O1', '-Wall', '-Wextra', '-Werror'];
  await Promise.all([
    run('cc', [...strict, '-o', program, at('resources/samples/reader/reader.c'), '-ldl']),
    run('cc', [
      ...strict,
      '-shared',
      '-fPIC',
      '-o',
      library,
      at('src/simulator/reader/maker/library.c'),
    ]),
  ]);
  return { program, library };
}

/** A port that nobody has, below 32,768: the library takes it as a short. */
export async function shortPort(): Promise<number> {
  for (let port = 20_000 + (process.pid % 10_000); ; port++) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer()
        .once('error', () => resolve(false))
        .listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
