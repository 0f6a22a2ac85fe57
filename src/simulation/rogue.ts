import { createBillingClient } from '../billing/client.ts';
import { centralKeyProvider, plCpuLayout, plPurseLayout } from '../card/index.ts';
import type { CardChannel, KeyProvider, Patience, WritePlan } from '../card/index.ts';
import { transmitT0 } from '../card/readers/t0.ts';
import type { PaymentProvider } from '../payment/types.ts';
import type { ClaimKind } from '../shared/central-api/index.ts';
import { failure } from '../shared/errors.ts';
import { receiptToken } from '../shared/evidence.ts';
import type { PaymentEvidence } from '../shared/evidence.ts';
import { attemptOf, makeAttemptIds, makeOrderId } from '../shared/order-id.ts';
import type { Clock } from '../shared/ports.ts';
import { err, ok } from '../shared/result.ts';
import { Keyring } from '../shared/signatures.ts';
import { chinaDate } from '../shared/time.ts';
import { UNWRITTEN } from '../shared/trust.ts';
import { cpuCard } from './card.ts';
import type { SimCard } from './card.ts';
import { Dice } from './dice.ts';
import { Loot } from './loot.ts';
import { Line } from './net.ts';
import type { Service } from './net.ts';
import { kioskProviders } from './providers.ts';
import type { WalletKeys } from './providers.ts';
import { RogueJournal } from './rogue-journal.ts';
import { othersOf } from './rogue-others.ts';
import type { Others } from './rogue-others.ts';
import { CUMULATIVE, Tales } from './rogue-tales.ts';
import type { HisDeal } from './rogue-tales.ts';
import { ProcessClock } from './timeline.ts';
import type { Engines, Town } from './town.ts';

type Key = ReturnType<Engines['key']>;
export interface RogueKeys extends WalletKeys {
  readonly terminals: readonly Key[];
  readonly policy: Key;
  readonly answers: Key;
  readonly gateway: Key;
}

/** A stream of its own. */
const STREAM = 13;
/** As the card keys of a kiosk ask again, src/main/core/compose.ts. */
export const patience = (clock: Clock): Patience => ({
  tries: 15,
  wait: () => new Promise((done) => void clock.after(1_000, done)),
});
/** He lives as long as the town. */
const LIFE = { alive: true, point: () => false };

/**
 * A thief who has the key of one terminal, an accomplice's card and phone, and time. He asks and
 * tells at random whatever a terminal can, and writes to his card whatever he gets keys for. What
 * he pays is his own money, and he wants it back.
 */
export class Rogue {
  readonly accounts;
  readonly #world: Town;
  readonly #terminalId: string;
  readonly #keys: RogueKeys;
  readonly #dice: Dice;
  readonly #clock: Clock;
  readonly #client: ReturnType<typeof createBillingClient>;
  readonly #payments: PaymentProvider | null;
  readonly #journal: RogueJournal;
  readonly #tales: Tales;
  readonly #deals: HisDeal[] = [];
  /** By card number. */
  readonly #loots = new Map<string, Loot>();
  #counter = 0;
  #accountGrant: string | undefined;

