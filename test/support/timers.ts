/** A clock and its timers, passed on by hand. */
export class Timers {
  now = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  readonly monoMs = (): number => this.now;
  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  };

  /** Lets time pass, and everything happen that is due by then. */
  pass(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.now = Math.max(this.now, next.at);
      this.#timers = this.#timers.filter((t) => t !== next);
      next.run();
    }
    this.now = end;
  }

  /** The machine slept: all that was due comes at once, later than it should. */
  sleep(ms: number): void {
    this.now += ms;
    this.pass(0);
  }
}
