import { readFileSync, writeFileSync } from 'node:fs';
import { REAL } from './ports.ts';
import { conformance } from './run.ts';

process.exit(
  await conformance(process.argv.slice(2), {
    ...REAL,
    readText: (path) => readFileSync(path, 'utf8'),
    writeText: (path, text) => writeFileSync(path, text),
    out: (text) => console.log(text),
    err: (text) => console.error(text),
  }),
);
