import type { Locale } from '../../shared/contract/index.ts';
import { ERRORS_PLACED } from '../../shared/errors-placed.ts';
import { ERRORS, shownTitle } from '../../shared/errors.ts';
import { PLACED } from '../i18n/placed.ts';
import { figureTexts } from './figures.ts';
import { screenTexts } from './fragments.ts';
import { numberTexts } from './numbers.ts';
import {
  OWN,
  SAID,
  SAID_ERRORS,
  SAID_WITH,
  catalogueOf,
  ownClip,
  ownPieces,
  placedClip,
} from './words.ts';
import type { ClipId, OwnKey, SaidWithKey } from './words.ts';

/** Every clip that the build makes of a language, with its words. */
export function clipTexts(locale: Locale): ReadonlyMap<ClipId, string> {
  const texts = catalogueOf(locale);
  const lang = locale === 'en' ? 'en' : 'zh';
  const clips = new Map<ClipId, string>();
  for (const key of SAID) {
    clips.set(`m/${key}`, texts[key]);
    const placed = PLACED[locale][key];
    if (placed !== undefined) clips.set(placedClip(`m/${key}`), placed);
  }
  for (const [key, { param, keys }] of Object.entries(SAID_WITH))
    for (const other of keys)
      clips.set(`m/${key}/${other}`, texts[key as SaidWithKey].replace(`{${param}}`, texts[other]));
  for (const key of Object.keys(OWN) as OwnKey[])
    for (const [piece, text] of Object.entries(ownPieces(key, locale)))
      if (/[\p{L}\p{N}]/u.test(text)) clips.set(ownClip(key, piece as 'before' | 'after'), text);
  for (const code of SAID_ERRORS) {
    clips.set(`e/${code}/title`, shownTitle(code)[lang]);
    clips.set(`e/${code}`, ERRORS[code].customer[lang]);
    const placed = ERRORS_PLACED[code];
    if (placed !== undefined) clips.set(placedClip(`e/${code}`), placed[lang]);
  }
  for (const [id, text] of [...numberTexts(locale), ...figureTexts(locale)])
    clips.set(id as ClipId, text);
  for (const [id, text] of screenTexts(locale)) if (!clips.has(id)) clips.set(id, text);
  return clips;
}
