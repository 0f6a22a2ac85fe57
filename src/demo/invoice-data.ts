import type { InvoicesConfig } from '../central/invoices/config.ts';

/**
 * How the demo's three companies have their sales on invoices. Classes as the tax office's table
 * has them; rates are such companies' own to set (docs/invoices.md).
 */
export const DEMO_INVOICES: InvoicesConfig = {
  sellers: {
    house: { name: '阜城燃气有限公司', taxNo: '91350100M000100Y43', issuer: '自助终端' },
    water: { name: '阜城供水有限公司', taxNo: '91110000802100433B', issuer: '自助终端' },
    heat: { name: '阜城热力有限公司', taxNo: '9144030071526726XG', issuer: '自助终端' },
  },
  goods: [
    {
      payee: 'house',
      utility: 'card',
      classCode: '1100202020000000000',
      name: '民用天然气',
      unit: '立方米',
      tax: { kind: 'taxed', rateE4: 900 },
    },
    // A purse is filled with money: nothing was supplied yet.
    {
      payee: 'house',
      utility: 'card',
      layouts: ['PL-PURSE'],
      classCode: '6010000000000000000',
      name: '预付燃气费',
      tax: { kind: 'not-taxed' },
    },
    {
      payee: 'house',
      utility: 'card',
      layouts: ['PL-FUEL'],
      classCode: '6010000000000000000',
      name: '预付车用天然气费',
      tax: { kind: 'not-taxed' },
    },
    {
      payee: 'house',
      utility: 'prepay',
      classCode: '6010000000000000000',
      name: '预付燃气费',
      tax: { kind: 'not-taxed' },
    },
    {
      payee: 'house',
      utility: 'balance',
      classCode: '6010000000000000000',
      name: '预付燃气费',
      tax: { kind: 'not-taxed' },
    },
    {
      payee: 'house',
      utility: 'gas',
      classCode: '1100202020000000000',
      name: '民用天然气',
      tax: { kind: 'taxed', rateE4: 900 },
    },
    {
      payee: 'water',
      utility: 'water',
      classCode: '1100301010000000000',
      name: '自来水',
      tax: { kind: 'taxed', rateE4: 300 },
    },
    {
      payee: 'heat',
      utility: 'heat',
      classCode: '1100102010100000000',
      name: '居民供暖',
      tax: { kind: 'exempt' },
    },
  ],
  withinDays: 360,
  keepDays: 90,
};
