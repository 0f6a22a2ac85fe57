import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { verifies } from './client.ts';
import type { AlipayProviderConfig } from './client.ts';

/** No notification is near this (a form of some thirty fields). */
const MAX_BYTES = 1 << 15;
const TRADE_NO = /^[0-9A-Za-z_]{1,64}$/;

/**
 * A callback of Alipay's: a form, signed with RSA2 over its fields but `sign` and `sign_type`,
 * sorted, decoded, as `k=v` joined by `&` (payments.md section B, "Notify"; opendocs.alipay.com,
 * "asynchronous notification"). What it gives is the number that it speaks of and nothing else, as
 * WeChat's does: whoever hears it asks the platform. It carries no time that would make it old, so
 * one that was kept and comes again makes somebody ask again, and no more. Never throws; PAY-0201
 * where anything of it does not hold.
 */
export function readNotification(
  { appId, alipayKey }: Pick<AlipayProviderConfig, 'appId' | 'alipayKey'>,
  body: Uint8Array,
): Result<{ readonly outTradeNo: string }, Failure> {
  const no = (why: string): Result<never, Failure> =>
    err(failure('PAY-0201', `callback not believed: ${why}`));
  if (body.length > MAX_BYTES) return no('too large');
  const fields = [...new URLSearchParams(Buffer.from(body).toString('utf8'))];
  const form = new Map(fields);
  // A field that is there twice could be signed as one and read as the other.
  if (form.size < fields.length) return no('a field is there twice');
  if (form.get('sign_type') !== 'RSA2') return no('not signed with RSA2');
  const covered = fields
    .filter(([name]) => name !== 'sign' && name !== 'sign_type')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  if (!verifies(alipayKey, covered, form.get('sign') ?? '')) return no('signature does not match');
  if (form.get('app_id') !== appId)
    return no(`it names application ${(form.get('app_id') ?? '').slice(0, 32)}`);
  const outTradeNo = form.get('out_trade_no') ?? '';
  return TRADE_NO.test(outTradeNo) ? ok({ outTradeNo }) : no('it names no trade');
}
