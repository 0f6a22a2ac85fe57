import { isUsable } from '../../device/device.ts';
import type { EventBody } from '../../shared/facts/catalogue.ts';
import { makeRequestNo, orderRef } from '../../shared/order-id.ts';
import { sealTo, sealedHash, sealingKey } from '../../shared/sealed-box.ts';
import { dueAt } from '../../shared/working-days.ts';
import type { RequestNews, RequestOp } from '../state/requests.ts';
import { chosenOf } from '../visit/request-offer.ts';
import { requestSlip } from '../words/request-slip.ts';
import type { Host } from './options.ts';
import { paperOf } from './paper.ts';

/** Carries out what is asked of the world for a request; each answer is an event. */

type Of<K extends RequestOp['op']> = Extract<RequestOp, { op: K }>;
const HOUR_MS = 3_600_000;

/**
 * Makes the request: its number, and the telephone number sealed to central's key. Both are durable
 * (the fact, and beside it what it holds the hash of) before this returns.
 */
export function makeRequest(host: Host, { form, count }: Of<'make'>): RequestNews {
  const { journal, clock, random, header, log } = host.options;
  const { policy } = host.state().service;
  const chosen = chosenOf(policy, form);
  if (policy?.sealTo === undefined || chosen === null) return { news: 'refused', code: 'REQ-0102' };
  const { category, requests } = chosen;
  const nowMs = Math.round(clock.nowMs());
  if (count >= requests.perVisit || journal.requestsSince(nowMs - HOUR_MS) >= requests.perHour)
    return { news: 'refused', code: 'REQ-0101' };
  const key = keyOf(policy.sealTo);
  if (key === null) return { news: 'refused', code: 'REQ-0102' };
  const choice = category.choices.find((c) => c.id === form.choice);
  const { terminalId } = header;
  const number = makeRequestNo(terminalId, journal.epoch, journal.nextOrderNumber(), random);
  const sealed = sealTo(key, JSON.stringify({ phone: form.phone }), number, random);
  const dueMs = dueAt(nowMs, category.promise, requests.calendar);
  const body: EventBody<'request-made'> = {
    number,
    category: category.id,
    kind: category.kind,
    name: category.name,
    choice: choice === undefined ? null : { id: choice.id, ...choice.name },
    slot: form.slot,
    userNo: form.userNo,
    madeMs: nowMs,
    dueMs,
    sealedHash: sealedHash(sealed),
    policyVersion: policy.version,
  };
  journal.makeRequest(body, sealed);
  log('info', 'journal', 'request-made', { number });
  return { news: 'made', number, dueMs };
}

/** Null: the policy's key is none. */
function keyOf(spki: string): ReturnType<typeof sealingKey> | null {
  try {
    return sealingKey(spki);
  } catch {
    return null;
  }
}

/** What central says, and the printer. */
export async function askRequest(
  host: Host,
  ask: Exclude<RequestOp, { op: 'make' }>,
  hotline: string,
): Promise<RequestNews> {
  const { requests } = host.options.billing;
  switch (ask.op) {
    case 'ask-slots': {
      const full = await requests.fullSlots(ask.category);
      return { news: 'slots', category: ask.category, full };
    }
    case 'look': {
      const result = await requests.status(ask.ref, ask.last4);
      return { news: 'looked', ref: ask.ref, last4: ask.last4, result };
    }
    case 'print':
      return print(host, ask, hotline);
  }
}

async function print(
  host: Host,
  { number, dueMs, form }: Of<'print'>,
  hotline: string,
): Promise<RequestNews> {
  const { policy, devices } = host.state().service;
  if (!isUsable(devices, 'printer')) return { news: 'printed', number, slip: 'none' };
  const { header, printer, clock } = host.options;
  const category = chosenOf(policy, form)?.category ?? null;
  const emergency = policy?.info?.emergency ?? hotline;
  const at = { header, hotline, emergency, nowMs: clock.nowMs(), locale: host.state().locale };
  const printed = await printer.print(
    requestSlip({ number, dueMs, form, category }, at),
    orderRef(number),
  );
  return { news: 'printed', number, slip: paperOf(printed) };
}
