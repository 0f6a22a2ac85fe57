// Messages of interruptions. `by` as in catalogue.mjs.
const tests = (project, file, name) => ({ kind: 'tests', project, files: [file], name });
const sms = (name) => tests('unit', 'test/unit/central/outage-sms.test.ts', name);
const kiosk = (name) => tests('unit', 'test/unit/kiosk/requests.test.ts', name);
const platform = (name) => tests('integration', 'test/integration/outage-sms.test.ts', name);
const edit = (file, find, replace) => ({ file: `src/central/requests/${file}`, find, replace });
const mutant = (id, what, edits, ...by) => ({ id, what, edits: [edits].flat(), by });

export const OUTAGE_SMS = [
  mutant(
    'sms-sent-before-durable',
    'What became of a message is not asked about: it is sent again.',
    edit('sms-sender.ts', "if (m.state === 'sent') {", "if (m.state === 'never') {"),
    sms('that got no answer are asked about'),
  ),
  mutant(
    'sms-not-marked',
    'A message leaves before its row says so.',
    edit('sms-sender.ts', "SET state = 'sent', sent_ms", "SET state = 'waiting', sent_ms"),
    sms('that got no answer are asked about'),
  ),
  mutant(
    'sms-twice-an-outage',
    'A number of two areas is told twice of one interruption.',
    [
      {
        file: 'src/central/db/migrations/047-outage-sms.ts',
        find: '  UNIQUE (tag, outage)',
        replace: '  CHECK (true)',
      },
      edit(
        'sms-sender.ts',
        'm.tag = s.tag AND m.outage = $2',
        'm.tag = s.tag AND m.outage = $2 AND false',
      ),
      edit(
        'sms-sender.ts',
        "hash('sha256', `${id} ${tag}`, 'hex')",
        "hash('sha256', `${id} ${tag} ${nowMs} ${number}`, 'hex')",
      ),
    ],
    sms('go once to each number of the area'),
  ),
  mutant(
    'sms-at-night',
    'Planned work wakes a town.',
    edit('sms-sender.ts', "${isQuiet(nowMs) ? 'AND sudden' : ''}", ''),
    sms('wait for eight in the morning'),
  ),
  mutant(
    'sms-too-early',
    'A message is sent weeks ahead.',
    edit('sms-sender.ts', 'fromMs - nowMs <= AHEAD_MS && ', ''),
    sms('go once to each number of the area'),
  ),
  mutant(
    'sms-late-word-counts',
    'Who has stopped is subscribed again by what he had asked for before.',
    edit('sms-subscribers.ts', 'AND at_ms >= $2 LIMIT 1', 'AND at_ms < 0 AND at_ms >= $2 LIMIT 1'),
    sms('stop at the machine'),
  ),
  mutant(
    'sms-stopped-and-sent',
    'What waits is sent to a number that has said stop.',
    edit(
      'sms-subscribers.ts',
      "AND state = 'waiting'`, [those]",
      "AND state = 'nothing'`, [those]",
    ),
    sms('stop before they left'),
  ),
  mutant(
    'sms-answer-unheard',
    'An answer of T changes nothing.',
    edit('sms-sender.ts', 'STOP.test(text.trim())', "text === ''"),
    sms('stop by an answer of T'),
    platform('an answer of T'),
  ),
  mutant(
    'sms-answer-again',
    'One answer of T stops what was asked for after it.',
    edit('sms-subscribers.ts', 'AND since_ms <= $2`', 'AND since_ms <= $2 + 1000000000`'),
    sms('stop by an answer of T'),
  ),
  mutant(
    'sms-answer-by-their-clock',
    'A platform whose clock is behind has its customers’ answers forgotten.',
    edit('sms-sender.ts', 'Math.max(atMs, await lastSentMs(tx, tags))', 'atMs'),
    sms('stop by an answer of T'),
  ),
  mutant(
    'sms-number-kept',
    'The sealed number stays with the request, also of who stopped.',
    edit(
      'sms-subscribers.ts',
      'sealed = NULL, forgotten_ms = $3 WHERE number',
      'forgotten_ms = $3 WHERE number',
    ),
    sms('go once to each number of the area'),
  ),
  mutant(
    'sms-any-number-of-them',
    'A thief with a machine’s key has the whole town told.',
    edit('sms-subscribers.ts', 'num(today?.n ?? 0) >= A_TERMINAL_A_DAY', 'num(today?.n ?? 0) < 0'),
    sms('are asked for within bounds'),
  ),
  mutant(
    'sms-hammered',
    'A platform that is away is asked for every message, and the round takes an hour.',
    edit('sms-sender.ts', 'if (!(await tell(parts, id))) break;', 'await tell(parts, id);'),
    sms('that is away is asked for one message a round'),
  ),
  mutant(
    'sms-offered-without',
    'Machines offer messages where nobody sends them.',
    {
      file: 'src/central/central.ts',
      find: 'if (requests === undefined || !none) return policy;',
      replace: 'if (requests === undefined || none) return policy;',
    },
    sms('that is not there: no machine offers messages'),
  ),
  mutant(
    'sms-to-a-land-line',
    'A land line is taken for messages.',
    {
      file: 'src/kiosk/visit/requests.ts',
      find: 'return sms === null ? isPhone(digits) : isMobile(digits);',
      replace: 'return sms === null || isPhone(digits) || isMobile(digits);',
    },
    kiosk('are asked for by area and mobile'),
  ),
];
