import { z } from 'zod';
import { chinaDate } from '../../shared/time.ts';
import { select } from '../db/sets.ts';
import { Refusal } from '../http/problem.ts';
import { dateOf, noSuchResource } from '../http/request.ts';
import type { Route } from '../http/routes.ts';
import {
  changeItem,
  ITEM_WORDS,
  officeAccount,
  openPostings,
  settlementOf,
} from '../sale/credit-office.ts';
import { actsOn } from '../sale/credit-corrections.ts';
import { BOOK_WORDS, decideBook, sentOn, underWay } from '../sale/credit-decisions.ts';
import { CREDIT_ITEMS } from '../sale/credit-tables.ts';
import { creditAccountPage, creditItemPage, creditPage, settlementPage } from './credit-pages.ts';
import { bookFile, underWayPage } from './credit-book-pages.ts';
import { meterPage, metersTable } from './meter-pages.ts';
import { noteRepair, openCommands } from '../sale/meter-sender.ts';
import { filled, line } from './forms.ts';
import type { Ways } from './ways.ts';

/** What staff says about an item. */
const itemSchema = z.object({
  item: line.min(1).max(64),
  word: z.enum(ITEM_WORDS),
  reference: line.max(100).default(''),
  /** As the page showed it, fen. */
  principal: z.coerce.number().int().nonnegative().optional(),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
/** Who is sent to a meter. */
const meterSchema = z.object({
  meter: line.min(1).max(40),
  count: z.coerce.number().int().positive(),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
/** What a person says of a posting under way. */
const bookSchema = z.object({
  order: line.min(1).max(64),
  word: z.enum(BOOK_WORDS),
  voucher: line.max(64).default(''),
  who: line.min(1).max(60),
  why: line.min(1).max(300),
});
const BOOK_NO = {
  gone: '这笔订单已经有结果',
  'same-person': '提出的人不能自己核准，须由第二人核准',
  other: '两个人的说法不同，都已作废，请重新查明',
} as const;
const NO = {
  gone: '没有这张账单',
  'no-step': '账单的状态已经变了，请刷新',
  'other-sum': '账单的金额已经变了，请看过新的金额再提出',
  'being-paid': '正在自助机付款，请半小时后再登记代扣',
} as const;

/** Accounts without a card: look one up, say what was paid elsewhere, settle a day by payee. */
export function creditRoutes({ db, now, show, file, decide }: Ways): readonly Route[] {
  return [
    show('/console/credit', async (query) => {
      const userNo = query.get('user');
      if (userNo === null) {
        const { postings, count } = await openPostings(db());
        return creditPage(postings, count, metersTable(await openCommands(db()), now()));
      }
      const account = await officeAccount(db(), userNo.trim().replaceAll('\0', ''));
      if (account === null) throw noSuchResource();
      return creditAccountPage(account, now());
    }),
    show('/console/credit/item', async (query, by) => {
      const name = (query.get('item') ?? '').replaceAll('\0', '');
      const [item] = await select(db(), CREDIT_ITEMS, 'item = $1', [name]);
      if (item === undefined) throw noSuchResource();
      return creditItemPage(item, by);
    }),
    decide('/console/credit/item', async (form, on) => {
      const { principal: principalFen, ...told } = filled(form, itemSchema);
      if (told.word === 'paid' && told.reference === '')
        throw new Refusal('bad-request', '缴清须填凭证号');
      const barred = await changeItem(on, { ...told, principalFen }, now());
      if (barred !== null) throw new Refusal('bad-request', NO[barred], { status: 409 });
    }),
    show('/console/credit/posting', async (query, by) => {
      const waits = await underWay(db(), (query.get('order') ?? '').replaceAll('\0', ''));
      if (waits === null) throw noSuchResource();
      return underWayPage(waits, by);
    }),
    decide('/console/credit/posting', async (form, on) => {
      const { order: orderId, ...told } = filled(form, bookSchema);
      if (told.word === 'posted' && told.voucher === '')
        throw new Refusal('bad-request', '已入账须填凭证号');
      const decided = await decideBook(on, { orderId, ...told }, now());
      if (decided !== 'done' && decided !== 'asked')
        throw new Refusal('bad-request', BOOK_NO[decided], { status: 409 });
    }),
    file('/console/credit/book-file', async (query) => {
      const date = dateOf(query.get('date') ?? chinaDate(now()));
      return bookFile(await sentOn(db(), date, now()));
    }),
    show('/console/credit/meter', async (query, by) => {
      const place = [query.get('meter'), query.get('count')];
      const open = await openCommands(db());
      const command = open.find((c) => c.meter_no === place[0] && String(c.count) === place[1]);
      if (command === undefined) throw noSuchResource();
      return meterPage(command, now(), by);
    }),
    decide('/console/credit/meter', async (form, on) => {
      const { meter: meterNo, ...told } = filled(form, meterSchema);
      if (!(await noteRepair(on, { meterNo, ...told })))
        throw new Refusal('bad-request', '表端已生效', { status: 409 });
    }),
    show('/console/credit/settlement', async (query) => {
      const date = dateOf(query.get('date') ?? chinaDate(now()));
      const { days, postings } = await settlementOf(db(), date);
      return settlementPage(date, days, postings, await actsOn(db(), date));
    }),
  ];
}
