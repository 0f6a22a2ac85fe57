import { serveLayout } from '../../card/layouts/process/serve.ts';
import { cardServiceLayout } from './card-service/layout.ts';
import { serveReader } from './card-service/reader.ts';

/**
 * A counter's card service as a reader and as a layout: the sample of docs/adding-a-meter-maker.md,
 * “A maker's black box”.
 *
 * usage: card-service.ts reader URL, or card-service.ts layout ID URL [--once]
 */
const [role, ...rest] = process.argv.slice(2);
if (role === 'reader' && rest[0] !== undefined)
  await serveReader(rest[0], process.stdin, process.stdout);
else if (role === 'layout' && rest[0] !== undefined && rest[1] !== undefined) {
  const [id, base] = rest;
  await serveLayout(() => cardServiceLayout(id, base), process.stdin, process.stdout);
} else {
  process.stderr.write('usage: card-service.ts reader URL | layout ID URL\n');
  process.exit(2);
}
