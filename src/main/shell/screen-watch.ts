/** No sign of a first picture by now: the window is shown all the same. */
export const SHOW_ANYWAY_MS = 5_000;
/** The page's letters are drawn by then. */
export const SETTLE_MS = 3_000;
/** How often a screen that is well is looked at. */
export const LOOK_MS = 60_000;
/**
 * How often one is that no recovery has helped: a display that is off, a graphics card that is
 * gone.
 */
export const LOOK_SELDOM_MS = 600_000;
/** More recoveries in a row than these do not help: enough for a new window and a reload of it. */
const PATIENCE = 6;

/** What the watch does to its window. */
export interface ScreenPorts {
  /** Brings the window to the front of the display. Not called twice for one window. */
  readonly show: () => void;
  /** A picture of the window as it is now; it may hang, or fail. */
  readonly look: () => Promise<Picture>;
  /** Loads the page anew, or makes a new window. */
  readonly recover: (why: string) => void;
  readonly log: (line: string) => void;
  /** Runs `then` after a while. @returns what takes it back */
  readonly after: (ms: number, then: () => void) => () => void;
}

/** What outlives a window: recoveries in a row that did not help. */
export interface ScreenMemory {
  fruitless: number;
}

/** A picture in rows of pixels of four bytes. */
export interface Picture {
  readonly bytes: Uint8Array;
}

/** Watches one window from its making to its end. */
export interface ScreenWatch {
  /** A sign that there is something to show: whichever comes first of a few. */
  readonly sign: () => void;
  /** The page listens; from now on it must be seen. */
  readonly ready: () => void;
  /** The graphics process is gone: the page may be alive and blank. */
  readonly graphicsLost: () => void;
  readonly stop: () => void;
}

/** Every so many pixels one is compared. A prime, so that no column of a layout is met each time. */
const STRIDE = 97;
/** Of a thousand pixels that were compared, so many differ from the commonest at least. */
const DIFFERENT_PER_MILLE = 2;

/**
 * Whether anything is drawn: a screen with a text on it has other pixels than its ground. No
 * picture at all counts as nothing drawn.
 */
export function isDrawn({ bytes }: Picture): boolean {
  const words = new Uint32Array(bytes.slice().buffer, 0, Math.floor(bytes.length / 4));
  const seen = new Map<number, number>();
  let count = 0;
  for (let at = 0; at < words.length; at += STRIDE) {
    const pixel = words[at] as number;
    seen.set(pixel, (seen.get(pixel) ?? 0) + 1);
    count += 1;
  }
  const ground = Math.max(0, ...seen.values());
  return (count - ground) * 1000 > count * DIFFERENT_PER_MILLE;
}

/**
 * A window is shown by whichever sign comes first, and by none after SHOW_ANYWAY_MS: some Wayland
 * compositors never say that a hidden window is ready. From then on it is looked at: a page can be
 * alive and blank, and nothing tells of it.
 */
export function createScreenWatch(ports: ScreenPorts, memory: ScreenMemory): ScreenWatch {
  let over = false;
  let shown = false;
  let cancelLook = (): void => undefined;
  const cancelShow = ports.after(SHOW_ANYWAY_MS, () => {
    if (!shown) ports.log(`no sign of a first picture in ${SHOW_ANYWAY_MS} ms, shown all the same`);
    sign();
  });

  function sign(): void {
    if (over || shown) return;
    shown = true;
    cancelShow();
    ports.show();
  }

  function lookIn(ms: number, blankBefore: boolean): void {
    cancelLook();
    if (!over) cancelLook = ports.after(ms, () => void look(blankBefore));
  }

  /** A picture, or none after SETTLE_MS: a lost graphics process answers nothing. */
  function picture(): Promise<boolean> {
    return new Promise((done) => {
      const cancel = ports.after(SETTLE_MS, () => done(false));
      ports.look().then(
        (seen) => {
          cancel();
          done(isDrawn(seen));
        },
        () => {
          cancel();
          done(false);
        },
      );
    });
  }

  const soon = (ms: number): number => (memory.fruitless < PATIENCE ? ms : LOOK_SELDOM_MS);

  async function look(blankBefore: boolean): Promise<void> {
    const mine = cancelLook;
    const drawn = await picture();
    // Another look was ordered meanwhile.
    if (over || mine !== cancelLook) return;
    if (drawn) {
      memory.fruitless = 0;
      lookIn(LOOK_MS, false);
    } else if (!blankBefore) {
      // A screen between two others may be empty for a moment.
      lookIn(SETTLE_MS, true);
    } else {
      memory.fruitless += 1;
      lookIn(soon(LOOK_MS), false);
      ports.recover('the page is alive and nothing is drawn');
    }
  }

  return {
    sign,
    ready: () => {
      sign();
      lookIn(soon(SETTLE_MS), false);
    },
    graphicsLost: () => lookIn(SETTLE_MS, false),
    stop: () => {
      over = true;
      cancelShow();
      cancelLook();
    },
  };
}
