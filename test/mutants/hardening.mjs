// Sabotages of what bounds a kiosk from outside: its policy, its processes, its lines, its lock.

/** @param make `mutant`, `edit`, `attack` and `unit` of catalogue.mjs */
export const hardening = ({ mutant, edit, attack, unit }) => [
  mutant(
    'wallet-key-changeable',
    'Whoever may change a file says with a key of his own what a wallet was paid.',
    edit('payment/load.ts', `if (!secret && changeable(key, file)) return null;`, ``),
    unit('payment/wechat', 'refuses a public key that others may change'),
  ),
  mutant(
    'maker-program-changeable',
    'A meter maker’s program that others may change is started.',
    edit(
      'main/config.ts',
      `const files = [full, ...programs.filter((program) => existsSync(program))];`,
      `const files = [full];`,
    ),
    unit('config/key-files', 'when others can change it'),
  ),
  mutant(
    'policy-for-ever',
    'A policy counts for ever.',
    edit(
      'kiosk/watch/monitor.ts',
      `return policy.expiresAtMs < this.#nowMs()`,
      `return policy.expiresAtMs < 0`,
    ),
    attack('policy', 'sells nothing, though nobody hears of it'),
  ),
  mutant(
    'policy-clock-set-back',
    'A clock that is set back makes a policy count again.',
    edit(
      'kiosk/watch/monitor.ts',
      `Math.max(this.#o.clock.nowMs(), this.#o.journal.centralMs() ?? 0)`,
      `this.#o.clock.nowMs()`,
    ),
    attack('policy', 'does not come back to life'),
  ),
  mutant(
    'policy-older-after-restore',
    'A journal that was restored takes whatever policy it is shown.',
    edit(
      'kiosk/watch/monitor.ts',
      `this.#o.journal.policyVersionTaken() ?? 0`,
      `0 * (this.#o.journal.policyVersionTaken() ?? 0)`,
    ),
    attack('policy', 'nor by a journal that was restored'),
  ),
  mutant(
    'policy-minimum-ignored',
    'The version that terminal.json names is not asked for.',
    edit(
      'kiosk/watch/monitor.ts',
      `if (policy.version < minPolicyVersion)`,
      `if (policy.version < 0 * minPolicyVersion)`,
    ),
    attack('policy', 'names the version'),
  ),
  mutant(
    'policy-without-measure',
    'A policy lets any sum be sold offline.',
    edit('shared/policy.ts', `capFen: natural.max(MAX_FEN)`, `capFen: natural`),
    attack('policy', 'is refused whoever signed it'),
  ),
  mutant(
    'line-any-authority',
    'A certificate is believed whoever signed it.',
    edit(
      'main/core/central-line.ts',
      `keepAlive: true,`,
      `keepAlive: true, rejectUnauthorized: false,`,
    ),
    attack('private-line', 'no other authority is'),
  ),
  mutant(
    'line-around-proxy',
    'The proxy of terminal.json is passed by.',
    edit(
      'main/core/central-line.ts',
      `proxyEnv: { HTTPS_PROXY: proxy }`,
      `proxyEnv: { HTTP_PROXY: proxy }`,
    ),
    attack('private-line', 'is not gone around'),
  ),
  mutant(
    'start-one-dash',
    'A switch of one dash is overlooked.',
    edit(
      'main/electron/launch.ts',
      `if (fits === undefined) return argument;`,
      `if (fits === undefined && /^--/.test(argument)) return argument;\n    if (fits === undefined) continue;`,
    ),
    attack('start', 'in every form'),
  ),
  mutant(
    'start-not-in-argv',
    'What Chromium understood is not asked.',
    edit(
      'main/electron/launch.ts',
      `OPENING_SWITCHES.find((name) => understood(name)) ?? null`,
      `OPENING_SWITCHES.find((name) => understood(name) && name === '') ?? null`,
    ),
    attack('start', 'is seen in its own command line'),
  ),
  mutant(
    'start-whole-environment',
    'The core inherits whatever stands in the environment.',
    edit('main/shell/core-environment.ts', `&& KEPT.has(entry[0].toUpperCase())`, ``),
    attack('start', 'does not reach the core'),
  ),
  mutant(
    'flood-copied-again',
    'Each byte of noise copies the frame that was begun.',
    edit(
      'card/readers/crt/cutter.ts',
      `frame[this.#length++] = byte;`,
      `frame[this.#length++] = byte;\n      frame.slice(0, this.#length);`,
    ),
    attack('flood', 'each byte is touched a few times'),
  ),
  mutant(
    'flood-all-kept',
    'What nobody waits for is kept whole.',
    edit(
      'card/readers/crt/cutter.ts',
      `if (this.#kept.length >= this.#most) this.#kept.shift();`,
      ``,
    ),
    attack('flood', 'only the newest is kept'),
  ),
  mutant(
    'flood-outlasts-time',
    'A line that never falls silent keeps a command waiting.',
    edit(
      'card/readers/crt/link.ts',
      `const token = early ?? (await this.#next(Math.max(0, end - this.#clock.monoMs())));`,
      `const token = early ?? (await this.#next(timeoutMs));`,
    ),
    attack('flood', 'a command ends in its time'),
  ),
  mutant(
    'flood-line-without-end',
    'A maker’s program may write a line as long as it likes.',
    edit('card/lines.ts', `this.#text.length > MAX_LINE ||`, `this.#text.length < 0 ||`),
    attack('flood', 'writes a line without an end'),
  ),
  mutant(
    'flood-lines-unasked',
    'Lines that nobody asked for are all kept.',
    edit('card/lines.ts', `this.#waiting.length > MAX_WAITING`, `this.#waiting.length < 0`),
    attack('flood', 'no more is kept than'),
  ),
  mutant(
    'flood-errors-logged',
    'All that a child says goes to the log.',
    edit('card/chatter.ts', `if (++said <= LINES_A_MINUTE)`, `if (++said > 0)`),
    attack('flood', 'some are logged'),
  ),
  mutant(
    'hall-roll-emptied',
    'A customer may have as many papers as there is paper.',
    edit(
      'kiosk/visit/order-visit.ts',
      `(papers.get(orderId) ?? 0) < MAX_PAPERS`,
      `(papers.get(orderId) ?? 0) < 1e9 * MAX_PAPERS`,
    ),
    attack('hall', 'the roll of the printer'),
  ),
  mutant(
    'hall-one-lock',
    'Whoever taps wrong PINs at the corner locks every technician out.',
    edit(
      'kiosk/state/maintenance.ts',
      `return card?.cardNo ?? CORNER;`,
      `return card === null ? CORNER : CORNER;`,
    ),
    attack('hall', 'lock out nobody who has his card'),
  ),
  mutant(
    'hall-lock-for-ever',
    'Wrong tries are never forgotten.',
    edit(
      'kiosk/state/maintenance.ts',
      `Math.max(0, lock.fails - forgotten)`,
      `Math.max(0, lock.fails - 0 * forgotten)`,
    ),
    attack('hall', 'are forgotten with time'),
  ),
  mutant(
    'nonces-clock-set-back',
    'What was let go counts again once central’s clock is set back.',
    edit(
      'central/http/signed.ts',
      `AND m.from_ms > $4::bigint`,
      `AND m.from_ms > $4::bigint AND m.from_ms < 0`,
    ),
    attack('clock-back', 'is not carried out again'),
  ),
  mutant(
    'supply-node-kept',
    'A binary that an install script fetched stays in use.',
    {
      file: 'scripts/lib/setup.mjs',
      find: `  if (!existsSync(from)) return false;`,
      replace: `  if (existsSync(to)) return true;\n  if (!existsSync(from)) return false;`,
    },
    attack('supply', 'the link to it'),
  ),
  mutant(
    'staff-on-the-network',
    'The pages for staff, which have no log-in, listen to a network.',
    edit(
      'central/central.ts',
      'staffs && options.staff === undefined ? onLoopback(wanted)',
      'staffs && wanted === null ? onLoopback(wanted)',
    ),
    unit('central/doors', 'listen to no network'),
  ),
  mutant(
    'flood-page-unread',
    'A page that reads nothing is written to for ever.',
    edit(
      'main/browser/server.ts',
      `if (page.bufferedAmount > MAX_UNREAD_BYTES)`,
      `if (page.bufferedAmount < 0 * MAX_UNREAD_BYTES)`,
    ),
    unit('shell/browser-server', 'reads nothing any more'),
  ),
];
