import type { ReactElement } from 'react';
import { useState } from 'react';
import type { SystemFacts, SystemView } from '../../../shared/contract/index.ts';
import { Qr } from '../../components/qr.tsx';
import { Facts, IntentButton, Notice } from '../../components/ui.tsx';
import type { Fact } from '../../components/ui.tsx';
import { useWords } from '../../i18n/index.ts';
import type { Translate } from '../../i18n/index.ts';
import { act } from '../../state/store.ts';
import { DoButton } from './parts.tsx';
import type { MaintenanceSnapshot, TabProps } from './parts.tsx';
import { TouchTest } from './touch-test.tsx';
import ui from '../../components/ui.module.css';
import css from './maintenance.module.css';

const LEVELS = [0, 20, 40, 60, 80, 100] as const;
const LIGHTS = [20, 40, 60, 80, 100] as const;
const MINUTE_MS = 60_000;
type Words = ReturnType<typeof useWords>;

/** The machine under the kiosk: what it is, how loud and light, its tests, reports and restarts. */
export function System({ s, onAsk }: TabProps): ReactElement {
  const words = useWords();
  const { t } = words;
  const [touching, setTouching] = useState(false);
  const { system } = s;
  if (touching)
    return (
      <TouchTest
        onEnd={(touched, all) => {
          act({ type: 'maintenance-do', value: 'touch-test', target: `${touched}/${all}` });
          setTouching(false);
        }}
      />
    );
  if (system === null) return <Looking />;
  if (system.readiness !== null) return <Code text={system.readiness} />;
  const { machine } = system;
  return (
    <div className={css['sync']}>
      {machine !== null && machine.installed !== null && (
        <Notice>{t('mnt.sys.installed', { version: machine.installed })}</Notice>
      )}
      <div className={`${ui['panel']} ${css['syncFacts']} ${css['systemFacts']}`}>
        <Facts facts={factsOf(s, system, words)} />
      </div>
      <div className={`${ui['panel']} ${css['levels']}`}>
        <Volume s={s} speaker={system.speaker} />
        {machine !== null && machine.brightness !== null && s.may.includes('brightness') && (
          <Brightness now={machine.brightness} />
        )}
        <Touch s={s} touch={system.touch} onTest={() => setTouching(true)} />
      </div>
      <div className={css['dayDos']}>
        <DoButton action="print-readiness">{t('mnt.do.print-readiness')}</DoButton>
        <DoButton action="show-readiness">{t('mnt.do.show-readiness')}</DoButton>
        {(['restart-core', 'restart-machine'] as const).map(
          (action) =>
            s.may.includes(action) && (
              <button
                key={action}
                type="button"
                className={css['do']}
                data-local={action}
                disabled={machine === null}
                onClick={() => onAsk(action, null, '')}
              >
                {t(`mnt.do.${action}`)}
              </button>
            ),
        )}
      </div>
    </div>
  );
}

function Looking(): ReactElement {
  const { t } = useWords();
  return (
    <div className={css['nothing']}>
      <p>{t('mnt.sys.looking')}</p>
    </div>
  );
}

/** `3 天 4 小时`, `4 小时 12 分`. */
function since(ms: number, t: Translate): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? t('mnt.sys.hours', { h: hours, m: minutes % 60 })
    : t('mnt.sys.days', { d: Math.floor(hours / 24), h: hours % 24 });
}

function clockText(
  kept: boolean | null,
  { sync: { clockSkewMs } }: MaintenanceSnapshot,
  t: Translate,
): string {
  const by = t(
    kept === null ? 'mnt.sys.clock.unknown' : kept ? 'mnt.sys.clock.kept' : 'mnt.sys.clock.free',
  );
  if (clockSkewMs === null) return by;
  const sign = clockSkewMs >= 0 ? '+' : '−';
  const skew = `${sign}${(Math.abs(clockSkewMs) / 1000).toFixed(1)} s`;
  return `${by} · ${t('mnt.sys.clock.skew', { skew })}`;
}

function machineFacts(machine: SystemFacts, s: MaintenanceSnapshot, t: Translate): Fact[] {
  const { versions, addresses, clockKept, uptimeMs, coreUptimeMs } = machine;
  return [
    {
      label: t('mnt.sys.versions'),
      value: versions.map((v) => `${v.name} ${v.version}`).join(' · '),
      full: true,
    },
    ...(machine.installed === null
      ? [{ label: t('mnt.sys.update'), value: t('mnt.sys.update.same'), full: true }]
      : []),
    {
      label: t('mnt.sys.network'),
      value:
        addresses.length === 0
          ? t('mnt.sys.network.none')
          : addresses
              .slice(0, 4)
              .map((a) => `${a.name} ${a.address}`)
              .join(' · '),
      full: true,
    },
    { label: t('mnt.sys.clock'), value: clockText(clockKept, s, t), full: true },
    {
      label: t('mnt.sys.up'),
      value: t('mnt.sys.upValue', { machine: since(uptimeMs, t), core: since(coreUptimeMs, t) }),
      full: true,
    },
  ];
}

