import type { Drawn } from '../../src/renderer/voice/stops.ts';

/** Markup as React writes it, as a tree: no page is needed to look at what is drawn. */
class Node implements Drawn {
  readonly nodeType: number;
  readonly tagName: string;
  readonly childNodes: Node[] = [];
  readonly #text: string;
  readonly #attributes: ReadonlyMap<string, string>;

  constructor(tagName: string, text: string, attributes: ReadonlyMap<string, string>) {
    this.nodeType = tagName === '' ? 3 : 1;
    this.tagName = tagName;
    this.#text = text;
    this.#attributes = attributes;
  }
  get textContent(): string {
    return this.nodeType === 3 ? this.#text : this.childNodes.map((c) => c.textContent).join('');
  }
  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null;
  }
  /** The first with this attribute. */
  find(name: string): Node | null {
    if (this.getAttribute(name) !== null) return this;
    for (const child of this.childNodes) {
      const found = child.find(name);
      if (found !== null) return found;
    }
    return null;
  }
}
export type MarkupNode = Node;

const plain = (text: string): string =>
  text
    .replace(/&#x27;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
const VOID = new Set(['br', 'img', 'input', 'hr']);

/** @throws on what React does not write */
export function parseMarkup(html: string): MarkupNode {
  const root = new Node('root', '', new Map());
  const open = [root];
  for (const [whole, end, name, attributes, closed] of html.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)((?:\s[\w:-]+(?:="[^"]*")?)*)\s*(\/?)>|[^<]+|<!--.*?-->/g,
  )) {
    const top = open.at(-1) as Node;
    if (name === undefined) {
      if (!whole.startsWith('<!')) top.childNodes.push(new Node('', plain(whole), new Map()));
    } else if (end === '/') {
      if (open.pop()?.tagName !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      const all = [...(attributes ?? '').matchAll(/([\w:-]+)(?:="([^"]*)")?/g)];
      const node = new Node(name, '', new Map(all.map((a) => [a[1] as string, plain(a[2] ?? '')])));
      top.childNodes.push(node);
      if (closed !== '/' && !VOID.has(name)) open.push(node);
    }
  }
  if (open.length !== 1) throw new Error(`${open.at(-1)?.tagName} is not closed`);
  return root;
}
