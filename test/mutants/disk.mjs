// What nobody would be told of a disk that fails, once one of its mends is undone.
export const disk = ({ mutant, edit, unit }) => [
  mutant(
    'read-only-unnamed',
    'A read-only disk is told as a journal that cannot be opened.',
    edit('journal/disk-cause.ts', `/^(EROFS|EIO|SQLITE_READONLY|SQLITE_IOERR)/`, `/^EIO/`),
    unit('journal/disk-cause', 'a read-only mount'),
  ),
  mutant(
    'system-code-kept',
    'The system’s own code is not told.',
    edit('journal/disk-cause.ts', `!said.includes(code) ?`, `said === '' ?`),
    unit('journal/disk-cause', 'the same through SQLite'),
  ),
  mutant(
    'root-keeps-the-lock',
    'What root makes beside a journal stays root’s.',
    edit('main/cli/journal.ts', `lchownSync(file, uid, gid);`, `void uid;`),
    unit('cli/journal', 'whatever it makes is the folder’s owner’s'),
  ),
  mutant(
    'read-only-unread',
    'A journal on a read-only disk cannot be looked at.',
    edit('journal/open-to-read.ts', `/^SQLITE_(CANTOPEN|READONLY)/`, `/^SQLITE_NEVER/`),
    unit('cli/journal', 'what it holds is read all the same'),
  ),
  mutant(
    'config-not-taken',
    'journal takes --config and looks elsewhere.',
    edit(
      'main/cli/run.ts',
      `configuredPlace(at(values.config), second)`,
      `journalPlace(at('.'), second)`,
    ),
    unit('cli/journal', 'both folders, in any command'),
  ),
  mutant(
    'root-follows-links',
    'A link in the journal’s folder gives the kiosk’s user whatever lies behind it.',
    [
      edit('main/cli/journal.ts', `if (entry.isSymbolicLink()) continue;`, ``),
      edit(
        'main/cli/journal.ts',
        `if (entry.isDirectory()) walk(file);`,
        `if (statSync(file).isDirectory()) walk(file);`,
      ),
    ],
    unit('cli/journal', 'whatever it makes is the folder’s owner’s'),
  ),
];
