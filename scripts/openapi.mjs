// Writes docs/api/*.openapi.json from the zod schemas that the code itself goes by. Runs on the
// pinned Node, which reads the TypeScript sources as they are.
// Usage: node scripts/openapi.mjs [--check]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { documents } from './lib/openapi-documents.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.join(root, 'docs', 'api');
const check = process.argv.includes('--check');
mkdirSync(folder, { recursive: true });
let stale = 0;
for (const [name, document] of Object.entries(await documents())) {
  const file = path.join(folder, `${name}.openapi.json`);
  const want = `${JSON.stringify(document, null, 2)}\n`;
  if (!check) {
    writeFileSync(file, want);
    continue;
  }
  if ((existsSync(file) ? readFileSync(file, 'utf8') : '') === want) continue;
  stale += 1;
  console.error(
    `openapi: docs/api/${name}.openapi.json is not up to date; run node scripts/openapi.mjs`,
  );
}
process.exit(stale === 0 ? 0 : 1);
