import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * One thing that the recorded process did to its disk, in order; `mark`: what it said on standard
 * output.
 */
export type Op =
  | { readonly op: 'create'; readonly path: string; readonly truncate: boolean }
  | {
      readonly op: 'write';
      readonly path: string;
      readonly at: number | null;
      readonly bytes: Buffer;
    }
  | { readonly op: 'truncate'; readonly path: string; readonly size: number }
  | { readonly op: 'sync'; readonly path: string }
  | { readonly op: 'unlink'; readonly path: string }
  | { readonly op: 'rename'; readonly from: string; readonly to: string }
  | { readonly op: 'mark'; readonly text: string };

const CALLS =
  'pwrite64,write,pwritev,pwritev2,writev,fsync,fdatasync,sync_file_range,ftruncate,truncate,unlink,unlinkat,rename,renameat,renameat2,openat,open,creat,fallocate,link,linkat,copy_file_range,sendfile';

/**
 * Runs the worker on fresh folders under strace and reads what it did to files below them. @throws
 * when strace is missing or the worker fails.
 */
export function record(folder: string): Op[] {
  const there = spawnSync('strace', ['--version'], { encoding: 'utf8' });
  if (there.error !== undefined)
    throw new Error('the power-cut replay needs strace: apt-get install strace');
  const [data, second, trace] = [
    join(folder, 'data'),
    join(folder, 'second'),
    join(folder, 'trace'),
  ];
  mkdirSync(data, { recursive: true });
  mkdirSync(second, { recursive: true });
  const worker = join(dirname(fileURLToPath(import.meta.url)), 'worker.ts');
  const run = spawnSync(
    'strace',
    [
      '-f',
      '-y',
      '-xx',
      '-s',
      '1048576',
      '-e',
      `trace=${CALLS}`,
      '-o',
      trace,
      process.execPath,
      worker,
      data,
      second,
    ],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
      // What Node writes for itself is no part of the story.
      env: { ...process.env, NODE_COMPILE_CACHE: undefined },
    },
  );
  if (run.status !== 0)
    throw new Error(
      `the worker failed (${run.status ?? run.signal ?? 'not started'}; may this process be traced?): ${run.stderr}`,
    );
  return parse(readFileSync(trace, 'utf8'), folder);
}

const text = (hex: string): string => bytesOf(hex).toString('utf8');
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(String.raw`\x`, ''), 'hex');

/**
 * Reads strace's lines. What touches the folder in a way that is not modelled is an error, never
 * passed over.
 */
export function parse(trace: string, folder: string): Op[] {
  const ops: Op[] = [];
  const halves = new Map<string, string>();
  for (const raw of trace.split('\n')) {
    const m = /^(\d+)\s+(.*)$/.exec(raw);
    if (m === null) continue;
    const pid = m[1] as string;
    let line = m[2] as string;
    if (line.endsWith('<unfinished ...>')) {
      halves.set(pid, line.slice(0, -'<unfinished ...>'.length).trimEnd());
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(line);
    if (resumed !== null) line = `${halves.get(pid) ?? ''}${resumed[1] as string}`;
    const call = /^(\w+)\((.*)\)\s+=\s+(-?\d+)(?:<([^>]*)>)?/.exec(line);
    if (call === null) continue;
    const [, name = '', args = '', result = ''] = call;
    if (Number(result) < 0) continue;
    const op = understand(name, args.split(', '), Number(result), call[4]);
    if (op === null) continue;
    const touched = op.op === 'rename' ? op.from : op.op === 'mark' ? '' : op.path;
    if (
      op.op === 'mark' ||
      touched.startsWith(`${folder}/data`) ||
      touched.startsWith(`${folder}/second`)
    )
      ops.push(op);
    else if (op.op === 'create' && op.path === '')
      throw new Error(`power-cut replay: a call that is not modelled: ${line.slice(0, 200)}`);
  }
  return ops;
}

function understand(
  name: string,
  args: readonly string[],
  result: number,
  opened: string | undefined,
): Op | null {
  const fd = (arg = ''): { readonly number: number; readonly path: string } => {
    const m = /^(\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})*)>?/.exec(arg);
    return { number: Number(m?.[1]), path: text(m?.[2] ?? '') };
  };
  const quoted = (arg = ''): string => /^"((?:\\x[0-9a-f]{2})*)"/.exec(arg)?.[1] ?? '';
  const under = (at = '', path = ''): string => {
    const p = text(quoted(path));
    return p.startsWith('/') ? p : join(fd(at).path, p);
  };
  switch (name) {
    case 'write': {
      const to = fd(args[0]);
      const bytes = bytesOf(quoted(args[1])).subarray(0, result);
      return to.number === 1
        ? { op: 'mark', text: bytes.toString('utf8') }
        : { op: 'write', path: to.path, at: null, bytes };
    }
    case 'pwrite64':
      return {
        op: 'write',
        path: fd(args[0]).path,
        at: Number(args[3]),
        bytes: bytesOf(quoted(args[1])).subarray(0, result),
      };
    case 'fsync':
    case 'fdatasync':
      return { op: 'sync', path: fd(args[0]).path };
    case 'ftruncate':
      return { op: 'truncate', path: fd(args[0]).path, size: Number(args[1]) };
    case 'openat':
      return (args[2] ?? '').includes('O_CREAT')
        ? { op: 'create', path: text(opened ?? ''), truncate: (args[2] ?? '').includes('O_TRUNC') }
        : null;
    case 'unlink':
      return { op: 'unlink', path: text(quoted(args[0])) };
    case 'unlinkat':
      return { op: 'unlink', path: under(args[0], args[1]) };
    case 'rename':
      return { op: 'rename', from: text(quoted(args[0])), to: text(quoted(args[1])) };
    case 'renameat':
    case 'renameat2':
      return { op: 'rename', from: under(args[0], args[1]), to: under(args[2], args[3]) };
    default:
      throw new Error(`power-cut replay: ${name} is not modelled`);
  }
}
