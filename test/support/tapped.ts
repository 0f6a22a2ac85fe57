/** What the bench reads in a page: times of taps in ms, and the revision that is on the screen. */
export interface Tapped {
  /** From the finger that goes down (the browser's own stamp) to the first frame drawn after it. */
  readonly feedbackMs: number;
  /** From the finger that goes up, which is when a control acts, to the frame with the next screen. */
  readonly screenMs: number;
}

/**
 * Runs in each page before its own code: `__tap()` begins a measurement, `__tapped` is its outcome.
 * A frame counts as drawn when the task after its `requestAnimationFrame` runs: style, layout and
 * paint are over then; rasterising is the other threads' work.
 */
export function watchTaps(): void {
  interface Watched {
    __revision?: () => number;
    __tapped?: Promise<Tapped>;
    __tap?: () => void;
    __next?: (revision: number) => Promise<number>;
  }
  const me = window as unknown as Watched;
  const drawn = (): Promise<number> =>
    new Promise((done) => {
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.addEventListener('message', () => {
          channel.port1.close();
          done(performance.now());
        });
        channel.port1.start();
        channel.port2.postMessage(null);
      });
    });
  me.__revision = () =>
    Number(document.querySelector<HTMLElement>('[data-revision]')?.dataset['revision'] ?? -1);
  /** Another screen than this revision's is drawn: when. */
  me.__next = (revision) =>
    new Promise((done) => {
      const look = (): boolean => me.__revision?.() !== revision && me.__revision?.() !== -1;
      if (look()) return void drawn().then(done);
      const watch = new MutationObserver(() => {
        if (!look()) return;
        watch.disconnect();
        void drawn().then(done);
      });
      watch.observe(document, {
        subtree: true,
        childList: true,
        attributeFilter: ['data-revision'],
      });
    });
  const once = (kind: string, then: (event: Event) => void): void =>
    addEventListener(kind, then, { capture: true, once: true });
  me.__tap = () => {
    const feedback = new Promise<number>((done) =>
      once('pointerdown', ({ timeStamp }) => void drawn().then((at) => done(at - timeStamp))),
    );
    const screen = new Promise<number>((done) =>
      once('pointerup', ({ timeStamp }) => {
        void me.__next?.(me.__revision?.() ?? -1).then((at) => done(at - timeStamp));
      }),
    );
    me.__tapped = Promise.all([feedback, screen]).then(([feedbackMs, screenMs]) => ({
      feedbackMs,
      screenMs,
    }));
  };
}
