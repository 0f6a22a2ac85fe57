// Writes resources/terminal.schema.json and resources/central.schema.json from the schemas that the
// programs read their configuration by. Runs on the pinned Node, which reads the TypeScript sources
// as they are. Usage: node scripts/schema.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { centralConfigSchema } from '../src/main/central/config.ts';
import { terminalConfigSchema } from '../src/shared/config/terminal.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
/** What a person writes (the input side), JSON Schema 2020-12. */
const FILES = {
  'terminal.schema.json': {
    title: 'Pilotlight terminal.json',
    description:
      'Identity, hardware, keys by path and addresses of one kiosk. Unknown keys are refused; so are kinds that are not built.',
    schema: terminalConfigSchema,
  },
  'central.schema.json': {
    title: 'Pilotlight central.json',
    description:
      'Where central keeps its books, where it listens, its keys by path, and who stands behind it. Unknown keys are refused; so are kinds that are not built.',
    schema: centralConfigSchema,
  },
};

let stale = false;
for (const [name, { schema, ...head }] of Object.entries(FILES)) {
  const file = path.join(root, 'resources', name);
  const want = `${JSON.stringify({ ...head, ...z.toJSONSchema(schema, { io: 'input' }) }, null, 2)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(file, want);
  else if ((existsSync(file) ? readFileSync(file, 'utf8') : '') !== want) {
    stale = true;
    console.error(`schema: resources/${name} is not up to date; run node scripts/schema.mjs`);
  }
}
process.exit(stale ? 1 : 0);
