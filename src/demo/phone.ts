import { OPENID_HEADER } from '../simulator/wechat/sandbox.ts';
import { walletOfCode } from '../simulator/pay-town.ts';
import type { WalletName } from '../simulator/pay-town.ts';

export interface PhoneOptions {
  /** Where the wallets' pretend phones are. */
  readonly sandboxUrl: string;
  /** The newest code of the gateway's that a kiosk was given; null: none yet, or central is away. */
  readonly gatewayCode: () => Promise<{
    readonly codeUrl: string;
    readonly createdAtMs: number;
  } | null>;
}
/** One trade in a wallet's books. */
export interface Trade {
  readonly outTradeNo: string;
  readonly state: string;
  readonly codeUrls: readonly string[];
  readonly total: number;
  readonly createdAtMs: number;
}
/** What the wallet said, in its own words; `reason` where nothing was paid. */
export type PhoneAnswer = {
  readonly paid?: boolean;
  readonly scanned?: boolean;
  readonly reason?: string;
  readonly codeUrl?: string;
};

/** How a wallet's browser names itself. */
const BROWSERS: Readonly<Record<WalletName, string>> = {
  wechat: 'Mozilla/5.0 (Linux; Android 15) MicroMessenger/8.0',
  alipay: 'Mozilla/5.0 (Linux; Android 15) AlipayClient/10.6',
  unionpay: 'Mozilla/5.0 (Linux; Android 15) UnionPay/1.0',
};
/** What the gateway's page tells a phone that gets no code, by its status (docs/payment-gateway.md). */
const PAGE_SAYS: Readonly<Record<number, string>> = {
  200: 'already-paid',
  404: 'unknown-code',
  410: 'closed',
  429: 'wait',
  502: 'refused',
  503: 'wait',
};
const PAGE_TIMEOUT_MS = 15_000;
/**
 * The gateway's own numbers at the wallets; what they stand for a kiosk shows as the gateway's
 * code.
 */
const LEG = /^(?:\d{4})?G[0-9A-F]{26}(?:@|$)/;

/** Whose phone it is, as WeChat calls him to every merchant here. */
const OPENID = 'demo-phone-openid';
/** What a page hands to the wallet around it (central/gateway/page.ts). */
const INVOKED = /data-params="([^"]*)"/;

/**
 * What a person does with the gateway's page: looks at it, and taps its one button. In WeChat the
 * browser then goes to tell who he is, by itself, and comes back.
 */
async function openAndTap(code: string, wallet: WalletName): Promise<Response> {
  const init = {
    redirect: 'manual',
    headers: { 'user-agent': BROWSERS[wallet] },
    signal: AbortSignal.timeout(PAGE_TIMEOUT_MS),
  } as const;
  const page = await fetch(code, init);
  if (page.status !== 200) return page;
  const tapped = await fetch(code, {
    ...init,
    method: 'POST',
    body: new URLSearchParams({ wallet }),
  });
  const to = tapped.headers.get('location') ?? '';
  if (!to.includes('/connect/oauth2/authorize?')) return tapped;
  const told = await fetch(to, {
    ...init,
    headers: { ...init.headers, [OPENID_HEADER]: OPENID },
  });
  const cookie = tapped.headers.get('set-cookie')?.split(';')[0] ?? '';
  return fetch(told.headers.get('location') ?? to, {
    ...init,
    headers: { ...init.headers, cookie },
  });
}

/** What a page hands to WeChat; null: it is another page. */
function invokedBy(html: string): unknown {
  const found = INVOKED.exec(html)?.[1];
  return found === undefined
    ? null
    : JSON.parse(
        found.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code))),
      );
}

/** A pretend phone with every wallet in it. */
export class Phone {
  readonly #o: PhoneOptions;
  /** The gateway's code that was opened last, and the wallet's own one to which it led. */
  #led: { readonly from: string; readonly to: string } | null = null;

  constructor(options: PhoneOptions) {
    this.#o = options;
  }

