import type { ReactElement } from 'react';
import { formatYuan } from '../../../shared/money.ts';
import { Facts } from '../../components/ui.tsx';
import type { Fact } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import { formatStamp } from '../../state/time.ts';
import { DoButton, LocalButton } from './parts.tsx';
import type { MaintenanceSnapshot, TabProps } from './parts.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';

/** `5.2 GB`, `640 MB`. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.floor(bytes / 1e6)} MB`;
}

/** `2026-11-22：收 150 笔 12345.00 元，退 2 笔 200.00 元，相符`. */
function reconciledText(
  last: MaintenanceSnapshot['sync']['reconciled'],
  t: ReturnType<typeof useWords>['t'],
): string {
  if (last === null) return t('mnt.reconciledNone');
  const verdict =
    last.persons > 0 ? t('mnt.reconciledPersons', { n: last.persons }) : t('mnt.reconciledAgree');
  return t('mnt.reconciledValue', {
    date: last.date,
    paid: last.payments,
    paidYuan: formatYuan(last.paidFen),
    back: last.refunds,
    backYuan: formatYuan(last.refundedFen),
    verdict,
  });
}

/** The journal and the line to central. */
export function Sync({ s, onAsk }: TabProps): ReactElement {
  const { t } = useWords();
  const { sync } = s;
  const none = t('mnt.none');
  const facts: Fact[] = [
    {
      label: t('mnt.central'),
      value: t(
        sync.centralUp === null
          ? 'mnt.central.unknown'
          : sync.centralUp
            ? 'mnt.central.up'
            : 'mnt.central.away',
      ),
    },
    {
      label: t('mnt.unsent'),
      value: t('mnt.unsentValue', { events: sync.unsentEvents, yuan: formatYuan(sync.unsentFen) }),
    },
    {
      label: t('mnt.oldest'),
      value: sync.oldestUnsentMs === null ? none : formatStamp(sync.oldestUnsentMs),
    },
    {
      label: t('mnt.skew'),
      value:
        sync.clockSkewMs === null
          ? t('mnt.central.unknown')
          : `${sync.clockSkewMs >= 0 ? '+' : '−'}${(Math.abs(sync.clockSkewMs) / 1000).toFixed(1)} s`,
    },
    { label: t('mnt.head'), value: `${sync.epoch} / ${sync.headSeq}` },
    { label: t('mnt.hash'), value: sync.headHash.slice(0, 12) },
    { label: t('mnt.free'), value: formatBytes(sync.freeBytes) },
    {
      label: t('mnt.backup'),
      value: sync.backupAtMs === null ? t('mnt.backupNone') : formatStamp(sync.backupAtMs),
    },
    { label: t('mnt.reconciled'), value: reconciledText(sync.reconciled, t) },
  ];
  const { verify, damage } = sync;
  return (
    <div className={`${css['sync']} ${damage === null ? '' : css['damaged']}`}>
      <div className={`${ui['panel']} ${css['syncFacts']}`}>
        <Facts facts={facts} />
      </div>
      {damage !== null && (
        <div className={`${ui['panel']} ${css['damage']}`}>
          <h2>
            {t(damage.aside === '' ? 'mnt.damage.forked' : 'mnt.damage.title', {
              time: formatStamp(damage.atMs),
            })}
          </h2>
          <p>{damage.why}</p>
          {damage.aside !== '' && <p>{t('mnt.damage.aside', { aside: damage.aside })}</p>}
          {damage.aside !== '' && (
            <p>
              {damage.lostAfterSeq === null
                ? t('mnt.damage.whole', { seq: damage.restoredSeq })
                : t('mnt.damage.lost', { seq: damage.restoredSeq, lost: damage.lostAfterSeq })}
            </p>
          )}
          <p>
            {damage.aside !== '' && (
              <b>{t(damage.accepted ? 'mnt.damage.accepted' : 'mnt.damage.notAccepted')}</b>
            )}{' '}
            <b>{t(damage.epochGranted ? 'mnt.damage.granted' : 'mnt.damage.notGranted')}</b>
          </p>
          {!damage.accepted && s.may.includes('accept-damage') && (
            <LocalButton
              name="accept-damage"
              onPress={() =>
                onAsk(
                  'accept-damage',
                  null,
                  t('mnt.damage.title', { time: formatStamp(damage.atMs) }),
                )
              }
            >
              {t('mnt.do.accept-damage')}
            </LocalButton>
          )}
        </div>
      )}
      <div className={`${ui['panel']} ${css['verify']}`} data-verify={verify.state}>
        <p className={css[`verify-${verify.state}`]} role="status">
          {t(`mnt.verify.${verify.state}`, {
            time: verify.atMs === null ? '' : formatStamp(verify.atMs),
          })}
        </p>
        {verify.problems.slice(0, 3).map((problem) => (
          <p key={problem} className={css['problem']}>
            {problem}
          </p>
        ))}
        <div className={css['syncActions']}>
          {s.may.includes('verify-journal') && (
            <DoButton action="verify-journal" disabled={verify.state === 'running'}>
              {t('mnt.do.verify-journal')}
            </DoButton>
          )}
          {s.may.includes('upload-now') && (
            <DoButton action="upload-now">{t('mnt.do.upload-now')}</DoButton>
          )}
        </div>
      </div>
    </div>
  );
}
