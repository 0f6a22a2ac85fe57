import iconv from 'iconv-lite';
import writeXlsxFile from 'write-excel-file/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ImportProblem } from '../../../src/central/fleet/import-file.ts';
import { readTable } from '../../../src/central/fleet/import-file.ts';
import { DEMO_ACCOUNTS, DEMO_TARIFFS } from '../../../src/demo/central-data.ts';
import { chinaDate } from '../../../src/shared/time.ts';
import { ENGINES } from './harness.ts';
import { Company } from './fleet-room.ts';
import type { Said } from './fleet-room.ts';

const HEAD = '卡号,户号,户名,表号,类别,价格编号,表上限';
const row = (n: number, over: Partial<Record<'name' | 'meter' | 'tariff', string>> = {}): string =>
  `${String(6_600_000_000 + n)},${String(20_000_000 + n)},${over.name ?? `用户${n}`},${over.meter ?? `M${n}`},燃气,${over.tariff ?? 'gas-residential'},1000`;
const csv = (...rows: readonly string[]): Buffer => Buffer.from([HEAD, ...rows].join('\n'));

let company: Company;
const load = (bytes: Uint8Array, more = '', name = 'accounts.csv'): Promise<Said> => {
  company.files.set(name, bytes);
  return company.run(`account import ${name} ${more}`.trim().split(' '));
};
/** The problems of a refused file, `line column code`. */
async function problems(bytes: Uint8Array, more = ''): Promise<readonly string[]> {
  const said = await load(bytes, `--json ${more}`.trim());
  if (said.code !== 1) throw new Error(`taken: ${said.out}`);
  const told = JSON.parse(said.out) as { readonly problems: readonly ImportProblem[] };
  return told.problems.map((p) => `${p.line} ${p.column} ${p.code}`);
}
const account = async (userNo: string) =>
  (
    await company.db.query<Record<string, unknown>>('SELECT * FROM accounts WHERE user_no = $1', [
      userNo,
    ])
  )[0];
const count = async (table: string): Promise<number> =>
  Number((await company.db.query<{ n: unknown }>(`SELECT COUNT(*) AS n FROM ${table}`))[0]?.n);

