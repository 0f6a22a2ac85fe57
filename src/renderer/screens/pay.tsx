import type { ReactElement } from 'react';
import type { SnapshotOf } from '../../shared/contract/index.ts';
import { formatYuan } from '../../shared/money.ts';
import { Disc } from '../components/art.tsx';
import { Qr } from '../components/qr.tsx';
import {
  ActionButton,
  IntentButton,
  Notice,
  Phrases,
  Steps,
  useCreditWords,
} from '../components/ui.tsx';
import { amountOf, anyOf, useWords } from '../i18n/index.ts';
import type { MessageKey } from '../i18n/index.ts';
import { useNewView } from '../state/taps.ts';
import ui from '../components/ui.module.css';
import css from './screens.module.css';

/** The code, the sum and the time; what the provider says in words. */
export function Pay({ s }: { readonly s: SnapshotOf<'pay'> }): ReactElement {
  const { t, tell, locale } = useWords();
  const wallets = (s.wallets ?? []).map((kind) => t(`provider.${kind}`));
  const creditWords = useCreditWords();
  const ending = s.state === 'closing' || s.state === 'card-out' || s.state === 'switching';
  const mayCheck = s.state !== 'creating' && !ending;
  // A button that comes moves the others.
  useNewView(`${s.cancelOffered} ${mayCheck}`);
  const scan = s.state === 'waiting' && s.qrText !== null;
  const code: MessageKey | null = !s.byCode
    ? null
    : s.state === 'creating'
      ? 'pay.charging'
      : s.state === 'paying'
        ? 'pay.confirm'
        : null;
  const title: MessageKey =
    code !== null
      ? code
      : s.state === 'waiting'
        ? s.qrText === null
          ? 'pay.creating'
          : `pay.scan.${s.provider}`
        : `pay.${s.state}`;
  const lead: MessageKey =
    code !== null
      ? (`${code}.lead` as MessageKey)
      : s.state === 'waiting'
        ? s.qrText === null
          ? 'pay.creating.lead'
          : 'pay.onlyScreen'
        : `pay.${s.state}.lead`;
  const disc =
    s.state === 'card-out' ? 'card' : s.state === 'paying' ? 'phone' : ending ? 'back' : 'wait';
  return (
    <div className={css['pay']}>
      <Steps at={3} kind={s.credit === undefined ? 'card' : 'account'} />
      <div className={`${ui['panel']} ${css['payPanel']}`}>
        {s.choices.length > 1 && s.cancelOffered && !s.byCode && (
          <div className={css['payTabs']} role="group" aria-label={t('pay.with')}>
            {s.choices.map((kind) => (
              <IntentButton
                key={kind}
                className={`${css['payTab']} ${kind === s.provider ? css['payTabOn'] : ''}`}
                disabled={kind === s.provider}
                pressed={kind === s.provider}
                does={{ type: 'pay-with', value: kind }}
              >
                {t(`provider.${kind}`)}
              </IntentButton>
            ))}
          </div>
        )}
        <div className={css['payWords']}>
          <h2 className={css['payTitle']}>
            {title === 'pay.scan.gateway' && wallets.length > 0
              ? t('pay.scan.named', { wallets: anyOf(wallets, locale) })
              : t(title)}
          </h2>
          <p className={css['price']}>
            <small>¥</small>
            {formatYuan(s.amountFen)}
          </p>
          <p className={ui['lead']}>
            {s.credit === undefined
              ? t('pay.toWrite', { quantity: amountOf(s.quantity, s.unit) })
              : creditWords(s.credit)}
          </p>
        </div>
        <div className={css['payCode']}>
          {scan && s.qrText !== null ? (
            <Qr className={css['qr']} text={s.qrText} label={t(title)} />
          ) : (
            <div className={css['noQr']}>
              <Disc kind={disc} />
            </div>
          )}
        </div>
        <div className={css['paySay']}>
          <p className={ui['lead']}>{t(lead)}</p>
          {scan && s.scanner && (
            <p className={css['orCode']}>
              <Phrases text={t('pay.orShowCode')} />
            </p>
          )}
          {scan && <p className={`${ui['note']} ${css['spare']}`}>{t('pay.expires')}</p>}
          <p className={`${ui['note']} ${s.scanner ? css['spare'] : ''}`}>
            {t('orderRef')} {s.orderRef}
          </p>
        </div>
      </div>
      {s.problem !== null && <Notice title={tell(s.problem).title}>{tell(s.problem).body}</Notice>}
      {s.lastCheck !== null && <Notice>{t(`pay.check.${s.lastCheck}`)}</Notice>}
      {mayCheck || s.cancelOffered ? (
        <div
          className={`${ui['actions']} ${s.cancelOffered ? ui['wide'] : ''} ${css['payActions']}`}
        >
          {s.cancelOffered && (
            <ActionButton ghost does={{ type: 'cancel' }}>
              {t('pay.cancel')}
            </ActionButton>
          )}
          {mayCheck && (
            <ActionButton
              ghost
              disabled={s.lastCheck === 'asking'}
              does={{ type: 'check-payment' }}
            >
              {t('pay.check')}
            </ActionButton>
          )}
        </div>
      ) : null}
    </div>
  );
}
