import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HTML = `<!doctype html>
<html lang="zh-CN">
  <head>
    <meta charset="utf-8" />
    <link rel="stylesheet" href="/assets/floor.css" />
  </head>
  <body>
    <div id="root" data-revision="-1">
      <button type="button" data-intent="open">一</button>
      <p></p>
    </div>
    <script src="/assets/floor.js"></script>
  </body>
</html>
`;

const CSS = `button { width: 400px; height: 200px; font-size: 48px; background: #0b57e3; color: #fff; }
button:active { background: #0840ad; }
`;

const SCRIPT = `const root = document.querySelector('#root');
const line = new WebSocket('ws://' + location.host + '/ws');
let snapshot = null;
line.addEventListener('message', (event) => {
  const message = JSON.parse(event.data);
  if (message.type !== 'snapshot') return;
  snapshot = message.snapshot;
  root.querySelector('p').textContent = snapshot.screen;
  root.dataset.revision = snapshot.revision;
});
document.querySelector('button').addEventListener('click', () => {
  const { screen, revision } = snapshot;
  line.send(JSON.stringify({ type: 'intent', intent: { type: 'open', value: 'info', screen, revision } }));
});
`;

/**
 * The least that a page can be: one button and one line of text, over the same socket to the same
 * shell and core. What it takes is the browser's, the socket's and the processes' own.
 */
export function makeFloor(folder: string): void {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), HTML);
  writeFileSync(join(folder, 'assets', 'floor.css'), CSS);
  writeFileSync(join(folder, 'assets', 'floor.js'), SCRIPT);
}
