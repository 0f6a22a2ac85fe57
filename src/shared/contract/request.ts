import { z } from 'zod';
import { HALVES, REQUEST_KINDS, REQUEST_STATES } from '../requests.ts';
import { errorCode, natural, receipt } from './base.ts';

const name = z.object({ zh: z.string(), en: z.string() });
const slot = z.object({ date: z.string(), half: z.enum(HALVES) });
/** By when it is answered: minutes, or whole working days. */
const promise = z.union([z.object({ minutes: natural }), z.object({ workingDays: natural })]);
export type PromiseView = z.infer<typeof promise>;

/** How a request stands; the first three: it is not known. */
export const REQUEST_STATUS_SHOWN = [
  'asking',
  'no-answer',
  'not-found',
  ...REQUEST_STATES,
] as const;
const status = {
  ref: z.string(),
  state: z.enum(REQUEST_STATUS_SHOWN),
  name: name.nullable(),
  choice: name.nullable(),
  slot: slot.nullable(),
  /** What staff answered. */
  reply: z.string().nullable(),
  dueMs: natural.nullable(),
};
const statusShown = z.object(status);
export type RequestStatusShown = z.infer<typeof statusShown>;

/** Messages of interruptions are agreed to, or stopped; left out: people answer. */
const sms = z.enum(['subscribe', 'stop']).exactOptional();

/** What the screen asks, or says. Nothing of whose it is but what is masked. */
export const requestShown = z.discriminatedUnion('step', [
  z.object({
    step: z.literal('menu'),
    page: natural,
    pages: natural,
    categories: z.array(
      z.object({
        id: z.string(),
        kind: z.enum(REQUEST_KINDS),
        name,
        promise,
        /** False: not on these days. */
        open: z.boolean(),
        window: z.object({ from: z.string(), to: z.string() }).nullable(),
      }),
    ),
  }),
  z.object({ step: z.literal('choice'), choices: z.array(z.object({ id: z.string(), name })) }),
  z.object({
    step: z.literal('slot'),
    /** Central said which are full; false: staff call where it cannot be. */
    sure: z.boolean(),
    days: z.array(
      z.object({
        date: z.string(),
        halves: z.array(
          z.object({ half: z.enum(HALVES), state: z.enum(['free', 'full', 'gone']) }),
        ),
      }),
    ),
  }),
  /** `mobile`: no land line, since an SMS is sent there. */
  z.object({ step: z.literal('phone'), mobile: z.literal(true).exactOptional() }),
  /** `reading`: of the card that was put in instead. */
  z.object({ step: z.literal('user'), optional: z.boolean(), reading: z.boolean() }),
  z.object({
    step: z.literal('confirm'),
    choice: name.nullable(),
    slot: slot.nullable(),
    phone: z.string(),
    userNo: z.string().nullable(),
    promise,
    dueMs: natural,
    sms,
  }),
  z.object({ step: z.literal('making') }),
  /** It is durable. */
  z.object({ step: z.literal('made'), ref: z.string(), dueMs: natural, slip: receipt, sms }),
  /** The number on the slip, then the last four digits of the telephone number. */
  z.object({ step: z.literal('find') }),
  z.object({ step: z.literal('status'), ...status }),
]);
export type RequestShown = z.infer<typeof requestShown>;

/** The members of the `request` screen. */
export const requestShape = {
  /** Whom to call where gas is smelt: that is never a form. */
  emergency: z.string(),
  /** What is asked for, once it is chosen. */
  subject: name.nullable(),
  problem: errorCode.nullable(),
  shown: requestShown,
};