describe.each(ENGINES)('accounts from a file, on %s', (engine) => {
  beforeEach(async () => {
    company = await Company.open(engine, {
      accounts: DEMO_ACCOUNTS.slice(0, 3),
      tariffs: DEMO_TARIFFS,
      creditAccounts: [],
      households: [],
    });
  }, 60_000);
  afterEach(() => company.close());

  it('come in by one transaction; a dry run tells the same and changes nothing', async () => {
    const file = csv(row(1), row(2), row(3));
    expect((await load(file, '--dry-run')).out).toBe(
      'new 3, changed 0, unchanged 0; nothing was imported',
    );
    expect(await account('20000001')).toBeUndefined();
    expect((await load(file)).out).toContain('new 3, changed 0, unchanged 0');
    expect(await account('20000001')).toMatchObject({
      holder_name: '用户1',
      meter_no: 'M1',
      kind: 'gas',
    });
    expect((await load(file)).out).toContain('new 0, changed 0, unchanged 3');
    expect(await count('account_imports')).toBe(2);
    expect(await count(`audit WHERE act = 'account.import'`)).toBe(2);
  });

  it('each bad line is named, and then nothing of the file is done', async () => {
    const before = await count('accounts');
    const card = DEMO_ACCOUNTS[0]?.cardNo ?? '';
    expect(
      await problems(
        csv(
          row(1),
          row(2).replace('6600000002', '66000002'),
          row(3, { tariff: 'none' }),
          row(4, { name: '=HYPERLINK("http://x")' }).replace('"http://x"', "'x'"),
          row(5).replace('燃气', '煤'),
          row(6).replace(',1000', ',1000.005'),
          row(7).replace(',1000', ',1 000'),
          row(8, { name: '' }),
          row(1),
          row(9).replace('6600000009', card),
          `${row(10)},extra`,
          row(11).replace('6600000011', '6600000099'),
          row(12, { name: 'B' }).replace('20000012', '20000011'),
        ),
      ),
    ).toEqual([
      '3 卡号 not-this',
      '4 tariffId unknown-tariff',
      '5 户名 formula',
      '6 类别 not-this',
      '7 表上限 not-this',
      '8 表上限 not-this',
      '9 户名 empty',
      '10 cardNo twice',
      '11 cardNo card-of-another',
      '12  cells',
      '14 holderName differs',
    ]);
    expect(await count('accounts')).toBe(before);
    expect(await count('account_imports')).toBe(0);
    expect(await problems(Buffer.from(`${HEAD},电话\n${row(1)},1`))).toEqual([
      '1 电话 unknown-column',
    ]);
    expect(await problems(Buffer.from('卡号,户号\n'))).toContain('1 holderName missing-column');
    expect(await problems(Buffer.from(`卡号,${HEAD}\n`))).toContain('1 卡号 column-twice');
    expect(await problems(Buffer.from(''))).toContain('0  no-rows');
    expect(await problems(Buffer.from([0x81, 0xff, 0xff, 0x00]))).toEqual(['0  encoding']);
    expect(await problems(Buffer.from('PK\u0003\u0004nothing'))).toEqual(['0  not-readable']);
  });

  it('an account that has sold here keeps its count, its sums and its money, whatever the file says', async () => {
    const [known] = DEMO_ACCOUNTS;
    if (known === undefined) throw new Error('no account');
    await company.db.query(
      'UPDATE accounts SET count = 99, cumulative = 777, carried_micro = 5 WHERE user_no = $1',
      [known.userNo],
    );
    const uses = await company.db.query('SELECT * FROM account_use ORDER BY user_no, counter');
    const file = Buffer.from(
      `卡号,户号,户名,表号,类别,价格编号,表上限,单次上限,限购量,限购周期,状态,购买次数,累计购量,本年购量,结转余额\n` +
        `${known.cardNo},${known.userNo},新户主,NEW1,燃气,gas-residential,1200.5,20,30,每月,欠费,1,2,3,4`,
    );
    expect((await load(file)).out).toContain('new 0, changed 1, unchanged 0');
    expect(await account(known.userNo)).toMatchObject({
      holder_name: '新户主',
      meter_no: 'NEW1',
      state: 'debt',
    });
    const row = await account(known.userNo);
    expect(
      [
        'ceiling_quantity',
        'per_purchase_quantity',
        'limit_quantity',
        'count',
        'cumulative',
        'carried_micro',
      ].map((name) => Number(row?.[name])),
    ).toEqual([120_050, 2_000, 3_000, 99, 777, 5]);
    expect(await company.db.query('SELECT * FROM account_use ORDER BY user_no, counter')).toEqual(
      uses,
    );
    const [change] = await company.db.query<{ before: string; after: string }>(
      'SELECT before, after FROM account_changes',
    );
    expect(JSON.parse(change?.before ?? '')).toMatchObject({
      holder_name: known.holderName,
      state: 'normal',
    });
    expect(change?.after).not.toContain('count');
    // A column that the file does not have changes nothing; kind and unit are what they are.
    await load(
      Buffer.from(
        `卡号,户号,户名,表号,类别,价格编号,表上限\n${known.cardNo},${known.userNo},新户主,NEW1,燃气,gas-residential,1200.5`,
      ),
    );
    expect(await account(known.userNo)).toMatchObject({ state: 'debt' });
    expect(
      await problems(
        Buffer.from(`${HEAD}\n${known.cardNo},${known.userNo},新户主,NEW1,水,gas-residential,1`),
      ),
    ).toEqual(['2 类别 fixed'].map((t) => t.replace('类别', 'kind')));
  });

  it('a new account brings along what it bought, in the periods in which that was counted', async () => {
    const file = Buffer.from(
      `${HEAD},限购量,限购周期,购买次数,累计购量,本年购量,本期已购,结转余额,统计日期\n${row(1)},50,每月,12,345.67,100.5,20,0.123456,2026/5/1`,
    );
    const said = await load(file);
    expect(said, said.err).toMatchObject({ code: 0 });
    const a = await account('20000001');
    expect([a?.['count'], a?.['cumulative'], a?.['carried_micro']].map(Number)).toEqual([
      12, 34_567, 123_456,
    ]);
    const use = await company.db.query<{ counter: string; quantity: unknown; start_ms: unknown }>(
      `SELECT counter, quantity, start_ms FROM account_use WHERE user_no = '20000001' ORDER BY counter`,
    );
    expect(use.map((u) => [u.counter, Number(u.quantity), Number(u.start_ms)])).toEqual([
      ['limit', 2_000, Date.parse('2026-05-01T00:00:00+08:00')],
      ['year', 10_050, Date.parse('2026-01-01T00:00:00+08:00')],
    ]);
  });

  it('no number is more than kiosks read, and nothing was counted on a day to come', async () => {
    const more = (head: string, ...cells: readonly string[]): Buffer =>
      Buffer.from([`${HEAD},${head}`, ...cells.map((c, i) => `${row(i + 1)},${c}`)].join('\n'));
    for (const [head, most, over] of [
      ['购买次数', '1000000', '1000001'],
      ['累计购量', '1000000000', '1000000000.01'],
      ['单次上限', '1000000000', '1000000000.01'],
      ['结转余额', '10000000', '10000000.000001'],
      ['统计日期', chinaDate(company.now), chinaDate(company.now + 86_400_000)],
    ] as const) {
      const found = await problems(more(head, most, over));
      expect(found).toHaveLength(1);
      expect(found[0], head).toMatch(/^3 \S+ not-this$/);
    }
    const credit = '户号,户名,地址,余额\n30000001,甲,A,-10000000\n30000002,乙,B,-10000000.01\n';
    expect(await problems(Buffer.from(credit), '--kind credit')).toEqual(['3 余额 not-this']);
    await load(Buffer.from('户号,户名,地址\n30000001,甲,A\n'), '--kind credit');
    const bills =
      '账单号,户号,类别,收款方,账期,金额,日滞纳金率,滞纳金上限,缴费期限\n' +
      'B1,30000001,gas,gas,2026-05,10000000,1000,1,2026-05-01\n' +
      'B2,30000001,gas,gas,2026-05,10000000.01,0,0,\n' +
      'B3,30000001,gas,gas,2026-05,10,1000.01,1,2026-05-01\n';
    expect(await problems(Buffer.from(bills), '--kind bill')).toEqual([
      '3 金额 not-this',
      '4 日滞纳金率 not-this',
    ]);
  });

  it('a second card, another meter, one file after another; a card does not change hands', async () => {
    await load(csv(row(1)));
    const two = csv(row(1), row(1).replace('6600000001', '6600000002'));
    expect((await load(two)).out).toContain('new 0, changed 1, unchanged 0');
    expect((await load(two)).out).toContain('unchanged 1');
    expect(await problems(csv(row(2)))).toEqual(['2 cardNo card-of-another']);
  });

  it('accounts without a card and their bills; a bill that is paid or being paid is not the file’s', async () => {
    const credit = Buffer.from(
      '户号,户名,地址,表号,收款方,余额\n30000001,甲,东街1号,IOT1,gas,-12.50\n30000002,乙,东街2号,,water,\n',
    );
    expect((await load(credit, '--kind credit')).out).toContain('new 2');
    expect((await load(credit, '--kind credit')).out).toContain('unchanged 2');
    const moved = Buffer.from(
      '户号,户名,地址,表号,收款方,余额\n30000001,甲,东街1号,,gas,9\n30000002,乙,东街2号,IOT1,water,9\n',
    );
    expect((await load(moved, '--kind credit')).out).toContain('changed 2');
    const [a] = await company.db.query<{ balance_fen: unknown }>(
      `SELECT balance_fen FROM credit_accounts WHERE user_no = '30000001'`,
    );
    expect(Number(a?.balance_fen)).toBe(-1_250);
    expect(
      await problems(
        Buffer.from('户号,户名,地址,表号,收款方\n30000003,丙,x,IOT1,gas\n'),
        '--kind credit',
      ),
    ).toEqual(['2 meterNo meter-of-another']);
    const bills = (fen: string) =>
      Buffer.from(
        `账单号,户号,类别,收款方,账期,金额,日滞纳金率,滞纳金上限,缴费期限\nB1,30000001,燃气,gas,2026-05,${fen},0.5,10,2026-06-30\nB2,30000001,燃气,gas,2026-06,20,,,\n`,
      );
    expect((await load(bills('88.80'), '--kind bill')).out).toContain('new 2');
    expect((await load(bills('90'), '--kind bill')).out).toContain('changed 1, unchanged 1');
    await company.db.query(
      `UPDATE credit_items SET state = 'paid', paid_by = 'o' WHERE item = 'B1'`,
    );
    expect((await load(bills('91'), '--kind bill')).out).toContain('kept 1');
    const [b] = await company.db.query<Record<string, unknown>>(
      `SELECT * FROM credit_items WHERE item = 'B1'`,
    );
    expect([b?.['principal_fen'], b?.['late_fee_e5'], b?.['late_fee_cap_fen']].map(Number)).toEqual(
      [9_000, 50, 1_000],
    );
    expect(
      await problems(
        Buffer.from('账单号,户号,类别,收款方,账期,金额,优惠\nB3,39999999,燃气,gas,x,0,5\n'),
        '--kind bill',
      ),
    ).toEqual(['2 userNo unknown-user', '2 principal not-this', '2 discount not-this']);
    await load(
      Buffer.from(
        '账单号,户号,类别,收款方,账期,金额,用量\nB5,30000001,燃气,gas,2026-05,9,3.5\nB6,30000001,燃气,gas,2026-05,9,4\n',
      ),
      '--kind bill',
    );
    const months = await company.db.query<Record<string, unknown>>('SELECT * FROM account_months');
    expect(months.map((m) => [m['month'], Number(m['quantity']), m['source']])).toEqual([
      ['2026-05', 750, 'bill'],
    ]);
    expect((await load(credit, '--kind household')).code).toBe(2);
  });
});

