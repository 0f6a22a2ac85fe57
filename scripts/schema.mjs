// Writes resources/terminal.schema.json from src/shared/config/terminal.ts. Runs on the pinned
// Node, which reads the
// TypeScript sources as they are. Usage: node scripts/schema.mjs [--check]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { terminalConfigSchema } from '../src/shared/config/terminal.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const schemaFile = path.join(root, 'resources', 'terminal.schema.json');

/** The file's text: what a person writes (the input side), JSON Schema 2020-12. */
function schemaText() {
  const schema = {
    title: 'Pilotlight terminal.json',
    description:
      'Identity, hardware, keys by path and addresses of one kiosk. Unknown keys are refused; so are kinds that are not built.',
    ...z.toJSONSchema(terminalConfigSchema, { io: 'input' }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

const want = schemaText();
if (process.argv.includes('--check')) {
  const have = existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : '';
  if (have !== want) {
    console.error(
      'schema: resources/terminal.schema.json is not up to date; run node scripts/schema.mjs',
    );
    process.exit(1);
  }
} else writeFileSync(schemaFile, want);
