// What the compiler and the linter do not see: circles of imports, the order of rooms within a room, exports that
// another room uses and nobody explains. And figures that are things to look at, not limits.
import path from 'node:path';

const resolve = (file, target) =>
  path.posix.normalize(path.posix.join(path.posix.dirname(file), target));

/** Every import within src: [from, to, the names or null]. Types count as well. */
export function importsOf(texts) {
  const edges = [];
  const pattern =
    /(?:^|\n)(?:import|export)\s+(?:type\s+)?(?:(\{[^}]*\}|\*[^'{]*|[\w$]+[^'{]*)\s*from\s*)?'(\.[^']+)'/g;
  for (const [file, text] of texts)
    for (const [, names, target] of text.matchAll(pattern)) {
      const listed = names?.startsWith('{') ? names.slice(1, -1).split(',') : null;
      const clean = listed
        ?.map((n) =>
          n
            .trim()
            .replace(/^type /, '')
            .replace(/ as .*/, ''),
        )
        .filter(Boolean);
      edges.push({ from: file, to: resolve(file, target), names: clean ?? null });
    }
  return edges;
}

/**
 * Files that import each other in a circle, circle by circle (Tarjan's strongly connected
 * components).
 */
export function circlesOf(edges) {
  const next = new Map();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const index = new Map();
  const low = new Map();
  const stack = [];
  const circles = [];
  const visit = (file) => {
    index.set(file, index.size);
    low.set(file, index.get(file));
    stack.push(file);
    for (const to of next.get(file) ?? []) {
      if (!index.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file), low.get(to)));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) circles.push(circle.toSorted((a, b) => a.localeCompare(b)));
  };
  for (const file of next.keys()) if (!index.has(file)) visit(file);
  return circles;
}

/**
 * Ground to roof inside the two rooms that have storeys: nobody imports from a storey above its
 * own. A name is a folder or a file of the room.
 */
const STOREYS = {
  'src/kiosk': [
    ['state'],
    ['words', 'order', 'reconcile'],
    ['delivery'],
    ['orders.ts'],
    ['maintenance', 'watch', 'visit'],
    ['reduce.ts', 'view.ts'],
    ['run'],
    ['kiosk.ts'],
  ],
  'src/central': [
    ['db'],
    [
      'staff',
      'http',
      'sale',
      'requests',
      'receipts',
      'invoices',
      'use',
      'books',
      'gateway',
      'fleet',
    ],
    ['credit-api.ts'],
    ['console', 'terminal-api.ts'],
    ['staff-api.ts'],
    ['staff-door.ts'],
    ['central.ts'],
  ],
};

export function storeyProblems(edges) {
  const problems = [];
  for (const [room, storeys] of Object.entries(STOREYS)) {
    const storeyOf = (file) => {
      const part = file.slice(room.length + 1).split('/')[0];
      return storeys.findIndex((names) => names.includes(part));
    };
    for (const { from, to } of edges) {
      if (!from.startsWith(`${room}/`) || !to.startsWith(`${room}/`)) continue;
      const [a, b] = [storeyOf(from), storeyOf(to)];
      if (a < 0) problems.push(`${from}: stands on no storey of ${room} (scripts/lib/tidy.mjs)`);
      else if (b > a) problems.push(`${from}: imports from a storey above (${to})`);
    }
  }
  return [...new Set(problems)];
}

/**
 * The file in which a name that `file` exports is declared: `export *` and `export { … } from` are
 * followed.
 */
function declaredIn(texts, file, name) {
  const text = texts.get(file) ?? '';
  if (new RegExp(`^export [^*{]*\\b${name.replaceAll('$', '\\$')}\\b`, 'm').test(text)) return file;
  for (const [, listed, target] of text.matchAll(
    /^export (?:type )?(\*|\{[^}]*\}) from '(\.[^']+)'/gm,
  )) {
    if (listed !== '*' && !new RegExp(`\\b${name}\\b`).test(listed)) continue;
    const found = declaredIn(texts, resolve(file, target), name);
    if (found !== null) return found;
  }
  return null;
}