describe('files as they come', () => {
  beforeEach(async () => {
    company = await Company.open('sqlite', {
      accounts: [],
      tariffs: DEMO_TARIFFS,
      creditAccounts: [],
      households: [],
    });
  });
  afterEach(() => company.close());

  it('UTF-8 with its mark, GBK, UTF-16; CR, CRLF, LF; commas, tabs; headings in English; full-width digits', async () => {
    const lines = [HEAD, row(1), row(2)];
    const all: readonly Buffer[] = [
      Buffer.from(`\ufeff${lines.join('\r\n')}`),
      iconv.encode(lines.join('\n'), 'gbk'),
      Buffer.concat([
        Buffer.from([0xff, 0xfe]),
        Buffer.from(lines.join('\r\n').replaceAll(',', '\t'), 'utf16le'),
      ]),
      Buffer.from(lines.join('\r')),
      Buffer.from(`\n${lines.join('\n\n')}\n\n,,,\n`),
      Buffer.from(
        lines.join('\n').replace(HEAD, 'cardNo,User_No,holder name,METERNO,kind,tariffId,ceiling'),
      ),
      Buffer.from(lines.join('\n').replace('6600000001', '６６０００００００１')),
    ];
    for (const bytes of all) {
      const said = await load(bytes, '--dry-run');
      expect(said, said.err).toMatchObject({ code: 0 });
      expect(said.out).toContain('new 2');
    }
    // The line that a person sees, with line breaks inside of quotes before it.
    const quoted = `${HEAD}\r\n${row(1, { name: '"用户\r\n一"' })}\r\n${row(2).replace('燃气', '煤')}`;
    expect(await problems(Buffer.from(quoted))).toEqual(['2 户名 not-this', '4 类别 not-this']);
  });

  it('a spreadsheet: zeros that are lost, dates that are numbers, formulas, decimals as they were typed', async () => {
    const head = [...HEAD.split(','), '累计购量', '统计日期'].map((value) => ({ value }));
    const line = (cardNo: unknown, user: unknown, cumulative: unknown, day: unknown) => [
      cardNo,
      user,
      { value: '甲' },
      { value: 'M1' },
      { value: '燃气' },
      { value: 'gas-residential' },
      { value: 1000, type: Number },
      cumulative,
      day,
    ];
    const date = { value: new Date(Date.UTC(2026, 4, 1)), type: Date, format: 'yyyy-mm-dd' };
    const sheet = async (...rows: readonly unknown[][]): Promise<Buffer> =>
      writeXlsxFile([head, ...rows] as never).toBuffer();
    const good = await sheet(
      line({ value: '6600000001' }, { value: '020000001' }, { value: 0.1, type: Number }, date),
      line(
        { value: 6_600_000_002, type: Number },
        { value: '20000002' },
        { value: 1234.56, type: Number },
        null,
      ),
    );
    const said = await load(good);
    expect(said, said.err).toMatchObject({ code: 0 });
    expect((await account('020000001'))?.['cumulative']).toBe(10);
    expect((await account('20000002'))?.['cumulative']).toBe(123_456);
    const bad = await sheet(
      line({ value: 66_000_003, type: Number }, { value: '20000003' }, null, null),
      line({ value: '6600000004' }, { value: 20_000_004, type: Number }, null, null),
      line(
        { value: '6600000005' },
        { value: '20000005' },
        { value: '=1+1' },
        { value: 46_143, type: Number },
      ),
      line({ value: '6600000006' }, { value: '20000006' }, date, null),
    );
    expect(await problems(bad)).toEqual([
      '2 卡号 lost-zeros',
      '3 户号 lost-zeros',
      '4 累计购量 not-this',
      '4 统计日期 not-this',
      '5 累计购量 not-this',
    ]);
  });

  it('a hundred thousand lines are read as sets', async () => {
    const file = Buffer.from(
      `${HEAD}\n${Array.from({ length: 100_000 }, (_, i) => row(i)).join('\n')}`,
    );
    const statements: number[] = [];
    const { db } = company;
    const counting = {
      ...db,
      transaction: <T>(work: Parameters<typeof db.transaction<T>>[0]) =>
        db.transaction<T>((tx) =>
          work({
            ...tx,
            query: (sql, params) => {
              statements.push(sql.length);
              return tx.query(sql, params);
            },
          }),
        ),
    };
    Object.assign(company, { db: counting });
    expect((await load(file)).out).toContain('new 100000');
    expect(statements.length).toBeLessThan(150);
    statements.length = 0;
    expect((await load(file, '--dry-run')).out).toContain('unchanged 100000');
    expect(statements.length).toBeLessThan(60);
  }, 60_000);

  it('the templates are taken as they are', async () => {
    const { readFileSync } = await import('node:fs');
    const folder = `${import.meta.dirname}/../../../resources/samples/central`;
    for (const [name, kind] of [
      ['accounts.csv', 'card'],
      ['credit-accounts.csv', 'credit'],
      ['bills.csv', 'bill'],
    ] as const) {
      const said = await load(readFileSync(`${folder}/${name}`), `--kind ${kind}`);
      expect(said, said.err).toMatchObject({ code: 0 });
    }
    expect(await readTable(readFileSync(`${folder}/accounts.csv`))).toMatchObject({
      headings: expect.arrayContaining(['卡号']) as unknown,
    });
  });
});

