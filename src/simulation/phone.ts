import type { WalletName } from '../simulator/pay-town.ts';
import { PAGES, payWith, scanWith } from './providers.ts';
import type { Town } from './town.ts';

/**
 * The customers' phones, with every wallet in them. A gateway's code leads to a wallet's own, by
 * its page.
 */
export class Phone {
  readonly #world: Town;
  /** The wallets' codes to which a gateway's code has led. */
  readonly #led = new Map<string, string[]>();

  constructor(world: Town) {
    this.#world = world;
  }

  /** Pays a code. `late`: the wallet takes it although it is closed. */
  pay(codeUrl: string, late: boolean): void {
    if (!codeUrl.startsWith(`${PAGES}/q/`)) return this.#taken(codeUrl, late);
    const led = this.#led.get(codeUrl) ?? [];
    // Whoever has a wallet's code open pays that one, long after the page would say no.
    if (late && led.length > 0) return this.#taken(this.#world.dice.pick(led), true);
    this.#open(codeUrl, 3, (own) => {
      this.#taken(own, late);
      // A wallet that was left for another one still has its code open.
      const left = led.filter((code) => code !== own);
      if (left.length > 0 && this.#world.dice.chance(0.6))
        this.#world.leftover(this.#world.dice.pick(left));
    });
  }

  scan(codeUrl: string): void {
    if (codeUrl.startsWith(`${PAGES}/q/`))
      this.#open(codeUrl, 1, (own) => scanWith(this.#world.wallets, own));
    else scanWith(this.#world.wallets, codeUrl);
    this.#world.tell('customer scans');
  }

  askPassword(): void {
    this.#world.wallets.wechat.control.faults({ askPassword: 1 });
    this.#world.wallets.alipay.control.faults({ askPassword: 1 });
  }

  /** Opens the gateway's page in some wallet, and taps; told to wait, looks again. */
  #open(link: string, tries: number, found: (own: string) => void): void {
    const world = this.#world;
    const wallet = world.dice.pick(['wechat', 'alipay', 'unionpay'] satisfies WalletName[]);
    const page = (method: 'GET' | 'POST'): ReturnType<typeof world.central.handle> =>
      world.central.handle({
        method,
        target: `${link.slice(PAGES.length)}?wallet=${wallet}`,
        headers: {},
        body: new Uint8Array(0),
      });
    void page('GET')
      .then((looked) => (looked?.status === 200 ? page('POST') : looked))
      .then((said) => {
        const own = said?.headers['location'];
        world.tell(`customer opens the page with ${wallet}: ${said?.status ?? 'nothing'}`);
        if (own !== undefined) {
          const led = this.#led.get(link) ?? [];
          if (!led.includes(own)) this.#led.set(link, [...led, own]);
          if (led.length > 0 && !led.includes(own)) world.count('wallet-left');
          found(own);
        } else if (tries > 1 && (said === null || said.status >= 500))
          world.timeline.after(3_000, () => this.#open(link, tries - 1, found));
      });
  }

  #taken(codeUrl: string, late: boolean): void {
    const world = this.#world;
    const outcome = payWith(world.wallets, codeUrl, late);
    world.tell(`customer pays${late ? ' late' : ''}: ${outcome.paid ? 'taken' : outcome.reason}`);
    if (outcome.paid && late) world.count('late-capture');
  }
}
