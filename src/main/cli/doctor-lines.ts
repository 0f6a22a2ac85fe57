import { createBillingClient } from '../../billing/client.ts';
import { loadPayments } from '../../payment/load.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import type { IssuedPolicy } from '../../shared/policy.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import { chinaTime } from '../../shared/time.ts';
import type { LoadedConfig } from '../config.ts';
import { lineAdvice, loadCentralLine } from '../core/central-line.ts';
import { loadTerminalKeys } from '../core/terminal-keys.ts';
import { failed, found } from './finding.ts';
import type { Finding } from './finding.ts';

const NETWORK_TIMEOUT_MS = 8_000;
/** Until a policy says otherwise: card payments and signatures are refused beyond minutes. */
const DEFAULT_SKEW_MS = 60_000;

/** What asking over a line needs. */
interface LinePorts {
  readonly clock: Clock;
  readonly random: Random;
}

/** Each line that money is taken by answers, and its signature holds. */
export async function checkPayments(loaded: LoadedConfig, options: LinePorts): Promise<Finding[]> {
  const { config } = loaded;
  const line = loadCentralLine(loaded);
  const providers = loadPayments(config, loaded.baseDir, {
    clock: options.clock,
    random: options.random,
    timeoutMs: NETWORK_TIMEOUT_MS,
    gatewaySend: line.ok ? line.value : undefined,
  });
  if (!providers.ok)
    return [
      failed('payment', providers.error, {
        zh: '改正这些项；没有付款线路就什么都不售',
        en: 'correct these keys; without a payment line nothing is sold',
      }),
    ];
  return Promise.all(
    providers.value.map(async (provider) => {
      // A number that no order ever has: the answer must be a signed "unknown to us".
      const answer = await provider.query({
        outTradeNo: `PROBE${config.terminalId}`,
        amountFen: 0,
      });
      if (answer.kind === 'unknown')
        return failed(
          'payment',
          answer.failure,
          lineAdvice(answer.failure.cause) ??
            (answer.failure.code === 'PAY-0201'
              ? {
                  zh: '检查 payments[].platformKeys 和本机时钟',
                  en: 'check payments[].platformKeys and this machine’s clock',
                }
              : {
                  zh: '检查网络、baseUrl、商户号和密钥；没有付款线路就什么都不售',
                  en: 'check the network, baseUrl, merchant number and key; without a payment line nothing is sold',
                }),
        );
      return found('OK', 'payment', {
        zh: `${provider.kind}：线路应答，验签通过`,
        en: `${provider.kind}: the line answers, and its signature holds`,
      });
    }),
  );
}

function centralAction({ code, cause }: Failure): ErrorText {
  const advice = lineAdvice(cause);
  if (advice !== null) return advice;
  if (code === 'BILL-0103')
    return {
      zh: '在中心登记本终端的公钥',
      en: 'enrol this terminal’s public key at central',
    };
  if (code === 'BILL-0101')
    return {
      zh: '检查网络和 central.baseUrl；缓存里有账户的卡，在限额内照样能售',
      en: 'check the network and central.baseUrl; cards whose account is cached are still sold to, within the policy’s limits',
    };
  return {
    zh: '检查 central.policyKeyFile、central.answerKeyFile 和中心的版本',
    en: 'check central.policyKeyFile, central.answerKeyFile and central’s version',
  };
}

/** Central, its policy and the clock. */
export async function checkCentral(loaded: LoadedConfig, options: LinePorts): Promise<Finding[]> {
  const { config } = loaded;
  const line = loadCentralLine(loaded);
  if (!line.ok)
    return [
      failed('central', line.error, {
        zh: '没有它就连不上中心：改正这个文件',
        en: 'without it central is not reached: correct the file',
      }),
    ];
  const keys = loadTerminalKeys(loaded);
  if (!keys.ok)
    return [
      found(
        'FAIL',
        'central',
        { zh: '没有问：密钥文件不能用', en: 'not asked: its key files cannot be used' },
        { zh: '见上面的 key-files', en: 'see key-files above' },
        'CONF-0101',
      ),
    ];
  const client = createBillingClient({
    baseUrl: config.central.baseUrl,
    terminalId: config.terminalId,
    ...keys.value,
    clock: options.clock,
    random: options.random,
    timeoutMs: NETWORK_TIMEOUT_MS,
    ...(line.value === undefined ? {} : { send: line.value }),
  });
  const [time, policy] = await Promise.all([client.time(), client.policy()]);
  const findings: Finding[] = [
    time.ok
      ? found('OK', 'central', {
          zh: `${Math.round(time.value.roundTripMs)} 毫秒内应答`,
          en: `answers within ${Math.round(time.value.roundTripMs)} ms`,
        })
      : failed('central', time.error, centralAction(time.error)),
  ];
  if (time.ok) {
    findings.push(
      policy.ok
        ? policyFinding(
            policy.value.policy,
            time.value.serverTimeMs,
            config.central.minPolicyVersion ?? 0,
          )
        : failed('policy', policy.error, centralAction(policy.error)),
    );
    const skewMs = Math.round(
      options.clock.nowMs() - time.value.roundTripMs / 2 - time.value.serverTimeMs,
    );
    const limitMs = policy.ok ? policy.value.policy.maxClockSkewMs : DEFAULT_SKEW_MS;
    findings.push(
      Math.abs(skewMs) > limitMs
        ? found(
            'FAIL',
            'clock',
            {
              zh: `与中心相差 ${skewMs} 毫秒，限度是 ${limitMs} 毫秒`,
              en: `${skewMs} ms from central’s, the limit is ${limitMs} ms`,
            },
            {
              zh: '校准时钟（timedatectl set-ntp true）',
              en: 'set the clock (timedatectl set-ntp true)',
            },
            'CORE-0102',
          )
        : found('OK', 'clock', {
            zh: `与中心相差 ${skewMs} 毫秒`,
            en: `${skewMs} ms from central’s`,
          }),
    );
  } else
    findings.push(
      found(
        'WARN',
        'clock',
        { zh: '没有核对：中心没有应答', en: 'not compared: central does not answer' },
        { zh: '见上面的 central', en: 'see central above' },
      ),
    );
  return findings;
}

/** A policy whose signature holds may still be one that nothing is sold by. */
function policyFinding(policy: IssuedPolicy, nowMs: number, minVersion: number): Finding {
  const until = chinaTime(policy.expiresAtMs);
  const what = {
    zh: `第 ${policy.version} 版，到 ${until} 为止`,
    en: `version ${policy.version}, until ${until}`,
  };
  if (policy.version < minVersion)
    return found(
      'FAIL',
      'policy',
      {
        zh: `${what.zh}：central.minPolicyVersion 要求 ${minVersion}`,
        en: `${what.en}: central.minPolicyVersion asks for ${minVersion}`,
      },
      {
        zh: '在中心放上新版本，或改正 terminal.json',
        en: 'put the newer policy in at central, or correct terminal.json',
      },
      'SALE-0118',
    );
  return policy.expiresAtMs < nowMs
    ? found(
        'FAIL',
        'policy',
        { zh: `${what.zh}：已过期`, en: `${what.en}: it is over` },
        {
          zh: '要由中心重新签发：可能有人在用中心以前说过的话作答',
          en: 'central must issue it anew: somebody may be answering with what central said once',
        },
        'SALE-0118',
      )
    : found('OK', 'policy', {
        zh: `${what.zh}，验签通过`,
        en: `${what.en}, signature holds`,
      });
}
