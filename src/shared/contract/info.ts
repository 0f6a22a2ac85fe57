import { z } from 'zod';
import { outageSchema, papersSchema, priceListSchema, stewardSchema } from '../policy-info.ts';
import { natural } from './base.ts';

/** What the hall tells: other sites, interruptions of supply, prices, what to bring. */
export const INFO_TOPICS = [
  'sites',
  'outages',
  'prices',
  'papers',
  'stewards',
  'stations',
] as const;
export type InfoTopic = (typeof INFO_TOPICS)[number];

const siteView = z.object({
  name: z.string(),
  detail: z.string(),
  /** From here, metres; null: not known. */
  metres: natural.nullable(),
  hours: z.object({ from: z.string(), to: z.string() }).nullable(),
  openNow: z.boolean(),
});
export type SiteView = z.infer<typeof siteView>;

const words = z.object({ zh: z.string(), en: z.string() });
const stationView = z.object({
  name: words,
  address: words,
  does: words,
  metres: natural.nullable(),
  hours: z.object({ from: z.string(), to: z.string() }).nullable(),
  openNow: z.boolean(),
});
export type StationView = z.infer<typeof stationView>;

const pages = { page: natural, pages: natural };
/** One topic's page. */
export const infoShown = z.discriminatedUnion('topic', [
  /** The topics, and the numbers to call. */
  z.object({ topic: z.literal('menu') }),
  z.object({ topic: z.literal('sites'), ...pages, sites: z.array(siteView) }),
  z.object({ topic: z.literal('outages'), ...pages, outages: z.array(outageSchema) }),
  /** `page` is the list that is open, of all that `names` names. */
  z.object({
    topic: z.literal('prices'),
    ...pages,
    names: z.array(priceListSchema.shape.name),
    list: priceListSchema,
  }),
  z.object({
    topic: z.literal('papers'),
    ...pages,
    names: z.array(papersSchema.shape.title),
    papers: papersSchema,
    /** Its page for phones; `code`: it is drawn, in the place of the list. */
    url: z.string().exactOptional(),
    code: z.boolean(),
  }),
  z.object({ topic: z.literal('stations'), ...pages, stations: z.array(stationView) }),
  /** `group` is the district that is open, of all that `names` names. */
  z.object({
    topic: z.literal('stewards'),
    ...pages,
    names: z.array(stewardSchema.shape.district),
    group: natural,
    stewards: z.array(stewardSchema),
  }),
]);
export type InfoShown = z.infer<typeof infoShown>;
/** The members of the `info` screen. */
export const infoShape = {
  /** Those that have something to tell. */
  topics: z.array(z.enum(INFO_TOPICS)),
  emergency: z.string().nullable(),
  complaints: z.string().nullable(),
  shown: infoShown,
};
