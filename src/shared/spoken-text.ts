/** Texts that come by policy, and are spoken by a clip that the machine makes itself. */

/** A text in both languages, as policy has it. */
export interface BothTexts {
  readonly zh: string;
  readonly en: string;
}
/** Half a minute of speech: nobody listens longer, and a synthesiser must have an end. */
export const MAX_SPOKEN_CHARS = { 'zh-CN': 120, en: 360 } as const;
/** So many texts of one policy are spoken, in each language. */
export const MAX_SPOKEN_TEXTS = 120;
/**
 * So many clips of persons' own texts are kept, the newest: a screen's, in both languages. Core and
 * shell forget alike, so that what is forgotten is made again, and takes no policy's place.
 */
export const MAX_OWN_CLIPS = 16;

/** What is said of a text: as long as a clip may be, cut at the end of a sentence where it can. */
export function spokenPart(text: string, locale: 'zh-CN' | 'en'): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  const most = MAX_SPOKEN_CHARS[locale];
  if (flat.length <= most) return flat;
  const cut = flat.slice(0, most);
  const end = Math.max(...[...'。！？.!?；;'].map((mark) => cut.lastIndexOf(mark)));
  return end < most / 3 ? cut : cut.slice(0, end + 1);
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function fnv(text: string, seed: number): string {
  let hash = (FNV_OFFSET ^ seed) >>> 0;
  for (const unit of text)
    hash = Math.imul(hash ^ (unit.codePointAt(0) as number), FNV_PRIME) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/**
 * Names the clip of a text: core and screen work it out each for itself. No secret and no
 * signature: the text comes by signed policy.
 */
export function spokenTextId(text: string, locale: 'zh-CN' | 'en'): string {
  const said = `${locale}\n${spokenPart(text, locale)}`;
  return `${fnv(said, 0)}${fnv(said, 0x9e3779b9)}`;
}
