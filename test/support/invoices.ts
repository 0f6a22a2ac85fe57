import type { InvoicesConfig } from '../../src/central/invoices/config.ts';
import type {
  BlueRequest,
  InvoiceAnswer,
  InvoiceProvider,
  RedRequest,
} from '../../src/central/invoices/provider.ts';

/** Two companies: gas onto cards at 9 %, top-ups as prepaid, gas bills at 9 %; no water, no heat. */
export const INVOICES: InvoicesConfig = {
  sellers: {
    house: { name: '阜城燃气有限公司', taxNo: '91350100M000100Y43', issuer: '自助终端' },
    heat: { name: '阜城热力有限公司', taxNo: '9144030071526726XG' },
  },
  goods: [
    {
      payee: 'house',
      utility: 'card',
      classCode: '1100202020000000000',
      name: '天然气',
      unit: '立方米',
      tax: { kind: 'taxed', rateE4: 900 },
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
      name: '天然气',
      tax: { kind: 'taxed', rateE4: 900 },
    },
    {
      payee: 'heat',
      utility: 'heat',
      classCode: '1100102010100000000',
      name: '居民供暖',
      tax: { kind: 'exempt' },
    },
  ],
  withinDays: 180,
  keepDays: 30,
};

/** How a provider takes what it is sent next, and what it has not ended yet. */
export type Mood = 'issue' | 'wait' | 'refuse' | 'lose-request' | 'lose-answer';

interface Taken {
  readonly request: BlueRequest | RedRequest;
  answer: Extract<InvoiceAnswer, { kind: 'issued' | 'pending' | 'refused' }>;
}

/** A provider in the test's own process that keeps its promises, and fails as told. */
export class FakeProvider implements InvoiceProvider {
  mood: Mood = 'issue';
  /** All requests that arrived, in order: `blue <id>`, `red <id>`, `query <id>`. */
  readonly asked: string[] = [];
  /** What it took, once under each id. */
  readonly taken = new Map<string, Taken>();
  /** Called before anything of a request is done. */
  before: ((requestId: string) => Promise<void>) | null = null;

  async blue(request: BlueRequest): Promise<InvoiceAnswer> {
    return this.#take('blue', request);
  }
  async red(request: RedRequest): Promise<InvoiceAnswer> {
    return this.#take('red', request);
  }
  async query({ requestId }: Pick<BlueRequest, 'requestId'>): Promise<InvoiceAnswer> {
    this.asked.push(`query ${requestId}`);
    await this.before?.(requestId);
    if (this.mood === 'lose-request') return { kind: 'unknown', detail: 'no answer' };
    const known = this.taken.get(requestId);
    if (known === undefined) return { kind: 'unheard' };
    if (known.answer.kind === 'pending' && this.mood !== 'wait') this.#finish(known);
    return known.answer;
  }

  async #take(kind: 'blue' | 'red', request: BlueRequest | RedRequest): Promise<InvoiceAnswer> {
    this.asked.push(`${kind} ${request.requestId}`);
    await this.before?.(request.requestId);
    if (this.mood === 'lose-request') return { kind: 'unknown', detail: 'no answer' };
    const known = this.taken.get(request.requestId);
    if (known !== undefined) return known.answer;
    const one: Taken = { request, answer: { kind: 'pending', detail: '处理中' } };
    this.taken.set(request.requestId, one);
    if (this.mood !== 'wait') this.#finish(one);
    return this.mood === 'lose-answer' ? { kind: 'unknown', detail: 'no answer' } : one.answer;
  }

  #finish(one: Taken): void {
    if (this.mood === 'refuse') {
      one.answer = { kind: 'refused', reason: '购方名称与税号不符' };
      return;
    }
    const number = String(++this.#numbers).padStart(20, '0');
    one.answer = {
      kind: 'issued',
      number,
      issuedMs: 1_780_000_000_000,
      url: `https://invoices.example.com/${number}.pdf`,
      buyerName: 'buyer' in one.request ? one.request.buyer.name : '',
    };
  }
  #numbers = 0;

  /** Blue ones that no red one took back. */
  standing(): readonly BlueRequest[] {
    const taken = [...this.taken.values()].filter((t) => t.answer.kind === 'issued');
    const back = new Set(
      taken.flatMap(({ request }) => ('ofRequest' in request ? [request.ofRequest] : [])),
    );
    return taken.flatMap(({ request }) =>
      'buyer' in request && !back.has(request.requestId) ? [request] : [],
    );
  }
}
