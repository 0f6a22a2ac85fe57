// What a customer asked for that is lost, doubled, or told to the wrong one, once one of its mends
// is undone. `by` as in catalogue.mjs.
const unit = (file, name) => ({
  kind: 'tests',
  project: 'unit',
  files: [`test/unit/${file}.test.ts`],
  name,
});
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });
const CENTRAL = 'central/requests/requests.ts';
const VISIT = 'kiosk/visit/requests.ts';

export const REQUESTS = [
  mutant(
    'request-said-before-durable',
    'A request is said to be taken, and is not in the journal.',
    edit('kiosk/run/requests.ts', '  journal.makeRequest(body, sealed);\n', ''),
    unit('kiosk/requests', 'is durable before the screen says so'),
  ),
  mutant(
    'request-phone-unsealed',
    'The telephone number is kept as it was keyed in.',
    edit(
      'kiosk/run/requests.ts',
      'const sealed = sealTo(key, JSON.stringify({ phone: form.phone }), number, random);',
      'const sealed = sealTo(key, "", number, random) && JSON.stringify({ phone: form.phone });',
    ),
    unit('kiosk/requests', 'is durable before the screen says so'),
  ),
  mutant(
    'request-part-before-its-fact',
    'A sealed part is sent before the fact that holds its hash.',
    edit(
      'journal/statements.ts',
      `           AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.epoch = p.epoch AND o.seq = p.seq)\n`,
      '',
    ),
    unit('journal/requests', 'its sealed part waits for the fact'),
  ),
  mutant(
    'request-stranded-lost',
    'A request that central refused with its epoch is never told again.',
    edit(
      'journal/journal.ts',
      'for (const text of this.#st.requestsToRestate.all(epoch)) {',
      'for (const text of this.#st.requestsToRestate.all(0)) {',
    ),
    unit('journal/requests', 'said again in the next'),
  ),
  mutant(
    'request-double-tap',
    'A finger that trembles gives its telephone number as its user number.',
    edit(
      VISIT,
      'return intent.step === s.step ? onDigits(state, s, intent.value, ctx) : null;',
      'return onDigits(state, s, intent.value, ctx);',
    ),
    unit('kiosk/requests', 'answers no other'),
  ),
  mutant(
    'request-full-half-day',
    'A half day that central calls full can be chosen.',
    edit(VISIT, ' || isFull(s, slot)) return null;', ') return null;'),
    unit('kiosk/requests', 'those that are full'),
  ),
  mutant(
    'request-hour-unlimited',
    'A machine makes as many requests in an hour as it is asked for.',
    edit(
      'kiosk/run/requests.ts',
      'journal.requestsSince(nowMs - HOUR_MS) >= requests.perHour',
      'false',
    ),
    unit('kiosk/requests', 'so many an hour'),
  ),
  mutant(
    'request-any-digits',
    'A request’s status is told to whoever has its number.',
    edit(CENTRAL, '?.phone.slice(-4) === last4,', '?.phone !== undefined,'),
    unit('central/requests', 'the same nothing for all else'),
  ),
  mutant(
    'request-digits-tried',
    'The four digits may be tried without an end.',
    edit(CENTRAL, '!(row.wrongDay === today && row.wrongCount >= WRONG_A_DAY) &&', ''),
    unit('central/requests', 'whoever tries the digits'),
  ),
  mutant(
    'request-any-part',
    'Central takes a sealed part that the fact does not name.',
    edit(CENTRAL, 'if (rows[0].sealed_hash !== sealedHash(sealed))', 'if (sealed === "")'),
    unit('central/requests', 'take the sealed part that the fact names'),
  ),
  mutant(
    'request-of-another-terminal',
    'A terminal tells requests under another one’s numbers.',
    edit(
      CENTRAL,
      'if (terminalOf(number) !== by.terminalId || ref === null) {',
      'if (ref === null) {',
    ),
    unit('central/requests', 'are taken once'),
  ),
  mutant(
    'request-never-forgotten',
    'What identifies the customer stays at central for ever.',
    edit(CENTRAL, 'SET sealed = NULL, forgotten_ms = $1', 'SET forgotten_ms = $1'),
    unit('central/requests', 'is deleted the policy’s days after'),
  ),
  mutant(
    'request-answered-twice',
    'A request that is over is answered again.',
    edit(
      'central/requests/desk.ts',
      'WHERE number = $1 AND closed_ms IS NULL RETURNING acts',
      'WHERE number = $1 RETURNING acts',
    ),
    unit('central/requests', 'one that is over is answered no more'),
  ),
  mutant(
    'request-weekend-worked',
    'Saturdays that are worked for a holiday do not count as working days.',
    edit('shared/working-days.ts', '  if (on.includes(date)) return true;\n', ''),
    unit('shared/requests', 'are Monday to Friday'),
  ),
  mutant(
    'request-sealed-for-another',
    'What was sealed for one request opens as another’s.',
    edit(
      'shared/sealed-box.ts',
      `      .setAAD(Buffer.from(context, 'utf8'))
      .setAuthTag(`,
      `      .setAAD(Buffer.from('RQ-1', 'utf8'))
      .setAuthTag(`,
    ),
    unit('shared/requests', 'opens with that key and for that thing only'),
  ),
  mutant(
    'request-kick-unheard',
    'A fact that central acknowledges while a part is being sent leaves its own part lying.',
    edit('kiosk/watch/request-parts.ts', 'this.#kicked ? SOON_MS : ', ''),
    unit('kiosk/request-parts', 'does not wait'),
  ),
  mutant(
    'request-parts-behind-refused',
    'Twenty parts that central does not take keep all later ones from it.',
    edit('kiosk/watch/request-parts.ts', 'const SOME = 1_000;', 'const SOME = 20;'),
    unit('kiosk/request-parts', 'keep none of the others'),
  ),
  mutant(
    'request-parts-into-the-void',
    'With central away every part is tried, one after the other.',
    edit('kiosk/watch/request-parts.ts', "if (sent.error.code === 'BILL-0101') return true;", ''),
    unit('kiosk/request-parts', 'with central away'),
  ),
  mutant(
    'request-digits-spent-on-another',
    'Asking rightly for one request spends the tries of another with the same digits.',
    edit(
      CENTRAL,
      'if (right !== undefined) return toldOf(right);',
      'if (right !== undefined && rows.length < 2) return toldOf(right);',
    ),
    unit('central/requests', 'two whose slips have the same digits'),
  ),
  mutant(
    'request-answer-to-other-digits',
    'What central says to other digits, asked for before, is taken for the answer.',
    edit('kiosk/visit/requests.ts', ' || s.look.last4 !== last4) return null;', ') return null;'),
    unit('kiosk/requests', 'by its number and the end'),
  ),
];
