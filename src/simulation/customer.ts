import { CODE_WAIT_MS } from '../kiosk/order/attempt-run.ts';
import type { Snapshot } from '../shared/contract/index.ts';
import type { SimCard } from './card.ts';
import type { Dice } from './dice.ts';
import { Onlooker } from './my-account-customer.ts';
import type { Site } from './site.ts';

/** What a customer has in mind. */
export const PLANS = [
  'buy',
  'buy',
  'buy',
  'buy',
  'buy',
  'buy',
  'buy',
  'buy',
  'cancel',
  'pull-at-pay',
  'pull-in-write',
  'pull-in-write',
  'pull-in-write',
  'let-expire',
  'query',
  'query',
  'query',
  'scan-and-wait',
  'wrong-card',
  'show-code',
  'show-code',
  'show-code',
  'show-code-slowly',
  'show-code-slowly',
  'switch',
  'switch-and-pay-both',
] as const;
export type Plan = (typeof PLANS)[number];

export interface Phone {
  /** Pays a code. `late`: the provider takes it although it is closed. */
  readonly pay: (codeUrl: string, late: boolean) => void;
  readonly scan: (codeUrl: string) => void;
  /** The next code payment asks for its password. */
  readonly askPassword: () => void;
}

/** How long a customer stays at most, ms of virtual time. */
const PATIENCE_MS = 420_000;

/**
 * A person at a machine: looks, thinks, does one thing, looks again. Knows nothing of what is
 * behind the screen.
 */
export class Customer {
  readonly site: Site;
  readonly card: SimCard;
  readonly cardId: string;
  readonly plan: Plan;
  /** Another card in the pocket; put in by mistake, or on purpose. */
  readonly other: SimCard | null;
  readonly onlooker: Onlooker;
  done = false;
  /** Went away while the purchase was in doubt. */
  unfinished = false;
  /** The code of a payment that was called off: paid after all, later. */
  leftover: string | null = null;
  #dice: Dice;
  #phone: Phone;
  #arrivedMs: number;
  #inserted = 0;
  #pays = 0;
  #after: (delayMs: number, fn: () => void) => void;
  #thinking = false;
  #pulled = false;
  #paidAndPulled = false;
  #scanned: string | null = null;
  /** The phone's own code that was shown last. */
  #shown: string | null = null;
  #switched: string | null = null;
  #looked: string | null = null;

  constructor(
    site: Site,
    card: SimCard,
    cardId: string,
    plan: Plan,
    other: SimCard | null,
    dice: Dice,
    phone: Phone,
    nowMs: number,
    after: (delayMs: number, fn: () => void) => void,
  ) {
    this.site = site;
    this.card = card;
    this.cardId = cardId;
    this.plan = plan;
    this.other = other;
    this.#dice = dice;
    this.onlooker = new Onlooker(site, dice);
    this.#phone = phone;
    this.#arrivedMs = nowMs;
    this.#after = after;
  }

