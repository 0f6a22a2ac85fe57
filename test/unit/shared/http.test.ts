import { describe, expect, it } from 'vitest';
import { sendWithin } from '../../../src/shared/http.ts';
import type { HttpAnswer, HttpSend } from '../../../src/shared/http.ts';
import { ManualClock } from '../../support/clock.ts';

const REQUEST = {
  method: 'GET',
  origin: 'https://h',
  target: '/t',
  headers: {},
  body: null,
  maxBytes: 10,
} as const;
const ANSWER: HttpAnswer = { status: 503, header: () => null, body: new Uint8Array(0) };

describe('one exchange within a time', () => {
  it('any status is an answer, and its time-out is called off', async () => {
    const clock = new ManualClock(0);
    expect(await sendWithin(() => Promise.resolve(ANSWER), REQUEST, clock, 100)).toEqual({
      ok: true,
      value: ANSWER,
    });
    expect(clock.pending()).toBe(0);
  });
  it('what the network says is told, one level down', async () => {
    const clock = new ManualClock(0);
    const refused = new TypeError('fetch failed', {
      cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
    });
    const rejecting: HttpSend = () => Promise.reject(refused);
    expect(await sendWithin(rejecting, REQUEST, clock, 100)).toEqual({
      ok: false,
      error: { said: 'network: fetch failed: ECONNREFUSED', cause: refused },
    });
    const throwing: HttpSend = () => {
      throw refused;
    };
    expect(await sendWithin(throwing, REQUEST, clock, 100)).toMatchObject({
      ok: false,
      error: { cause: refused },
    });
    expect(clock.pending()).toBe(0);
  });
  it('silence ends at its time, the transport is told, and what comes later changes nothing', async () => {
    const clock = new ManualClock(0);
    let aborted = false;
    let answer: (a: HttpAnswer) => void = () => undefined;
    const silent: HttpSend = ({ signal }) => {
      signal.addEventListener('abort', () => (aborted = true));
      return new Promise((resolve) => (answer = resolve));
    };
    const asked = sendWithin(silent, REQUEST, clock, 100);
    clock.advance(99);
    expect(aborted).toBe(false);
    clock.advance(1);
    expect(aborted).toBe(true);
    answer(ANSWER);
    expect(await asked).toMatchObject({ ok: false, error: { said: 'no answer within 100 ms' } });
  });
  it('a transport that rejects when it is aborted is said to be late, not broken', async () => {
    const clock = new ManualClock(0);
    const asked = sendWithin(
      ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
      REQUEST,
      clock,
      100,
    );
    clock.advance(100);
    expect(await asked).toMatchObject({ ok: false, error: { said: 'no answer within 100 ms' } });
  });
});