  async control(verb: string, body?: unknown): Promise<unknown> {
    const response = await fetch(
      `${this.#o.sandboxUrl}/_control/${verb}`,
      body === undefined
        ? {}
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify(body),
          },
    );
    return response.json();
  }

  /** What is in the wallets' books, oldest first. */
  async trades(): Promise<readonly Trade[]> {
    try {
      return ((await this.control('books')) as { orders: Trade[] }).orders;
    } catch {
      return [];
    }
  }

  /** The code that was shown last; null: none yet. */
  async newestCode(): Promise<string | null> {
    const own = (await this.trades()).findLast(
      (t) => !LEG.test(t.outTradeNo) && t.codeUrls.at(-1)?.startsWith('auth:') === false,
    );
    const gateway = await this.#o.gatewayCode();
    if (gateway !== null && gateway.createdAtMs >= (own?.createdAtMs ?? 0)) return gateway.codeUrl;
    return own?.codeUrls.at(-1) ?? null;
  }

  /** Points a wallet at a code. A gateway's code leads to the wallet's own one. */
  async #look(
    codeUrl: string | undefined,
    wallet: WalletName | undefined,
  ): Promise<{ readonly codeUrl: string } | { readonly reason: string }> {
    const code = codeUrl ?? (await this.#codeOf(wallet));
    if (code === null) throw new Error('no QR code was shown yet');
    if (/^https?:\/\/[^/]+\/q\//.test(code)) {
      const page = await openAndTap(code, wallet ?? 'wechat');
      const params = invokedBy(await page.text());
      const to =
        params === null
          ? page.headers.get('location')
          : (
              (await this.control('invoke', { params, openid: OPENID })) as {
                codeUrl: string | null;
              }
            ).codeUrl;
      if (params !== null && to === null) return { reason: 'wallet-refuses' };
      if (to === null) return { reason: PAGE_SAYS[page.status] ?? `status ${page.status}` };
      this.#led = { from: code, to };
      return { codeUrl: to };
    }
    const owner = walletOfCode(code);
    // The acquirer's code is every wallet's; the two others are for their own.
    return wallet === undefined || owner === 'unionpay' || owner === wallet
      ? { codeUrl: code }
      : { reason: 'another-wallet' };
  }
  /** A customer's own code that waits for its password is confirmed before anything is scanned. */
  async #codeOf(wallet: WalletName | undefined): Promise<string | null> {
    const last = (await this.trades()).at(-1);
    const asked = last?.codeUrls.at(-1);
    if (
      last?.state === 'USERPAYING' &&
      asked?.startsWith('auth:') === true &&
      (wallet === undefined || walletOfCode(asked) === wallet)
    )
      return asked;
    return this.newestCode();
  }

  async scan(request: {
    readonly codeUrl?: string | undefined;
    readonly wallet?: WalletName | undefined;
  }): Promise<PhoneAnswer> {
    const found = await this.#look(request.codeUrl, request.wallet);
    return 'reason' in found
      ? { scanned: false, ...found }
      : { ...((await this.control('scan', found)) as PhoneAnswer), ...found };
  }
  /**
   * @param request `late`: the wallet takes the money although the trade is over · `fail`: the
   *   payment fails there
   */
  async pay(request: {
    readonly codeUrl?: string | undefined;
    readonly wallet?: WalletName | undefined;
    readonly late?: boolean | undefined;
    readonly fail?: boolean | undefined;
  }): Promise<PhoneAnswer> {
    // Late with a gateway's code is whoever has the wallet open already: the page would say no.
    const led =
      request.late === true &&
      request.codeUrl === undefined &&
      this.#led !== null &&
      this.#led.from === (await this.newestCode())
        ? this.#led.to
        : undefined;
    const found =
      led === undefined ? await this.#look(request.codeUrl, request.wallet) : { codeUrl: led };
    if ('reason' in found) return { paid: false, ...found };
    return {
      ...((await this.control('pay', {
        ...found,
        late: request.late === true,
        fail: request.fail === true,
      })) as PhoneAnswer),
      ...found,
    };
  }
}
