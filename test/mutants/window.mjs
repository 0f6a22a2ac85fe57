// What a window that shows nothing would stay, once one of its mends is undone.
const WATCH = 'main/shell/screen-watch.ts';

export const window = ({ mutant, edit, unit }) => [
  mutant(
    'window-waits-for-ready',
    'A window whose first picture is never announced is never shown.',
    edit(WATCH, `    sign();\n  });`, `  });`),
    unit('shell/screen-watch', 'is shown without any sign'),
  ),
  mutant(
    'window-blank-unseen',
    'A page that is alive and blank stays.',
    edit(WATCH, `ports.recover('the page is alive and nothing is drawn');`, ``),
    unit('shell/screen-watch', 'is recovered, at its start and later'),
  ),
  mutant(
    'window-hung-picture',
    'A lost graphics process that answers nothing is waited for.',
    edit(WATCH, `() => done(false));\n      ports`, `() => undefined);\n      ports`),
    unit('shell/screen-watch', 'without an answer is recovered'),
  ),
  mutant(
    'window-graphics-loss-unheard',
    'After the loss of the graphics process nobody looks at once.',
    edit(WATCH, `graphicsLost: () => lookIn(SETTLE_MS, false)`, `graphicsLost: () => undefined`),
    unit('shell/screen-watch', 'when the graphics process is gone'),
  ),
];
