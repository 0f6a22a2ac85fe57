import { pl4442Layout } from '../../card/layouts/pl-sle.ts';
import { serveLayout } from '../../card/layouts/process/serve.ts';

/**
 * PL-4442 as a maker's program: the sample of the protocol (docs/adding-a-meter-maker.md). `--once`
 * needs nothing of its own: it answers the one line that comes, and ends with its input.
 */
await serveLayout(pl4442Layout, process.stdin, process.stdout);
