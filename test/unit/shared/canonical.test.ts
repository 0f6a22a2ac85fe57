import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src/shared/bytes.ts';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { eventHash, genesisHash, headText } from '../../../src/shared/journal-hash.ts';
import { orderTag } from '../../../src/shared/order-tag.ts';

/** The same value with its keys in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  const out = Object.create(null) as Record<string, unknown>;
  for (const [k, v] of Object.entries(value).toReversed()) out[k] = shuffled(v);
  return out;
}

describe('canonical JSON', () => {
  it('does not depend on the order of keys, and reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(shuffled(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.stringify(JSON.parse(text))).toHaveLength(text.length);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
  it('golden, and refuses what JSON has not', () => {
    expect(canonicalJson({ b: [1, 'é', null], a: { d: true, c: undefined } })).toBe(
      '{"a":{"d":true},"b":[1,"é",null]}',
    );
    expect(
      canonicalJson({ é: -0, z: undefined, e: 1e21, 10: 1.5, 9: 'ü"\n\u2028', a: [{}, []] }),
    ).toBe('{"10":1.5,"9":"ü\\"\\n\u2028","a":[{},[]],"e":1e+21,"é":0}');
    for (const bad of [Number.NaN, Infinity, [undefined], 1n, () => 0, undefined, Symbol('x')])
      expect(() => canonicalJson(bad)).toThrow(RangeError);
  });
});

describe('the chain', () => {
  const event = {
    epoch: 1,
    seq: 1,
    kind: 'clock-step',
    wallMs: 1_780_000_000_000,
    orderId: null,
    body: { stepMs: -5 },
  };
  it('golden: genesis, first event, head', () => {
    const genesis = genesisHash('000000000311', 1);
    expect(genesis).toBe('3e411017354aae6533bfa46a177fa1e24ef230d78821065a413ecfd1cbf6e703');
    expect(eventHash(genesis, event)).toBe(
      '69ff697d6317002c471a0d0ad5daa610eb63c2dc2d4733da87f0afb461d253f0',
    );
    expect(headText(1, 1, 'ab')).toBe('1:1:ab');
  });
  it('every part of an event changes its hash', () => {
    const genesis = genesisHash('000000000311', 1);
    const all = [
      event,
      { ...event, epoch: 2 },
      { ...event, seq: 2 },
      { ...event, kind: 'x' },
      { ...event, wallMs: 1 },
      { ...event, orderId: 'x' },
      { ...event, body: { stepMs: 5 } },
    ].map((e) => eventHash(genesis, e));
    all.push(
      eventHash(genesisHash('000000000311', 2), event),
      eventHash(genesisHash('000000000312', 1), event),
    );
    expect(new Set(all).size).toBe(all.length);
  });
  it('covers nothing but the event', () => {
    const extra = { ...event, hash: 'x' };
    expect(eventHash('', extra)).toBe(eventHash('', event));
  });
});

describe('order tag', () => {
  it('golden', () => {
    expect(toHex(orderTag('PL-000000000311-1-0042'))).toBe('ADE6788A');
  });
});