/** Exports that another room imports and that carry no doc comment. */
export function unexplained(texts, edges, roomOf) {
  const wanted = new Map();
  for (const { from, to, names } of edges)
    if (roomOf(from) !== roomOf(to))
      for (const name of names ?? []) wanted.set(`${to} ${name}`, [to, name]);
  const problems = [];
  for (const [file, name] of wanted.values()) {
    const source = declaredIn(texts, file, name);
    const lines = texts.get(source)?.split('\n') ?? [];
    const declared = new RegExp(
      `^export (?:declare )?(?:abstract )?(?:async )?(?:function\\*?|class|interface|type|const|let) ${name.replaceAll('$', '\\$')}\\b`,
    );
    const at = lines.findIndex((line) => declared.test(line));
    // A type that is read off a schema or a list says what that says.
    if (/= z\.infer<|= \(typeof /.test(lines[at] ?? '')) continue;
    if (at > 0 && !lines[at - 1].trim().endsWith('*/'))
      problems.push(
        `${source}:${at + 1}: ${name} is used by other rooms and nobody says what it promises`,
      );
    if (at === 0)
      problems.push(`${file}:1: ${name} is used by other rooms and nobody says what it promises`);
  }
  return problems.toSorted();
}

/** Functions of a formatted source: where they begin, how many lines they have. */
function functionsOf(file, text) {
  const lines = text.split('\n');
  const found = [];
  lines.forEach((line, at) => {
    if (
      !/(\)(: [^=]+)?|=>) \{$/.test(line) ||
      /^\s*(\} else |\} catch|if|for|while|switch|catch)\b/.test(line)
    )
      return;
    const indent = /^ */.exec(line)[0];
    // A signature over several lines ends in a line that begins with its parenthesis.
    let head = at;
    if (/^\s*\)/.test(line))
      while (
        head > 0 &&
        !(
          lines[head - 1].startsWith(indent) &&
          /^\S/.test(lines[head - 1].slice(indent.length)) &&
          lines[head - 1].endsWith('(')
        )
      )
        head -= 1;
    const start = head === at ? at : head - 1;
    if (/^\s*(if|for|while|switch|\} else if)\b/.test(lines[start])) return;
    const end = lines.findIndex((l, i) => i > at && l.startsWith(`${indent}}`));
    if (end < 0) return;
    const name =
      /(?:function\*?\s+|class\s+)?([\w$#]+)\s*(?:[=:(<]|$)/.exec(
        lines[start]
          .trim()
          .replace(
            /^(export |const |async |static |override |readonly |public |default )*(function\*? )?/,
            '',
          ),
      )?.[1] ?? '?';
    found.push({ where: `${file}:${start + 1} ${name}`, n: end - start + 1 });
  });
  return found;
}

const most = (list, n = 10) => list.toSorted((a, b) => b.n - a.n).slice(0, n);

/** Things to look at: the ten longest functions and files, the widest lines, the deepest nests. */
export function figures(texts) {
  const sources = [...texts];
  const lines = sources.flatMap(([file, text]) =>
    text.split('\n').map((line, i) => ({
      where: `${file}:${i + 1}`,
      n: line.length,
      indent: /^ */.exec(line)[0].length,
      line,
    })),
  );
  return {
    wide: lines.filter((l) => l.n > 100).length,
    lines: lines.length,
    functions: most(sources.flatMap(([file, text]) => functionsOf(file, text))),
    over70: sources.flatMap(([file, text]) => functionsOf(file, text)).filter((f) => f.n > 70)
      .length,
    files: most(sources.map(([file, text]) => ({ where: file, n: text.split('\n').length }))),
    over500: sources.filter(([, text]) => text.split('\n').length > 500).length,
    widest: most(lines),
    nests: most(
      lines.filter((l) => /[{(]$/.test(l.line)).map((l) => ({ where: l.where, n: l.indent / 2 })),
      5,
    ),
  };
}
