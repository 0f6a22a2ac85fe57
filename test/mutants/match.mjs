// A sabotage is found by its tokens: white space, commas, quotes, parentheses and comments do not
// count, so that a formatter may lay the source out as it likes and every sabotage still applies.

const SKIPPED = /(?<=^|[\s{};,(])\/\/[^\n]*|\/\*[\s\S]*?\*\/|[\s,'"`()]/y;
const TOKEN = /[\w$]+|[\s\S]/y;

/** @returns the tokens of a text, each with where it stands */
function tokensOf(text) {
  const tokens = [];
  let at = 0;
  while (at < text.length) {
    SKIPPED.lastIndex = at;
    const skipped = SKIPPED.exec(text);
    if (skipped !== null) {
      at = SKIPPED.lastIndex;
      continue;
    }
    TOKEN.lastIndex = at;
    const word = TOKEN.exec(text)[0];
    tokens.push({ word, at, end: at + word.length });
    at += word.length;
  }
  return tokens;
}

/**
 * Where `marks` (quotes and parentheses at an end of what is looked for) end in `text`, stepping by
 * `step` from `from`.
 */
function past(text, from, marks, step) {
  let at = from;
  for (const mark of marks) {
    let next = at;
    // The formatter may have put white space or a comma before it.
    while (text[next] !== mark && /[\s,]/.test(text[next] ?? '')) next += step;
    if (text[next] !== mark) return at;
    at = next + step;
  }
  return at;
}

const known = new Map();

/**
 * Where `find` stands in `text`, as [from, to); all its places. What is cut out takes the quotes,
 * commas and parentheses along with which `find` begins and ends, as far as they are there.
 */
export function places(text, find) {
  const tokens = known.get(text) ?? tokensOf(text);
  known.set(text, tokens);
  const wanted = tokensOf(find);
  if (wanted.length === 0) return [];
  const head = Array.from(find.slice(0, wanted[0].at))
    .filter((c) => !/\s/.test(c))
    .toReversed();
  const tail = Array.from(find.slice(wanted.at(-1).end)).filter((c) => !/\s/.test(c));
  const found = [];
  for (let i = 0; i + wanted.length <= tokens.length; i++) {
    if (!wanted.every((w, k) => tokens[i + k].word === w.word)) continue;
    const first = tokens[i];
    const last = tokens[i + wanted.length - 1];
    found.push([past(text, first.at - 1, head, -1) + 1, past(text, last.end, tail, 1)]);
  }
  return found;
}

/**
 * `text` with `replace` where `find` stands; null: it does not stand there exactly once, or nothing
 * would change.
 */
export function sabotaged(text, find, replace) {
  const found = places(text, find);
  if (found.length !== 1 || find === replace) return null;
  const [from, to] = found[0];
  return text.slice(0, from) + replace + text.slice(to);
}
