import type { AlipaySandbox } from './alipay/sandbox.ts';
import type { SandboxHandle, SandboxRequest } from './sandbox-http.ts';
import type { WechatSandbox } from './wechat/sandbox.ts';

/**
 * One wallet's gateway with several merchants, as the platforms have them: one address, and each
 * request says under whose number it is signed (`mchid`, `app_id`). Each merchant has keys, orders,
 * refunds and bills of its own, and sees nobody else's. The first one answers what names none.
 */
export function joinWechat(merchants: Readonly<Record<string, WechatSandbox>>): WechatSandbox {
  const one = joined(merchants, wechatMerchant);
  const all = Object.values(merchants);
  return {
    ...one,
    control: {
      ...one.control,
      // An order's signature is its merchant's: one of them knows it.
      invoke: (params, openid) =>
        all.map((m) => m.control.invoke(params, openid)).find((said) => said.codeUrl !== null) ?? {
          codeUrl: null,
        },
    },
    // Who pays is asked by the official account's number.
    handle: (request) => {
      const appid = new URL(request.target, 'http://wechat').searchParams.get('appid');
      const owner = appid === null ? undefined : all.find((m) => m.appid === appid);
      return (owner ?? one).handle(request);
    },
  };
}
/** See {@link joinWechat}; by `app_id`. */
export const joinAlipay = (merchants: Readonly<Record<string, AlipaySandbox>>): AlipaySandbox =>
  joined(merchants, alipayApp);

const text = (value: string | readonly string[] | undefined): string =>
  typeof value === 'string' ? value : (value?.[0] ?? '');

/** `Authorization: WECHATPAY2-SHA256-RSA2048 mchid="…",…`. */
const wechatMerchant = ({ headers }: SandboxRequest): string =>
  /\bmchid="([^"]*)"/.exec(text(headers['authorization']))?.[1] ?? '';
/** v3: in `authorization`; v2: a parameter of the query or the form. */
function alipayApp({ headers, target, body }: SandboxRequest): string {
  const named = /\bapp_id=([^,]+)/.exec(text(headers['authorization']))?.[1];
  if (named !== undefined) return named;
  const query = new URL(target, 'http://alipay').searchParams.get('app_id');
  return query ?? new URLSearchParams(Buffer.from(body).toString('utf8')).get('app_id') ?? '';
}

type Joinable = Pick<WechatSandbox | AlipaySandbox, 'start' | 'close' | 'port'> & {
  readonly handle: SandboxHandle;
  readonly control: Pick<WechatSandbox['control'], 'books' | 'pay' | 'scan' | 'releaseRefunds'> & {
    readonly faults: (faults: never) => void;
    readonly calls: () => Readonly<Record<string, number>>;
    readonly mendRefunds?: () => void;
  };
};

function joined<T extends Joinable>(
  merchants: Readonly<Record<string, T>>,
  merchantOf: (request: SandboxRequest) => string,
): T {
  const all = Object.values(merchants);
  const first = all[0] as T;
  /** Whose code it is: codes are nobody else's. */
  const owner = (codeUrl: string): T =>
    all.find((one) => one.control.books().orders.some((o) => o.codeUrls.includes(codeUrl))) ??
    first;
  const control: Joinable['control'] = {
    ...first.control,
    pay: (request) => owner(request.codeUrl).control.pay(request),
    scan: (request) => owner(request.codeUrl).control.scan(request),
    releaseRefunds: () => all.forEach((one) => one.control.releaseRefunds()),
    mendRefunds: () => all.forEach((one) => one.control.mendRefunds?.()),
    faults: (faults) => all.forEach((one) => one.control.faults(faults)),
    books: () => {
      const books = all.map((one) => one.control.books());
      return {
        orders: books.flatMap((b) => b.orders),
        refunds: books.flatMap((b) => b.refunds),
      };
    },
    calls: () => {
      const sum: Record<string, number> = {};
      for (const one of all)
        for (const [verb, n] of Object.entries(one.control.calls()))
          sum[verb] = (sum[verb] ?? 0) + n;
      return sum;
    },
  };
  return {
    ...first,
    control,
    handle: (request) =>
      (Object.hasOwn(merchants, merchantOf(request))
        ? (merchants[merchantOf(request)] as T)
        : fileOf(all, request)
      ).handle(request),
    close: async () => void (await Promise.all(all.map((one) => one.close()))),
  };
}

/** A bill's file is fetched by its link alone, which names the merchant where it was given so. */
function fileOf<T>(all: readonly T[], { target }: SandboxRequest): T {
  const named = Number(new URL(target, 'http://wallet').searchParams.get('m') ?? '0');
  return all[named] ?? (all[0] as T);
}