  /** The screen changed, or it is time to look again. */
  look(): void {
    if (this.#thinking || this.done) return;
    this.#thinking = true;
    this.#after(this.#dice.between(300, 3_000), () => {
      this.#thinking = false;
      if (!this.done) this.#act();
    });
  }

  /** Time is up: takes the card and goes, whatever is shown. */
  overdue(nowMs: number): boolean {
    return nowMs - this.#arrivedMs > PATIENCE_MS;
  }

  #in(): boolean {
    return (
      this.site.slot.card === this.card ||
      (this.other !== null && this.site.slot.card === this.other)
    );
  }
  #take(): void {
    if (this.#in()) this.site.slot.remove();
  }
  #insert(card: SimCard): void {
    if (this.site.slot.card !== null) return;
    this.#inserted += 1;
    this.site.slot.insert(card);
  }
  #leave(): void {
    this.#take();
    this.done = true;
  }

  #act(): void {
    const { site } = this;
    const s = site.snapshot;
    if (s === null) return;
    switch (s.screen) {
      case 'start':
      case 'order-status':
        if (this.#in()) return;
        if (this.#inserted >= 3) return this.#leave();
        if (this.plan === 'query' && this.#inserted === 0 && s.screen === 'start')
          return site.tap('open', this.#dice.pick(['my-account', 'unfinished'] as const));
        return this.#insert(
          this.plan === 'wrong-card' && this.other !== null && this.#inserted === 1
            ? this.other
            : this.card,
        );
      case 'insert-card':
        if (s.byNumber === true && this.#dice.chance(0.3)) return site.tap('my-number');
        return this.#insert(this.card);
      case 'my-account-no':
        return this.onlooker.typesNumber(s) ? undefined : site.tap('exit');
      case 'my-account':
        if (this.onlooker.looks(s)) return;
        site.tap('exit');
        return this.#leave();
      case 'info':
      case 'request':
        return this.#insert(this.card);
      case 'user-no':
      case 'is-it-you':
      case 'top-up':
      case 'bills':
      case 'contract':
        return this.#insert(this.card);
      case 'out-of-service':
        return this.#dice.chance(0.2) ? this.#leave() : undefined;
      case 'amount': {
        if (s.busy) return;
        if (s.quote === null || s.chosenFen === null) {
          if (s.maxFen < s.minFen || this.#inserted > 6) return this.#leave();
          const fen =
            this.#dice.chance(0.5) && s.presetsFen.length > 0
              ? this.#dice.pick(s.presetsFen)
              : this.#dice.between(s.minFen, Math.max(s.minFen, Math.min(s.maxFen, 30_000)));
          return site.tap('choose-amount', fen);
        }
        return site.tap('pay', s.chosenFen);
      }
      case 'confirm-sum':
      case 'no-slip':
        if (s.busy) return;
        // Some read it, and choose again.
        return this.#dice.chance(0.15) ? site.tap('back') : site.tap('pay', s.amountFen);
      case 'pay':
        return this.#atPay(s);
      case 'writing':
        if (this.plan === 'pull-in-write' && !this.#pulled) {
          this.#pulled = true;
          this.#take();
        }
        return;
      case 'done':
        return this.#leave();
      case 'in-doubt':
        if (this.#in()) {
          if (s.reason === 'payment' || s.reason === 'central' || this.#inserted > 4) {
            this.unfinished = s.reason !== 'payment';
            return this.#leave();
          }
          return this.#take();
        }
        // Most put the card back at once; some go home with it, and come another day, perhaps to
        // another machine.
        if (s.reason === 'payment' || this.#inserted > 4 || this.#dice.chance(0.65)) {
          this.unfinished = s.reason !== 'payment';
          return this.#leave();
        }
        return this.#insert(this.card);
      case 'cannot-sell':
      case 'take-card':
      case 'card-info':
      case 'cancelled':
      case 'refunding':
        return this.#leave();
      case 'unfinished':
        return s.state === 'finishing' || s.state === 'found' ? undefined : this.#leave();
      case 'reading':
      case 'maintenance':
      case 'maintenance-pin':
        return;
    }
  }

  /** The phone asks for the password: some type it, some never do, and some a good while later. */
  #confirm(s: Extract<Snapshot, { screen: 'pay' }>): void {
    if (this.#shown === null || (s.state !== 'paying' && s.state !== 'switching')) return;
    if (this.plan === 'show-code-slowly') this.leftover = `auth:${this.#shown}`;
    // Whoever is slow may be just in time for the reversal.
    if (
      this.#dice.chance(
        s.state === 'switching' ? 0.8 : this.plan === 'show-code-slowly' ? 0.1 : 0.5,
      )
    )
      this.#phone.pay(`auth:${this.#shown}`, false);
  }

  /**
   * The password is asked for, and typed just when the machine stops waiting and takes the payment
   * back.
   */
  #confirmAtTheLast(code: string): void {
    this.#phone.askPassword();
    this.#after(CODE_WAIT_MS - this.#dice.between(0, 2_000), () =>
      this.#phone.pay(`auth:${code}`, false),
    );
  }

  /** Pays, and has the card out before the machine has heard of it, or the other way round. */
  #payAndPull(code: string): void {
    this.#paidAndPulled = true;
    this.#take();
    this.#after(this.#dice.between(0, 150), () => this.#phone.pay(code, false));
  }

  #atPay(s: Extract<Snapshot, { screen: 'pay' }>): void {
    const { site } = this;
    if (s.state === 'unknown') {
      if (this.#dice.chance(0.3)) site.tap('check-payment');
      return;
    }
    if (s.byCode) return this.#confirm(s);
    const code = s.qrText ?? this.#scanned;
    // Whoever has paid and sees that the card is missed puts it back.
    if (s.state === 'card-out') return this.#paidAndPulled ? this.#insert(this.card) : undefined;
    if (code === null || s.state === 'closing' || s.state === 'creating' || s.state === 'switching')
      return;
    // A company's code leads into some wallet first; many have it open a while before they pay, or
    // never do.
    if (code !== this.#looked && code.includes('/q/') && this.#dice.chance(0.6)) {
      this.#looked = code;
      this.#phone.scan(code);
      if (this.#dice.chance(0.7)) return;
    }
    switch (this.plan) {
      case 'cancel':
        this.leftover = code;
        if (s.cancelOffered) site.tap('cancel');
        return;
      case 'pull-at-pay':
        if (this.#pulled) return;
        this.#pulled = true;
        this.leftover = code;
        if (this.#dice.chance(0.7)) return this.#payAndPull(code);
        return this.#take();
      case 'let-expire':
        this.leftover = code;
        return;
      case 'show-code':
      case 'show-code-slowly': {
        // Declined twice, people take out the other phone, or scan the screen after all.
        if (this.#pays > 2) return this.#phone.pay(code, false);
        this.#pays += 1;
        const digits = Array.from({ length: 16 }, () => String(this.#dice.between(0, 9))).join('');
        this.#shown =
          this.#dice.chance(0.1) && this.#shown !== null
            ? this.#shown
            : `${this.#dice.pick(['13', '28'] as const)}${digits}`;
        if (this.plan === 'show-code-slowly' && this.#dice.chance(0.4))
          this.#confirmAtTheLast(this.#shown);
        return site.scan(this.#shown);
      }
      case 'switch':
      case 'switch-and-pay-both': {
        const other = s.choices.find((kind) => kind !== s.provider);
        if (this.#switched === null && other !== undefined) {
          this.#switched = code;
          site.tap('pay-with', other);
          // The phone was faster than the eye: paid by the first after all.
          if (this.plan === 'switch-and-pay-both' && this.#dice.chance(0.5))
            this.#after(this.#dice.between(0, 150), () => this.#phone.pay(code, false));
          return;
        }
        if (this.plan === 'switch-and-pay-both' && this.#switched !== null)
          this.leftover = this.#switched;
        return this.#phone.pay(code, false);
      }
      case 'scan-and-wait':
        if (this.#pays === 0) {
          this.#pays += 1;
          this.#scanned = code;
          return this.#phone.scan(code);
        }
        if (this.#dice.chance(0.3)) this.#phone.pay(code, false);
        return;
      case 'buy':
      case 'pull-in-write':
      case 'query':
      case 'wrong-card':
        this.#pays += 1;
        // Taps again, as people do when nothing happens.
        if (this.#pays > 2 && this.#dice.chance(0.5)) site.tap('check-payment');
        return this.#phone.pay(code, false);
    }
  }
}
