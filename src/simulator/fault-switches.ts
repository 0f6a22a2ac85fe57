/** What every sandbox can be told beside its own faults. */
export interface CommonFaults<Verb extends string> {
  /** With `delay`: how late, ms. */
  readonly delayMs?: number;
  /** With `skew`: how far off the answer's clock is, ms. */
  readonly skewMs?: number;
  /** Limits all counted faults to these calls; null: to none. */
  readonly only?: readonly Verb[] | null;
  /** Every request is dropped. */
  readonly down?: boolean;
  /** Clears every fault first. */
  readonly reset?: boolean;
}
type Settings<Verb extends string, More> = {
  delayMs: number;
  skewMs: number;
  only: readonly Verb[] | null;
  down: boolean;
} & More;

/** Faults that count down, one answer each, and settings that stay until they are changed. */
export interface FaultSwitches<Fault extends string, Verb extends string, More> {
  readonly settings: Settings<Verb, More>;
  /** Whether this call has the fault; one that it has is used up. */
  readonly take: (fault: Fault, verb: Verb) => boolean;
  readonly set: (
    faults: CommonFaults<Verb> & { readonly [K in Fault]?: number } & Partial<More>,
  ) => void;
}

/** @param more settings of this sandbox alone, as they are without any fault */
export function faultSwitches<Fault extends string, Verb extends string, More extends object>(
  counted: readonly Fault[],
  more: More,
): FaultSwitches<Fault, Verb, More> {
  const none = { delayMs: 0, skewMs: 0, only: null, down: false, ...more } as Settings<Verb, More>;
  const settings = { ...none };
  const counts = new Map<Fault, number>();
  return {
    settings,
    take: (fault, verb) => {
      const left = counts.get(fault) ?? 0;
      if (left <= 0 || (settings.only !== null && !settings.only.includes(verb))) return false;
      counts.set(fault, left - 1);
      return true;
    },
    set: (faults) => {
      if (faults.reset === true) {
        counts.clear();
        Object.assign(settings, none);
      }
      const told: Readonly<Record<string, unknown>> = faults;
      for (const fault of counted)
        if (told[fault] !== undefined) counts.set(fault, Number(told[fault]));
      for (const name in none)
        if (told[name] !== undefined) Object.assign(settings, { [name]: told[name] });
    },
  };
}
