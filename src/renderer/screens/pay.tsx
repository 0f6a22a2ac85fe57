import type { ReactElement } from 'react';
import type { SnapshotOf } from '../../shared/contract.ts';
import { formatYuan } from '../../shared/money.ts';
import { Disc } from '../components/art.tsx';
import { Qr } from '../components/qr.tsx';
import { ActionButton, Notice, Steps } from '../components/ui.tsx';
import { amountOf, useWords } from '../i18n/index.ts';
import type { MessageKey } from '../i18n/index.ts';
import ui from '../components/ui.module.css';
import css from './screens.module.css';

/** The code, the sum and the time; what the provider says in words. */
export function Pay({ s }: { readonly s: SnapshotOf<'pay'> }): ReactElement {
  const { t } = useWords();
  const scan = s.state === 'waiting' && s.qrText !== null;
  const title: MessageKey = s.state === 'waiting' ? (s.qrText === null ? 'pay.creating' : `pay.scan.${s.provider}`) : `pay.${s.state}`;
  const lead: MessageKey = s.state === 'waiting' ? (s.qrText === null ? 'pay.creating.lead' : 'pay.onlyScreen') : `pay.${s.state}.lead`;
  const disc = s.state === 'paying' ? 'ok' : s.state === 'closing' ? 'back' : 'wait';
  return (
    <div className={css['pay']}>
      <Steps at={3} />
      <div className={`${ui['panel']} ${css['payPanel']}`}>
        <div className={css['payWords']}>
          <h2 className={css['payTitle']}>{t(title)}</h2>
          <p className={css['price']}><small>¥</small>{formatYuan(s.amountFen)}</p>
          <p className={ui['lead']}>{t('pay.toWrite', { quantity: amountOf(s.quantity, s.unit) })}</p>
        </div>
        <div className={css['payCode']}>
          {scan && s.qrText !== null ? <Qr className={css['qr']} text={s.qrText} label={t(title)} /> : <div className={css['noQr']}><Disc kind={disc} /></div>}
        </div>
        <div className={css['paySay']}>
          <p className={ui['lead']}>{t(lead)}</p>
          {scan && <p className={ui['note']}>{t('pay.expires')}</p>}
          <p className={ui['note']}>{t('orderRef')} {s.orderRef}</p>
        </div>
      </div>
      {s.lastCheck !== null && <Notice>{t(`pay.check.${s.lastCheck}`)}</Notice>}
      {s.state !== 'creating' && s.state !== 'closing' || s.cancelOffered
        ? <div className={`${ui['actions']} ${s.cancelOffered ? ui['wide'] : ''} ${css['payActions']}`}>
            {s.cancelOffered && <ActionButton ghost does={{ type: 'cancel' }}>{t('pay.cancel')}</ActionButton>}
            {s.state !== 'creating' && s.state !== 'closing' && <ActionButton ghost disabled={s.lastCheck === 'asking'} does={{ type: 'check-payment' }}>{t('pay.check')}</ActionButton>}
          </div>
        : null}
    </div>
  );
}
