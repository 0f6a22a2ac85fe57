/** The changes that a maker's library makes to a card in one purchase, in this order. */
const STEPS = ['gas', 'times', 'check'] as const;

/** Where the power goes while a purchase is written. */
export interface BoxFault {
  /** In the n-th change, from 1. */
  readonly at: 1 | 2 | 3;
  /** Whether that change is made. */
  readonly made: boolean;
}

/**
 * A meter card as its maker's library shows it: a number, a quantity, a count. How it is stored
 * nobody but the maker knows; what is known is that it is stored in steps, and that the library
 * refuses a card in the middle of them (“备份气量不正确”).
 */
export class BoxCard {
  readonly factory: string;
  readonly cardNo: string;
  readonly userNo: string;
  /** Of the newest purchase, in the library's units; 0: the meter took it. */
  gas: number;
  times: number;
  /** False: the check behind the purchase is not that of what stands before it. */
  whole = true;
  /** Changes so far. */
  changes = 0;
  #fault: BoxFault | null = null;
  #lies = false;

  constructor(card: {
    readonly factory?: string;
    readonly cardNo: string;
    readonly userNo?: string;
    readonly gas?: number;
    readonly times?: number;
  }) {
    this.factory = card.factory ?? 'JinKaMY';
    this.cardNo = card.cardNo;
    this.userNo = card.userNo ?? '1002203344';
    this.gas = card.gas ?? 0;
    this.times = card.times ?? 41;
  }

  cutAt(fault: BoxFault): void {
    this.#fault = fault;
  }
  /** The next purchases are answered well and not stored. */
  lie(): void {
    this.#lies = true;
  }
  disarm(): void {
    this.#fault = null;
    this.#lies = false;
  }

  /** @returns false: it lost its power in the middle */
  buy(gas: number, times: number): boolean {
    if (this.#lies) return true;
    for (const [i, step] of STEPS.entries()) {
      const cut = this.#fault !== null && this.#fault.at === i + 1 ? this.#fault : null;
      if (cut === null || cut.made) {
        this.changes++;
        if (step === 'gas') this.gas = gas;
        if (step === 'times') this.times = times;
        // The first of the three leaves what is read as a purchase under the old count.
        if (step !== 'gas') this.whole = step === 'check';
      }
      if (cut !== null) return false;
    }
    return true;
  }
}

/** The card's meter: takes a purchase whose count is its own and one. */
export class BoxMeter {
  #taken: number;

  constructor(card: BoxCard) {
    this.#taken = card.gas === 0 ? card.times : card.times - 1;
  }

  /** What it credits, in the library's units. */
  visit(card: BoxCard): { readonly accepted: boolean; readonly credited: number } {
    if (!card.whole) return { accepted: false, credited: 0 };
    if (card.times !== this.#taken + 1 || card.gas === 0) return { accepted: true, credited: 0 };
    const credited = card.gas;
    this.#taken = card.times;
    card.gas = 0;
    return { accepted: true, credited };
  }
}