  constructor(world: Town, terminalId: string, keys: RogueKeys, service: Service) {
    this.#world = world;
    this.#terminalId = terminalId;
    this.#keys = keys;
    this.#dice = new Dice(world.seed, STREAM);
    this.#clock = new ProcessClock(world.timeline, LIFE, () => 0);
    this.#journal = new RogueJournal(terminalId, () => world.nowMs);
    const key = keys.terminals.at(-1) as Key;
    const send = new Line(world.timeline, this.#dice, service, () => undefined).send(LIFE);
    const ports = { clock: this.#clock, random: this.#dice, send, timeoutMs: 8_000 };
    this.#client = createBillingClient({
      ...ports,
      baseUrl: 'https://central.sim',
      terminalId,
      signer: key.signer,
      policyKeys: new Keyring(keys.policy.verifier),
      answerKeys: new Keyring(keys.answers.verifier),
      compressOverBytes: Number.POSITIVE_INFINITY,
    });
    const gatewayKeys = new Keyring(keys.gateway.verifier);
    this.#payments =
      world.paySet === 'direct'
        ? null
        : (kioskProviders(
            world.paySet,
            keys,
            { terminalId, signer: key.signer, gatewayKeys },
            ports,
          )[0] ?? null);
    this.accounts = [false, false, this.#dice.chance(0.5)].map((purse, i) => ({
      cardNo: `880000109${i}`,
      userNo: `100200109${i}`,
      holderName: '王某',
      meterNo: `000000109${i}`,
      kind: 'gas' as const,
      unit: purse ? ('money' as const) : ('volume' as const),
      state: 'normal' as const,
      count: 41,
      cumulative: CUMULATIVE,
      yearQuantity: 0,
      carriedMicro: this.#dice.below(20_000),
      ceilingQuantity: 100_000,
      perPurchaseQuantity: null,
      periodLeftQuantity: null,
      tariffId: purse ? 'money' : 'gas-residential',
      tariffVersion: 1,
    }));
    this.#tales = new Tales(
      world,
      this.#journal,
      this.#dice,
      this.accounts,
      (cardNo) => this.#loots.get(cardNo)?.bought ?? 0,
    );
    for (const account of this.accounts)
      this.#loots.set(
        account.cardNo,
        new Loot(world, cpuCard(account.unit === 'money', account), account, this.#deals),
      );
  }

  start(): void {
    this.#world.timeline.after(this.#dice.between(500, 7_000), () => {
      if (this.#world.quiet) return;
      void this.#act().then(
        () => this.start(),
        (cause: unknown) =>
          this.#world.problem(
            `the thief: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`,
          ),
      );
    });
  }
  async final(): Promise<void> {
    for (const loot of this.#loots.values()) await loot.final();
  }

  #did(what: string): void {
    this.#world.count(`thief-${what}`);
    this.#world.tell(`THIEF ${what}`);
  }

  async #act(): Promise<void> {
    const dice = this.#dice;
    const deal = this.#deals.length === 0 ? null : dice.pick(this.#deals);
    const others = othersOf(this.#world);
    const other = others.length === 0 ? null : dice.pick(others);
    const n = dice.below(20);
    if (deal !== null && n === 0) return this.#invent(deal);
    if (n === 1) return this.#heist();
    if (deal === null || n < 3) return this.#quote(deal === null || dice.chance(0.7));
    if (n < 5) return this.#pay(deal);
    if (n < 9) return this.#write(deal, other);
    if (n < 11) return this.#takeBack(deal);
    if (n < 13) return this.#claim(deal, other);
    if (n < 16) return this.#tell(deal, other);
    if (n === 16) return this.#alien(other);
    if (n === 17) return this.#askKeys(deal, other);
    if (n === 18) {
      this.#did('contradicts');
      return this.#journal.contradict(this.#client, dice.pick([1, 1, 2]));
    }
    this.#did('meter');
    return dice.pick([...this.#loots.values()]).visit();
  }

  async #quote(own: boolean, account = this.#dice.pick(this.accounts)): Promise<void> {
    const dice = this.#dice;
    const honest = dice.pick(this.#world.cards);
    const mine = this.#loots.get(account.cardNo);
    const orderId = makeOrderId(this.#terminalId, 1, (this.#counter += 1), dice);
    this.#did(own ? 'quote' : 'quote-other');
    if (dice.chance(0.5)) {
      const looked = await this.#client.account(account.cardNo);
      if (looked.ok) this.#accountGrant = looked.value.account.grant;
    }
    const said = await this.#client.quote({
      orderId,
      cardNo: own ? account.cardNo : honest.cardNo,
      nextCount:
        (own && mine !== undefined
          ? mine.count
          : honest.card.content({ cumulative: CUMULATIVE }, null).count) + 1,
      amountFen: dice.pick([1_000, 5_000, 10_000, 20_000, 30_000, 50_000]),
    });
    if (!said.ok) return;
    const ids = makeAttemptIds(orderId, 1, dice);
    this.#deals.push({ ...ids, orderId, quote: said.value, evidence: null, created: false });
    if (!own && dice.chance(0.7)) await this.#client.release(orderId);
  }

  /** A sale that never was: another one's terms under a number of its own. */
  async #invent({ quote }: HisDeal): Promise<void> {
    this.#did('invents');
    const orderId = makeOrderId(this.#terminalId, 1, (this.#counter += 1), this.#dice);
    const ids = makeAttemptIds(orderId, 1, this.#dice);
    const terms = { ...quote, orderId, ...(this.#dice.chance(0.5) ? { amountFen: 50_000 } : {}) };
    const deal = { ...ids, orderId, quote: terms, evidence: null, created: false };
    this.#deals.push(deal);
    return this.#tell(deal, null);
  }

  /** The whole of it: he pays, writes his card, and wants the money back. */
  async #heist(): Promise<void> {
    const dice = this.#dice;
    const account = dice.pick(this.accounts);
    const loot = this.#loots.get(account.cardNo);
    // What he began on this card and never paid is in his way.
    for (const { orderId, quote, created } of this.#deals)
      if (quote.cardNo === account.cardNo && !created) await this.#client.release(orderId);
    const before = this.#deals.length;
    await this.#quote(true, account);
    const deal = this.#deals[before];
    if (deal === undefined) return;
    this.#did('heist');
    for (let tries = 0; tries < 3 && deal.evidence === null; tries++) await this.#pay(deal);
    await this.#write(deal, null, deal.evidence, dice.chance(0.2));
    if (dice.chance(0.6)) loot?.visit();
    if (dice.chance(0.3)) return this.#tellSale(deal);
    await this.#tellSale(deal, dice.pick(['paid', 'delivering'] as const));
    for (let n = dice.between(1, 3); n > 0; n--) {
      if (dice.chance(0.2)) await this.#tell(deal, null);
      if (dice.chance(0.2)) await this.#invent(deal);
      await (dice.chance(0.7) ? this.#claim(deal, null, 'refund') : this.#takeBack(deal));
    }
    if (dice.chance(0.5)) await this.#tellSale(deal);
  }

  /** He pays for his own card only: what he pays for another's is that one's gain. */
  async #pay(deal: HisDeal): Promise<void> {
    const provider = this.#payments;
    if (provider === null || !this.#loots.has(deal.quote.cardNo)) return;
    const { outTradeNo, orderId, quote } = deal;
    const attempt = { outTradeNo, amountFen: quote.amountFen };
    if (!deal.created) {
      this.#did('pays');
      const said = await provider.create({
        ...attempt,
        orderId,
        description: '燃气',
        expiresAtMs: this.#world.nowMs + 300_000,
      });
      deal.created = said.kind !== 'unknown';
      if (said.kind === 'pending') this.#world.phone.pay(said.qrText, false);
    }
    await this.#sleep(2_000);
    const told = await provider.query(attempt);
    if (told.kind === 'paid' && told.evidence !== undefined) deal.evidence = told.evidence;
  }
  #sleep(ms: number): Promise<void> {
    return new Promise((done) => void this.#clock.after(ms, done));
  }

  /** A proof of payment: his own, another sale's, an honest customer's, or one of his own making. */
  #proof(deal: HisDeal, other: Others | null): PaymentEvidence | null {
    const { orderId, outTradeNo, quote } = deal;
    const forged = (by: Key): PaymentEvidence => ({
      kind: 'receipt',
      token: receiptToken(by.signer, {
        terminalId: this.#terminalId,
        orderId,
        outTradeNo,
        amountFen: quote.amountFen,
        wallet: 'wechat',
        walletNumber: `4200${String(this.#dice.below(1_000_000))}`,
        paidMs: null,
      }),
    });
    switch (this.#dice.below(10)) {
      case 0:
        return null;
      case 1:
        return other?.evidence ?? null;
      case 2:
        return this.#dice.pick(this.#deals).evidence;
      case 3:
        return forged(this.#keys.terminals.at(-1) as Key);
      default:
        return deal.evidence;
    }
  }

  // ---- cards ----
  #channel(card: SimCard): CardChannel {
    const { slot } = card;
    return {
      insertion: 1,
      memory: null,
      mifare: null,
      transmit: (apdu) =>
        transmitT0(apdu, (raw) => {
          const said = slot.process(raw);
          return Promise.resolve(
            said.kind === 'answer' ? ok(said.bytes) : err(failure('CARD-0102')),
          );
        }),
      reset: () => {
        const atr = slot.reset();
        return Promise.resolve(atr === null ? err(failure('CARD-0101')) : ok(atr));
      },
    };
  }
  #keysWith(paid: PaymentEvidence | null): KeyProvider {
    return centralKeyProvider((request) =>
      this.#client.cardKey({
        ...request,
        ...(paid === null ? {} : { paid: { evidence: paid } }),
      }),
    );
  }

  /** Writes his card with what central answers: the sale, or more than the sale. */
  async #write(
    deal: HisDeal,
    other: Others | null,
    proof = this.#proof(deal, other),
    greedy = this.#dice.chance(0.5),
  ): Promise<void> {
    const card = this.#loots.get(deal.quote.cardNo)?.card;
    if (card === undefined) return this.#askKeys(deal, other);
    const dice = this.#dice;
    const honest = this.#keysWith(proof);
    let wanted: Uint8Array | null = null;
    // He has central compute over the sale's record, and sends the card another one.
    const keys: KeyProvider = {
      ...honest,
      updateMac: (s8, challenge, header, data) =>
        honest.updateMac(s8, challenge, header, wanted ?? data),
    };
    const layout =
      card.chip === 'purse'
        ? plPurseLayout(keys, { terminalId: this.#terminalId, nowMs: () => this.#world.nowMs })
        : plCpuLayout(keys);
    card.slot.insert();
    card.slot.reset();
    const channel = this.#channel(card);
    const reading = await layout.read(channel);
    if (reading.ok) {
      const planned = (quantity: number, orderId = deal.orderId) =>
        layout.plan(reading.value, { orderId, quantity, date: chinaDate(this.#world.nowMs) });
      const { quantity } = deal.quote;
      const plain = planned(quantity);
      const more = planned(
        greedy ? dice.pick([quantity + 1, 2 * quantity, 90_000]) : quantity,
        greedy && dice.chance(0.2) ? dice.pick(this.#deals).orderId : deal.orderId,
      );
      if (plain.ok && more.ok) {
        const greater = more.value.quantity > quantity;
        this.#did(greater ? 'writes-more' : 'writes');
        if (greater && dice.chance(0.3)) wanted = recordIn(plain.value);
        const done = await layout.apply(channel, more.value, () => Promise.resolve(ok(undefined)));
        this.#world.tell(`THIEF: ${done.ok ? 'written' : done.error.code}`);
        if (done.ok && dice.chance(0.3)) await layout.apply(channel, more.value);
      }
    }
    card.slot.remove();
  }

  /** Keys for cards that are not his: an honest customer's order may be fixed or worn out by them. */
  async #askKeys(deal: HisDeal, other: Others | null): Promise<void> {
    const dice = this.#dice;
    this.#did('asks-keys');
    const cardNo = other !== null && dice.chance(0.5) ? other.cardNo : deal.quote.cardNo;
    const keys = this.#keysWith(this.#proof(deal, other));
    const serial = Buffer.from(`000000${cardNo}`, 'hex');
    for (let n = dice.between(1, 4); n > 0; n--) await keys.externalAuth(serial, dice.bytes(8));
    await keys.cardCode('SLE4442', Buffer.from(cardNo, 'hex'));
  }

  // ---- money ----
  /** He wants his payment back. */
  async #takeBack({ outTradeNo, outRefundNo, quote }: HisDeal): Promise<void> {
    const provider = this.#payments;
    if (provider === null) return;
    this.#did('takes-back');
    const attempt = { outTradeNo, amountFen: quote.amountFen };
    const refundFen = this.#dice.chance(0.8) ? quote.amountFen : 1 + this.#dice.below(1_000);
    const refund = { ...attempt, outRefundNo, refundFen, reason: '退款' };
    if (this.#dice.chance(0.2)) await provider.close(attempt);
    else if (this.#dice.chance(0.1)) await provider.code?.reverse({ ...attempt, method: 'code' });
    else {
      const said = await provider.refund(refund);
      this.#world.tell(`THIEF: refund of ${outTradeNo}: ${said.kind}`);
    }
  }

  async #claim(
    deal: HisDeal,
    other: Others | null,
    kind: ClaimKind = this.#dice.pick(['write', 'refund', 'counter'] as const),
  ): Promise<void> {
    const dice = this.#dice;
    const his = other === null || dice.chance(0.6);
    this.#did(his ? `claims-${kind}` : `claims-other-${kind}`);
    const { orderId } = his ? deal : other;
    const cardNo = his ? deal.quote.cardNo : other.cardNo;
    const told = { unwritten: dice.pick(UNWRITTEN), writes: dice.below(2) };
    const claimed = await this.#client.claim(orderId, kind, cardNo, this.#world.nowMs, told);
    this.#world.tell(
      `THIEF: ${kind} claim of ${orderId}: ${claimed.ok ? 'granted' : claimed.error.code} ${JSON.stringify(told)}`,
    );
    if (!claimed.ok) return;
    const { grant } = claimed.value;
    const token = grant === undefined ? {} : { grant };
    if (his && kind === 'refund') {
      if (dice.chance(0.5))
        this.#journal.tell('order-refunding', orderId, {
          attemptId: deal.attemptId,
          failure: { code: 'CARD-0202' },
          ...token,
        });
      await this.#journal.upload(this.#client);
      return this.#takeBack(deal);
    }
    if (!his && kind === 'write') return this.#assist(other, token);
  }

  /** What he read on a card that he never had, under the claim that he got. */
  async #assist(other: Others, token: { readonly grant?: string }): Promise<void> {
    this.#did('assists');
    const dice = this.#dice;
    this.#journal.tell('assist-ended', other.orderId, {
      origin: other.origin,
      cardNo: other.cardNo,
      verdict: dice.pick(['after', 'before', 'torn', 'superseded', 'foreign'] as const),
      written: dice.chance(0.5),
      count: 42,
      quantity: dice.below(10_000),
      cumulative: 205_000 + dice.below(10_000),
      ...token,
    });
    await this.#journal.upload(this.#client);
  }

  // ---- facts ----
  async #tell(deal: HisDeal, other: Others | null): Promise<void> {
    this.#did('tells');
    this.#tales.of(deal, () => this.#proof(deal, other), this.#accountGrant);
    await this.#journal.upload(this.#client);
  }
  /** His sale as an honest kiosk tells it: his card is free again. */
  async #tellSale(deal: HisDeal, until?: Parameters<Tales['sale']>[1]): Promise<void> {
    this.#did('tells-true');
    this.#tales.sale(deal, until);
    await this.#journal.upload(this.#client);
  }

  /** Facts and requests about an honest customer's order, with no claim on it. */
  async #alien(other: Others | null): Promise<void> {
    if (other === null) return;
    const { orderId, cardNo, outTradeNo } = other;
    const attemptId = outTradeNo === null ? null : attemptOf(orderId, outTradeNo);
    const body = { attemptId: attemptId ?? `${orderId}/1` };
    const dice = this.#dice;
    this.#did('others-order');
    switch (dice.below(7)) {
      case 0:
        await this.#client.release(orderId);
        break;
      case 1:
        await this.#assist(other, {});
        break;
      case 2:
        this.#journal.tell('order-refunded', orderId, body);
        break;
      case 3:
        this.#journal.tell('parked-settled', orderId, {
          attemptId: null,
          how: 'refunded-by-hand',
          reference: 'CASH',
          who: '技术员',
          why: '退款',
        });
        break;
      case 4:
        this.#journal.tell('order-closed', orderId, { why: 'customer' });
        break;
      case 5:
        await this.#client.quote({ orderId, cardNo, nextCount: 42, amountFen: 1_000 });
        break;
      default:
        if (outTradeNo === null || this.#payments === null) return;
        await this.#payments.refund({
          outTradeNo,
          amountFen: 5_000,
          outRefundNo: outTradeNo.replace('P', 'R'),
          refundFen: 5_000,
          reason: '退款',
        });
    }
    await this.#journal.upload(this.#client);
  }
}

/** The bytes that a plan writes: the end of its after-image. */
const recordIn = (plan: WritePlan): Uint8Array => plan.after.subarray(plan.after.length - 17);