function factsOf(s: MaintenanceSnapshot, system: SystemView, { t, pick }: Words): Fact[] {
  const { machine, policyVersion } = system;
  const lines = s.devices.filter(({ id }) => id === 'central' || id.startsWith('line-'));
  return [
    ...(machine === null ? [] : machineFacts(machine, s, t)),
    {
      label: t('mnt.sys.lines'),
      value: lines.map((line) => `${pick(line.name)} ${t(`mnt.device.${line.state}`)}`).join(' · '),
      full: true,
    },
    {
      label: t('mnt.sys.policy'),
      value:
        policyVersion === null ? t('mnt.none') : t('mnt.sys.policyValue', { n: policyVersion }),
    },
    { label: t('mnt.sys.epoch'), value: `${s.sync.epoch}` },
  ];
}

function Volume({
  s,
  speaker,
}: {
  readonly s: MaintenanceSnapshot;
  readonly speaker: SystemView['speaker'];
}): ReactElement {
  const { t } = useWords();
  const { level, policy } = speaker;
  const may = s.may.includes('volume');
  const choices = ['policy', ...LEVELS.map(String)];
  const now = level === null ? 'policy' : String(level);
  return (
    <Level
      label={t('mnt.sys.volume')}
      note={
        policy === null ? t('mnt.sys.volume.silent') : t('mnt.sys.volume.now', { percent: policy })
      }
    >
      {choices.map((choice) => (
        <Choice
          key={choice}
          action="volume"
          target={choice}
          on={choice === now}
          disabled={!may}
          words={
            choice === 'policy'
              ? t('mnt.sys.volume.policy')
              : choice === '0'
                ? t('mnt.sys.volume.off')
                : `${choice}%`
          }
        />
      ))}
    </Level>
  );
}

function Brightness({ now }: { readonly now: number }): ReactElement {
  const { t } = useWords();
  return (
    <Level label={t('mnt.sys.brightness')} note={`${now}%`}>
      {LIGHTS.map((light) => (
        <Choice
          key={light}
          action="brightness"
          target={String(light)}
          on={Math.abs(light - now) < 3}
          disabled={false}
          words={`${light}%`}
        />
      ))}
    </Level>
  );
}

function Level({
  label,
  note,
  children,
}: {
  readonly label: string;
  readonly note: string;
  readonly children: ReactElement[];
}): ReactElement {
  return (
    <div className={css['level']}>
      <p>
        <b>{label}</b> {note}
      </p>
      <div className={css['segments']} role="radiogroup">
        {children}
      </div>
    </div>
  );
}

function Choice({
  action,
  target,
  on,
  disabled,
  words,
}: {
  readonly action: 'volume' | 'brightness';
  readonly target: string;
  readonly on: boolean;
  readonly disabled: boolean;
  readonly words: string;
}): ReactElement {
  return (
    <button
      type="button"
      role="radio"
      aria-checked={on}
      disabled={disabled}
      className={`${css['segment']} ${on ? css['segmentOn'] : ''}`}
      data-intent="maintenance-do"
      data-value={action}
      data-target={target}
      onClick={() => act({ type: 'maintenance-do', value: action, target })}
    >
      {words}
    </button>
  );
}

function Touch({
  s,
  touch,
  onTest,
}: {
  readonly s: MaintenanceSnapshot;
  readonly touch: SystemView['touch'];
  readonly onTest: () => void;
}): ReactElement {
  const { t, pick } = useWords();
  return (
    <div className={css['searchBar']} data-touch-test={touch.state}>
      <span>
        <b>{t('mnt.sys.touch')}</b>
        {touch.state !== 'none' && (
          <span className={css[`test-${touch.state}`]}>
            {t(`mnt.test.${touch.state}`)}
            {touch.detail === null ? '' : ` · ${pick(touch.detail)}`}
          </span>
        )}
      </span>
      {s.may.includes('touch-test') && (
        <button type="button" className={css['do']} data-local="touch-test" onClick={onTest}>
          {t('mnt.do.touch-test')}
        </button>
      )}
    </div>
  );
}

function Code({ text }: { readonly text: string }): ReactElement {
  const { t } = useWords();
  return (
    <div className={`${ui['panel']} ${css['codePanel']}`}>
      <Qr className={css['code']} text={text} label={t('mnt.sys.code')} />
      <h2>{t('mnt.sys.code')}</h2>
      <p className={ui['note']}>{t('mnt.sys.code.lead')}</p>
      <IntentButton className={css['do']} does={{ type: 'maintenance-tab', value: 'system' }}>
        {t('mnt.sys.code.close')}
      </IntentButton>
    </div>
  );
}
