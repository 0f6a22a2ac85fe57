import type { ReactElement } from 'react';
import type { DeviceView } from '../../../shared/contract/index.ts';
import { useWords } from '../../i18n/index.ts';
import { formatStamp } from '../../state/time.ts';
import { DoButton } from './parts.tsx';
import type { TabProps } from './parts.tsx';
import css from './maintenance.module.css';

const STATE_TONE = {
  online: 'ok',
  busy: 'wait',
  'user-error': 'wait',
  offline: 'bad',
  'hardware-error': 'bad',
  'no-device': 'none',
} as const satisfies Record<DeviceView['state'], string>;

/** Each device with its last self-test. */
export function Devices({ s }: TabProps): ReactElement {
  const { t, pick } = useWords();
  return (
    <ul className={css['devices']}>
      {s.devices.map((device) => (
        <li
          key={device.id}
          className={css['row']}
          data-device={device.id}
          data-state={device.state}
          data-test={device.test}
        >
          <i className={css[STATE_TONE[device.state]]} />
          <div className={css['rowText']}>
            <b>
              {pick(device.name)}
              <small>{t(`mnt.device.${device.state}`)}</small>
            </b>
            <span>
              {pick(device.detail)}
              {device.lastError === null ? '' : ` · ${device.lastError}`}
              {device.sinceMs === null || device.state === 'online'
                ? ''
                : ` · ${t('mnt.since', { time: formatStamp(device.sinceMs) })}`}
            </span>
            {device.test !== 'none' && (
              <span className={css[`test-${device.test}`]}>
                {t(`mnt.test.${device.test}`)}
                {device.testDetail === null ? '' : ` · ${pick(device.testDetail)}`}
              </span>
            )}
          </div>
          {device.state === 'no-device' ? (
            <span />
          ) : (
            <div className={css['dos']}>
              {device.id === 'reader' && (s.binCards ?? 0) > 0 && s.may.includes('empty-bin') && (
                <DoButton action="empty-bin">
                  {t('mnt.do.empty-bin', { n: String(s.binCards) })}
                </DoButton>
              )}
              {s.may.includes('self-test') && (
                <DoButton
                  action="self-test"
                  target={device.id}
                  disabled={device.test === 'running'}
                >
                  {t('mnt.do.self-test')}
                </DoButton>
              )}
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}
