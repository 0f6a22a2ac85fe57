import { describe, expect, it } from 'vitest';
import {
  gbkBytes,
  isCreditCode,
  readTitle,
  taxFault,
} from '../../../src/central/invoices/title.ts';

describe('a buyer’s title', () => {
  it.each(['91350100M000100Y43', '91110000802100433B', '9144030071526726XG', '91330100799655058B'])(
    'the credit code %s has its check character, and no neighbour of it has',
    (code) => {
      expect(isCreditCode(code)).toBe(true);
      for (let i = 0; i < code.length; i++) {
        const other = code[i] === '0' ? '1' : '0';
        expect(isCreditCode(code.slice(0, i) + other + code.slice(i + 1))).toBe(false);
      }
    },
  );
  it.each([
    ['91350100M000100Y43', null],
    ['91350100M000100Y44', 'tax-check'],
    // I, O, S, V and Z are no signs of it.
    ['9135010OM000100Y43', 'tax-check'],
    ['110108123456789', null],
    ['11010812345678901', null],
    ['11010819900101123X11', null],
    ['11010812345678', 'tax-form'],
    ['110108123456789012345', 'tax-form'],
    ['91350100-M000100Y4', 'tax-form'],
    ['', 'tax-form'],
  ])('the tax number %j: %s', (no, fault) => {
    expect(taxFault(no)).toBe(fault);
  });
  it('counts names as GBK takes them, and refuses what it has not', () => {
    expect(gbkBytes('阜城燃气（集团）有限公司ABC')).toBe(27);
    expect(gbkBytes('龘')).toBe(2);
    for (const sign of ['😀', '㐀', '\n', '\u0000', 'ß\u0301', '\uFFFD'])
      expect(gbkBytes(sign)).toBe(null);
  });
  it('takes a company with name and number, as phones type them', () => {
    const typed = { kind: 'company', name: ' 阜城  燃气有限公司 ', taxNo: '９1350100m 000100y43' };
    expect(readTitle(typed)).toEqual({
      kind: 'company',
      name: '阜城 燃气有限公司',
      taxNo: '91350100M000100Y43',
    });
    expect(readTitle({ ...typed, name: ' ' })).toBe('name-missing');
    expect(readTitle({ ...typed, name: '甲<b>' })).toBe('name-signs');
    expect(readTitle({ ...typed, name: '甲😀' })).toBe('name-signs');
    expect(readTitle({ ...typed, name: '甲'.repeat(50) })).toMatchObject({ kind: 'company' });
    expect(readTitle({ ...typed, name: `${'甲'.repeat(50)}a` })).toBe('name-long');
    expect(readTitle({ ...typed, taxNo: ' ' })).toBe('tax-missing');
    expect(readTitle({ ...typed, taxNo: '91350100M000100Y44' })).toBe('tax-check');
  });
  it('a person needs no name and has no number, whatever was typed there', () => {
    expect(readTitle({ kind: 'person', name: '', taxNo: '' })).toEqual({
      kind: 'person',
      name: '个人',
      taxNo: null,
    });
    expect(readTitle({ kind: 'anything', name: '张小明', taxNo: '1' })).toEqual({
      kind: 'person',
      name: '张小明',
      taxNo: null,
    });
  });
});
