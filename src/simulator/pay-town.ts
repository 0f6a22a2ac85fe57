import type { AlipaySandbox } from './alipay/sandbox.ts';
import { sandboxServer } from './sandbox-http.ts';
import type { SandboxControls, SandboxServer } from './sandbox-http.ts';
import type { UnionpaySandbox } from './unionpay/sandbox.ts';
import type { WechatSandbox } from './wechat/sandbox.ts';

/** The wallets of a town, each with its own gateway. */
export interface Wallets {
  readonly wechat: WechatSandbox;
  readonly alipay: AlipaySandbox;
  readonly unionpay: UnionpaySandbox;
}
/** The wallets of a town. */
export type WalletName = keyof Wallets;

/** Whose gateway a request is for, by its path. */
export function walletOfPath(path: string): WalletName {
  if (path === '/gateway.do' || path.startsWith('/v3/alipay/') || path.startsWith('/alipay-bill/'))
    return 'alipay';
  return path.startsWith('/v1/netpay/') ? 'unionpay' : 'wechat';
}
/**
 * Whose code it is: by the links that each makes, and by how payment codes begin (`auth:` and the
 * digits).
 */
export function walletOfCode(codeUrl: string): WalletName {
  if (codeUrl.startsWith('https://qr.alipay.com/') || /^auth:(2[5-9]|30)/.test(codeUrl))
    return 'alipay';
  return codeUrl.startsWith('https://qr.chinaums.com/') ? 'unionpay' : 'wechat';
}

/**
 * All gateways behind one port, with one pretend phone for them (`/_control/…`), as the demo hall
 * needs them.
 */
export function createPayTown(port: number, { wechat, alipay, unionpay }: Wallets): SandboxServer {
  const controls: SandboxControls = (what, json) => {
    const codeUrl = typeof json['codeUrl'] === 'string' ? json['codeUrl'] : '';
    const late = json['late'] === true;
    const wallet = walletOfCode(codeUrl);
    switch (what) {
      case 'GET /books': {
        const all = [wechat.control.books(), alipay.control.books(), unionpay.control.books()];
        return {
          orders: all.flatMap((b) => b.orders).toSorted((x, y) => x.createdAtMs - y.createdAtMs),
          refunds: all.flatMap((b) => b.refunds),
        };
      }
      case 'POST /pay':
        return wallet === 'wechat'
          ? wechat.control.pay({ codeUrl, late, fail: json['fail'] === true })
          : wallet === 'alipay'
            ? alipay.control.pay({ codeUrl, late })
            : unionpay.control.pay({ codeUrl, late });
      case 'POST /scan':
        // The acquirer tells nobody that a code was looked at.
        return wallet === 'unionpay'
          ? { scanned: true }
          : (wallet === 'alipay' ? alipay : wechat).control.scan({ codeUrl });
      case 'POST /invoke':
        return wechat.control.invoke(
          typeof json['params'] === 'object' && json['params'] !== null
            ? (json['params'] as Record<string, unknown>)
            : {},
          typeof json['openid'] === 'string' ? json['openid'] : '',
        );
      case 'POST /faults': {
        // `at` keeps a fault to one of them.
        const { at, ...faults } = json;
        if (at === undefined || at === 'wechat') wechat.control.faults(faults);
        if (at === undefined || at === 'alipay') alipay.control.faults(faults);
        if (at === undefined || at === 'unionpay') unionpay.control.faults(faults);
        return {};
      }
      case 'POST /release-refunds':
        for (const w of [wechat, alipay, unionpay]) w.control.releaseRefunds();
        return {};
      case 'POST /mend-refunds':
        wechat.control.mendRefunds();
        return {};
      default:
        return undefined;
    }
  };
  const server = sandboxServer(
    port,
    (request) =>
      ({ wechat, alipay, unionpay })[walletOfPath(request.target.split('?')[0] ?? '')].handle(
        request,
      ),
    controls,
  );
  return {
    ...server,
    close: async () => {
      await server.close();
      await Promise.all([wechat.close(), alipay.close(), unionpay.close()]);
    },
  };
}
