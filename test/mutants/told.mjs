// What the hall tells by place, and lists for the phone. `by` as in catalogue.mjs.
const tests = (file, name) => ({ kind: 'tests', project: 'unit', files: [file], name });
const hall = (name) => tests('test/unit/kiosk/hall-info.test.ts', name);
const page = (name) => tests('test/unit/central/papers-page.test.ts', name);
const edit = (file, find, replace) => ({ file, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const TOLD = [
  mutant(
    'told-all-stewards',
    'Every district shows all stewards.',
    edit(
      'src/kiosk/visit/hall-info.ts',
      's.district.zh === names[open]?.zh',
      's.district.zh !== names[99]?.zh',
    ),
    hall('heating stewards'),
  ),
  mutant(
    'told-farthest-station',
    'The farthest station comes first.',
    edit(
      'src/kiosk/visit/hall-info.ts',
      '(metresTo(a, ctx) ?? Number.MAX_SAFE_INTEGER) -',
      '-(metresTo(a, ctx) ?? Number.MAX_SAFE_INTEGER) +',
    ),
    hall('stations: the nearest first'),
  ),
  mutant(
    'told-code-stays',
    'Another list to bring shows the code of it, and not the list.',
    edit('src/kiosk/visit/hall-info.ts', "topic === 'papers' ? { group: 0 } : {}", '({})'),
    hall('a list to bring has a code'),
  ),
  mutant(
    'told-page-escapes',
    'A policy’s words are markup on the phone.',
    edit(
      'src/central/receipts/papers-page.ts',
      'escapeHtml(locale === 1 ? en : zh)',
      '(locale === 1 ? en : zh)',
    ),
    page('a list that is not there any more'),
  ),
  mutant(
    'told-town-locked-out',
    'Sixty people a minute may read a list, and no more.',
    edit('src/central/receipts/papers-page.ts', '`${source} ${id}`', '`${id}`'),
    page('a page is opened so often'),
  ),
];
