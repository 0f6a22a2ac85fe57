import type { ReactElement } from 'react';
import { useState } from 'react';
import { grouped, Pad, typeDigit } from '../../components/pad.tsx';
import { useWords } from '../../i18n/index.ts';
import { act } from '../../state/store.ts';
import { needsReference } from './asked.ts';
import type { Asking } from './asked.ts';
import { LocalButton } from './parts.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';
import screens from '../screens.module.css';

const REASONS = [1, 2, 3, 4] as const;
const REFERENCE_MIN = 4;
const REFERENCE_MAX = 20;

/**
 * What is about to be done, why, and (for money settled by hand) under which receipt. Only the last
 * key does it.
 */
export function Ask({
  asking,
  onEnd,
}: {
  readonly asking: Asking;
  readonly onEnd: () => void;
}): ReactElement {
  const { t } = useWords();
  const [reason, setReason] = useState<(typeof REASONS)[number] | null>(null);
  const [reference, setReference] = useState('');
  const { action, target } = asking;
  const refers = needsReference(action);
  const ready = (reason !== null || !asking.why) && (!refers || reference.length >= REFERENCE_MIN);
  const confirm = (): void => {
    if (!ready) return;
    act({
      type: 'maintenance-do',
      value: action,
      ...(reason === null ? {} : { why: t(`mnt.why.${action}.${reason}`) }),
      ...(target === null ? {} : { target }),
      ...(refers ? { reference } : {}),
    });
    onEnd();
  };
  return (
    <div className={css['ask']}>
      <div className={css['askWords']}>
        <h2>{t(`mnt.do.${action}`)}</h2>
        {asking.about !== '' && <p className={css['about']}>{asking.about}</p>}
        <p className={ui['lead']}>{t(`mnt.ask.${action}`)}</p>
        <p className={ui['note']}>{t(asking.why ? 'mnt.ask.why' : 'mnt.ask.whyIfAny')}</p>
        <div className={css['reasons']} role="radiogroup">
          {REASONS.map((n) => (
            <button
              key={n}
              type="button"
              role="radio"
              aria-checked={reason === n}
              className={`${css['reason']} ${reason === n ? css['reasonOn'] : ''}`}
              data-local={`why-${n}`}
              onClick={() => setReason(n)}
            >
              {t(`mnt.why.${action}.${n}`)}
            </button>
          ))}
        </div>
      </div>
      {refers && (
        <div className={`${ui['panel']} ${screens['keypad']} ${css['refPad']}`}>
          <p className={ui['note']}>{t('mnt.ask.reference')}</p>
          <output className={css['reference']} data-typed={reference}>
            {reference === '' ? '—' : grouped(reference)}
          </output>
          <Pad
            onKey={(key) => setReference((now) => typeDigit(now, key, REFERENCE_MAX))}
            ok={{ intent: 'maintenance-do', value: action, enabled: ready, press: confirm }}
          />
        </div>
      )}
      <div className={css['bottom']}>
        <LocalButton ghost name="ask-cancel" onPress={onEnd}>
          {t('mnt.ask.cancel')}
        </LocalButton>
        {!refers && (
          <button
            type="button"
            className={ui['btn']}
            data-intent="maintenance-do"
            data-value={action}
            disabled={!ready}
            onClick={confirm}
          >
            {t('mnt.ask.confirm')}
          </button>
        )}
      </div>
    </div>
  );
}