describe('prices', () => {
  const DAY = 86_400_000;
  beforeEach(async () => {
    company = await Company.open('sqlite', { tariffs: DEMO_TARIFFS });
  });
  afterEach(() => company.close());
  const tomorrow = (): string =>
    new Date(company.now + 8 * 3_600_000 + DAY).toISOString().slice(0, 10);
  const add = (value: unknown): Promise<Said> =>
    company.run(`tariff add ${company.json('tariff.json', value)}`);
  const next = (over: object = {}) => ({
    tariffId: 'gas-residential',
    version: 2,
    from: tomorrow(),
    tiers: [
      { upto: '360', price: '2.75' },
      { upto: null, price: '3.1' },
    ],
    ...over,
  });

  it('a version for tomorrow is added once, announced, and never changed', async () => {
    const said = await add(next());
    expect(said.out, said.err).toContain(`holds from ${tomorrow()} on`);
    expect((await add(next())).out).toContain('is there already');
    expect((await add(next({ tiers: [{ upto: null, price: '1' }] }))).err).toContain(
      'add version 3',
    );
    const [rows] = await company.db.query<{ tiers: string }>(
      `SELECT tiers FROM tariffs WHERE tariff_id = 'gas-residential' AND version = 2`,
    );
    expect(JSON.parse(rows?.tiers ?? '')).toEqual([
      { uptoQuantity: 36_000, priceE4: 27_500 },
      { uptoQuantity: null, priceE4: 31_000 },
    ]);
    expect((await company.run('tariff list')).out).toMatch(/gas-residential +1 +- +holds/);
    // An account is not put on a price of tomorrow’s: it goes over by itself.
    expect(await problems(Buffer.from(`${HEAD},价格版本\n${row(1)},2`))).toEqual([
      '2 tariffVersion not-this',
    ]);
    company.now += DAY;
    expect((await load(Buffer.from(`${HEAD},价格版本\n${row(1)},2`))).code).toBe(0);
    expect((await company.run('tariff list')).out).toMatch(/gas-residential +2 +\S+ +holds/);
    expect((await company.run('tariff show gas-residential')).out).toContain(
      'to 360.00  2.7500 yuan',
    );
    expect((await company.run('tariff show none')).code).toBe(1);
  });

  it('what is no tariff, has begun, or comes before another is refused', async () => {
    for (const [over, why] of [
      [{ from: '2026-02-30' }, 'is no day'],
      [{ from: new Date(company.now + 8 * 3_600_000).toISOString().slice(0, 10) }, 'has begun'],
      [{ version: 1 }, 'is there, and another'],
      [{ tiers: [{ upto: '10', price: '1' }] }, 'only the last tier is open'],
      [
        {
          tiers: [
            { upto: '10', price: '1' },
            { upto: '10', price: '2' },
            { upto: null, price: '3' },
          ],
        },
        'must rise',
      ],
      [{ tiers: [{ upto: null, price: '0' }] }, 'needs a price'],
      [{ tiers: [{ upto: null, price: '1.23456' }] }, 'at most 4 decimals'],
      [{ tiers: [{ upto: null, price: 1.5 }] }, 'tiers.0.price'],
      [{ yearBegins: '02-29' }, 'yearBegins'],
      [{ tariffId: 'new', version: 1 }, 'the first version has none'],
      [{ name: 'x' }, 'name'],
    ] as const)
      expect((await add(next(over))).err).toContain(why);
    expect((await add(next({ version: 3 }))).code).toBe(0);
    expect((await add(next({ version: 2 }))).err).toContain('the newest version is 3');
    expect((await add(next({ version: 4 }))).err).toContain('an earlier version holds from');
  });
});
