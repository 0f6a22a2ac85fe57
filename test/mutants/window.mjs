// What a window that shows nothing would stay, once one of its mends is undone.
const WATCH = 'main/shell/screen-watch.ts';

export const window = ({ mutant, edit, unit }) => [
  mutant(
    'reach-of-the-standing',
    'Low reach leaves controls where nobody who sits reaches them.',
    edit('renderer/theme/access.ts', 'Math.max(share(REACH_MM.high), LEAST_SHARE)', '1'),
    unit('renderer/access', 'ends at 1220 mm'),
  ),
  mutant(
    'access-for-the-next',
    'The next customer gets the screen as the last one had it.',
    edit('kiosk/visit/manner.ts', '...PLAIN_MANNER,\n  plainAtMono', 'plainAtMono'),
    unit('kiosk/visits', 'the screen is as it always was'),
  ),
  mutant(
    'jack-of-the-last-customer',
    'A keypad whose pull nobody heard lets the loudspeaker say the next one’s means.',
    edit('kiosk/visit/manner.ts', 'state.headphones && !state.pluggedByKey', 'state.headphones'),
    unit('kiosk/manner', 'whoever plugs in next listens'),
  ),
  mutant(
    'spoken-in-a-hurry',
    'Whoever listens to a screen has the time of those who read it.',
    edit('kiosk/visit/times.ts', 'spoken ? PACE.spoken : ', ''),
    unit('kiosk/manner', 'has three times as long'),
  ),
  mutant(
    'spoken-gives-no-time-at-once',
    'The spoken mode begins on a screen that ends before it was read.',
    edit('kiosk/visit/manner.ts', 'paceOf(after) <= paceOf(before) || ', 'paceOf(after) > 0 || '),
    unit('kiosk/manner', 'begun on a screen'),
  ),
  mutant(
    'pulled-and-heard-on',
    'Headphones are pulled, and what only they may say is said by the loudspeaker.',
    edit('kiosk/view.ts', '...(headphones ? {', '...(headphones || spoken ? {'),
    unit('kiosk/manner', 'pulled, the loudspeaker is told'),
  ),
  mutant(
    'jack-lost-is-plugged',
    'A jack that cannot be heard any more counts as plugged in.',
    edit('device/headphones/evdev.ts', 'this.#set(false, cause', 'this.#set(this.#plugged, cause'),
    unit('device/headphones', 'a jack that is lost'),
  ),
  mutant(
    'jack-pull-dropped',
    'The kernel lost the pull of the headphones, and they count as plugged in.',
    edit(
      'device/headphones/evdev.ts',
      'if (type === EV_SYN && code === SYN_DROPPED) plugged = false;',
      '',
    ),
    unit('device/headphones', 'where the kernel lost events'),
  ),
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
  mutant(
    'home-that-cannot-be-written',
    'The window takes its folder where Electron puts it, whether it can be written or not.',
    edit('main/electron/launch.ts', `places.find((folder) => writable(folder))`, `places.at(-1)`),
    unit('shell/electron-launch', 'takes a folder of its own that it can write'),
  ),
  mutant(
    'second-log-shut',
    'Doctor does not see that the service may not write the second log.',
    edit(
      'main/cli/installation.ts',
      `return !open.some(`,
      `return open.length === 0 && !open.some(`,
    ),
    unit('cli/installation', 'a second log where the service may not write'),
  ),
  mutant(
    'letters-not-counted',
    'Doctor does not see that the screen has no Chinese letters.',
    edit('main/cli/installation.ts', `return count < MIN_LETTER_FILES`, `return count < 1`),
    unit('cli/installation', 'letters that are not all there'),
  ),
  mutant(
    'package-without-src',
    'A package drops every folder called src, and with it what serialport loads.',
    {
      file: 'scripts/lib/shipped.mjs',
      find: `!(compiled && COMPILED_FROM.test(inside))`,
      replace: `!COMPILED_FROM.test(inside)`,
    },
    unit('cli/shipped', 'the file that is opened first'),
  ),
];
