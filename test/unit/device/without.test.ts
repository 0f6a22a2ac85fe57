import { describe, expect, it } from 'vitest';
import { DEVICE_KINDS } from '../../../src/device/device.ts';
import type { DeviceKind, NamedReport } from '../../../src/device/device.ts';
import { WITHOUT } from '../../../src/device/without.ts';
import { NO_MAINTENANCE } from '../../../src/kiosk/state/maintenance.ts';
import type { KioskState } from '../../../src/kiosk/state/kiosk.ts';
import { outOfService, serviceLevel } from '../../../src/kiosk/watch/selling.ts';
import { failure } from '../../../src/shared/errors.ts';
import { POLICY } from '../../support/kiosk-world.ts';

/** What the machine does without each device, and how far it then serves. */
const WORDS = { zh: '', en: '' };
const device = (id: DeviceKind, change: Partial<NamedReport> = {}): NamedReport => ({
  id,
  name: WORDS,
  state: 'online',
  usable: true,
  detail: WORDS,
  advice: null,
  consumables: [],
  lastError: null,
  ...change,
});
const ALL = DEVICE_KINDS.map((id) => device(id));
type Seen = Parameters<typeof serviceLevel>[0];
const seen = (
  devices: readonly NamedReport[],
  change: Partial<KioskState['service']> = {},
): Seen => ({
  service: {
    policy: POLICY,
    lineUp: true,
    linesDown: [],
    centralUp: true,
    devices,
    clockSkewMs: 0,
    blocked: null,
    ...change,
  },
  reader: { state: 'empty', insertion: 0, failure: null, sinceMs: 0 },
  maintenance: NO_MAINTENANCE,
});
const without = (id: DeviceKind, change: Partial<NamedReport>): readonly NamedReport[] =>
  ALL.map((d) => (d.id === id ? { ...d, ...change } : d));

it.each(DEVICE_KINDS)('%s has a row, with words in both languages', (kind) => {
  const { effect, lost } = WITHOUT[kind];
  expect(['out-of-service', 'degraded', 'nothing']).toContain(effect);
  expect(lost.zh).toMatch(/[\u4e00-\u9fff]/);
  expect(lost.en).toMatch(/[a-z]/);
});

describe('the service level', () => {
  it('with everything well it is in service', () => {
    expect(serviceLevel(seen(ALL))).toEqual({ level: 'in-service' });
  });

  it.each(DEVICE_KINDS.filter((k) => k !== 'reader'))(
    'without %s it is as the table has it',
    (id) => {
      const devices = without(id, { usable: false, state: 'offline' });
      const { effect, code, told = false } = WITHOUT[id];
      expect(serviceLevel(seen(devices))).toEqual(
        effect === 'nothing'
          ? { level: 'in-service' }
          : effect === 'degraded'
            ? { level: 'degraded', lacks: [{ code, shown: told ? code : null }] }
            : { level: 'out-of-service', reason: code },
      );
    },
  );

  it('the reader is looked at where it is known soonest; a card that is mute stops nothing', () => {
    const state = seen(ALL);
    const offline = { ...state.reader, state: 'offline' as const, failure: failure('CARD-0110') };
    expect(serviceLevel({ ...state, reader: offline })).toMatchObject({ reason: 'CARD-0110' });
    const mute = { ...state.reader, state: 'mute' as const, failure: failure('CARD-0101') };
    expect(outOfService({ ...state, reader: mute })).toBeNull();
  });

  it('what was never there is missed where the table says so, and nowhere else', () => {
    expect(serviceLevel(seen([device('reader')]))).toEqual({
      level: 'degraded',
      lacks: [{ code: 'DEV-0101', shown: 'DEV-0101' }],
    });
  });

  it('the device’s own reason is told to staff, the table’s word to customers', () => {
    const devices = without('printer', { usable: false, lastError: 'CORE-0101' });
    expect(serviceLevel(seen(devices))).toEqual({
      level: 'degraded',
      lacks: [{ code: 'CORE-0101', shown: 'DEV-0101' }],
    });
  });

  it('a door that is open, or mains that failed, stop everything; a technician at work is a level of its own', () => {
    const open = seen(without('door', { halts: 'DEV-0401', state: 'user-error' }));
    expect(serviceLevel(open)).toEqual({ level: 'out-of-service', reason: 'DEV-0401' });
    const dark = seen(without('ups', { halts: 'DEV-0302' }), { blocked: failure('JRNL-0104') });
    // The journal comes first: it stays when the mains are back.
    expect(serviceLevel(dark)).toMatchObject({ reason: 'JRNL-0104' });
    const mode = { at: 'open' } as unknown as KioskState['maintenance']['mode'];
    expect(serviceLevel({ ...open, maintenance: { ...NO_MAINTENANCE, mode } })).toEqual({
      level: 'maintenance',
    });
  });

  it('without line or central it says so, once', () => {
    expect(serviceLevel(seen(ALL, { lineUp: false, centralUp: false }))).toEqual({
      level: 'degraded',
      lacks: [{ code: 'SALE-0111', shown: 'SALE-0111' }],
    });
    expect(serviceLevel(seen(ALL, { centralUp: false }))).toMatchObject({
      lacks: [{ code: 'BILL-0101' }],
    });
  });
});
