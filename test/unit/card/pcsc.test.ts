import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PcscReader } from '../../../src/card/index.ts';
import { pcscCode } from '../../../src/card/readers/pcsc.ts';
import type { PcscContext } from '../../../src/card/readers/pcsc-service.ts';
import { fromHex } from '../../../src/shared/bytes.ts';
import { ManualClock } from '../../support/clock.ts';
import { codeOf } from './rig.ts';

describe('the PC/SC reader without a service', () => {
  it('reads the numeric code out of a message', () => {
    expect(pcscCode(new Error('SCardTransmit error: Card was removed.(0x80100069)'))).toBe(
      0x8010_0069,
    );
    expect(pcscCode(new Error('SCardConnect error: (0xffffffff8010001d)'))).toBe(0x8010_001d);
    expect(pcscCode('no code')).toBeNull();
  });

  it('says that the package is missing, and asks again with a back-off below 5 s', () => {
    const clock = new ManualClock(0);
    const at: number[] = [];
    const service = (): PcscContext => {
      at.push(clock.monoMs());
      const error = Object.assign(new Error('Cannot find module'), { code: 'MODULE_NOT_FOUND' });
      return {
        on: (event: string, listener: (e: never) => void) =>
          void (event === 'error' && clock.after(0, () => (listener as (e: Error) => void)(error))),
        connection: () => {
          throw new Error('none');
        },
        close: () => undefined,
      };
    };
    const reader = new PcscReader({ id: 'r', match: 'x', clock, log: () => undefined, service });
    for (let i = 0; i < 20; i++) clock.advance(500);
    const status = reader.status();
    expect(status.state === 'offline' ? [status.failure.code, status.failure.detail] : []).toEqual([
      'CARD-0107',
      'package pcsclite is missing or not built (MODULE_NOT_FOUND)',
    ]);
    expect(at).toEqual([0, 1000, 2500, 4500, 7000, 9500]);
  });

  it('another answer to reset is another card, though the count of events is the same', () => {
    const clock = new ManualClock(0);
    const context = new EventEmitter();
    const reader = new PcscReader({
      id: 'r',
      match: 'x',
      clock,
      log: () => undefined,
      service: () =>
        Object.assign(context, {
          connection: () => Promise.reject(new Error()),
          close: () => 0,
        }) as never,
    });
    clock.advance(1);
    const monitor = Object.assign(new EventEmitter(), { name: 'x reader' });
    context.emit('reader', monitor);
    const says = (atr: string): unknown => {
      // SCARD_STATE_PRESENT, the third event.
      monitor.emit('status', { state: 0x0003_0020, atr: fromHex(atr) });
      const status = reader.status();
      return status.state === 'present' ? status.insertion : status.state;
    };
    expect([says('3B6500'), says('3B6500'), says('3B6501'), says('3B6501')]).toEqual([1, 1, 2, 2]);
  });

  it('keeps the raw code of a service that is away, and fails at once', async () => {
    const clock = new ManualClock(0);
    const reader = new PcscReader({
      id: 'r',
      clock,
      log: () => undefined,
      service: () => {
        throw new Error('SCardEstablishContext error: Service not available.(0x8010001d)');
      },
    });
    clock.advance(1);
    const status = reader.status();
    expect(status.state === 'offline' ? status.failure.detail : '').toBe('context: 0x8010001D');
    expect(codeOf(await reader.open(1).transmit(fromHex('0084000004')))).toBe('CARD-0107');
    await reader.close();
    clock.advance(60_000);
    expect(reader.status()).toMatchObject({ state: 'offline', failure: { detail: 'closed' } });
  });
});
