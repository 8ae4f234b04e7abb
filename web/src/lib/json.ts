// Reads JSON for showing it: numbers keep every digit, members their order, and the NaN and Infinity that Python
// writes are let through. JSON.parse would round the first, sort numeric names, and refuse the last.

export type JsonNode =
  | { kind: 'object'; members: { name: string; node: JsonNode }[] }
  | { kind: 'array'; items: JsonNode[] }
  | { kind: 'string'; text: string }
  /** A number, true, false or null as it is written. */
  | { kind: 'word'; text: string };

// Deeper than what people or programs write; it bounds the recursion.
const deepest = 500;

const spaces = /[ \t\n\r]*/y;
const word = /-?(?:Infinity|(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|true|false|null|NaN/y;

/** Throws an Error that names the place. */
export function readJson(text: string): JsonNode {
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const skip = () => {
    spaces.lastIndex = at;
    spaces.test(text);
    at = spaces.lastIndex;
  };
  const fail = (what: string): never => {
    const line = text.slice(0, at).split('\n').length;
    throw new Error(`${what} in line ${line}`);
  };
  const string = (): string => {
    let end = at + 1;
    for (; ; end++) {
      const next = text.indexOf('"', end);
      if (next < 0) return fail('A string without an end');
      end = next;
      let slashes = 0;
      while (text[end - 1 - slashes] === '\\') slashes++;
      if (slashes % 2 === 0) break;
    }
    const source = text.slice(at, end + 1);
    try {
      const value = JSON.parse(source) as string;
      at = end + 1;
      return value;
    } catch {
      return fail('A string that is not valid');
    }
  };
  const value = (depth: number): JsonNode => {
    if (depth > deepest) return fail(`More than ${deepest} levels`);
    skip();
    const letter = text[at];
    if (letter === '"') return { kind: 'string', text: string() };
    if (letter === '{') {
      const members: { name: string; node: JsonNode }[] = [];
      list('}', () => {
        if (text[at] !== '"') fail('No name');
        const name = string();
        skip();
        if (text[at] !== ':') fail('No colon');
        at++;
        members.push({ name, node: value(depth + 1) });
      });
      return { kind: 'object', members };
    }
    if (letter === '[') {
      const items: JsonNode[] = [];
      list(']', () => items.push(value(depth + 1)));
      return { kind: 'array', items };
    }
    word.lastIndex = at;
    const found = word.exec(text);
    if (!found) return fail(letter === undefined ? 'The end comes too early' : 'Not a value');
    at = word.lastIndex;
    return { kind: 'word', text: found[0] };
  };
  const list = (end: string, item: () => void) => {
    at++;
    skip();
    if (text[at] === end) {
      at++;
      return;
    }
    for (;;) {
      skip();
      item();
      skip();
      if (text[at] === end) {
        at++;
        return;
      }
      if (text[at] !== ',') fail(text[at] === undefined ? 'The end comes too early' : 'No comma');
      at++;
    }
  };
  const root = value(0);
  skip();
  if (at < text.length) fail('Something follows the value');
  return root;
}

/** The node as JSON on one line. */
export function jsonText(node: JsonNode): string {
  switch (node.kind) {
    case 'word':
      return node.text;
    case 'string':
      return JSON.stringify(node.text);
    case 'array':
      return `[${node.items.map(jsonText).join(', ')}]`;
    case 'object':
      return `{${node.members.map(({ name, node: one }) => `${JSON.stringify(name)}: ${jsonText(one)}`).join(', ')}}`;
  }
}

export interface JsonTable {
  columns: string[];
  rows: JsonNode[][];
}

/** What mlflow.log_table writes: {"columns": [names], "data": [rows]}. */
export function asTable(root: JsonNode): JsonTable | undefined {
  if (root.kind !== 'object') return undefined;
  const member = (name: string) => root.members.find((one) => one.name === name)?.node;
  const [columns, data] = [member('columns'), member('data')];
  if (columns?.kind !== 'array' || data?.kind !== 'array' || columns.items.length === 0) return undefined;
  const rows: JsonNode[][] = [];
  for (const row of data.items) {
    if (row.kind !== 'array' || row.items.length > columns.items.length) return undefined;
    rows.push(row.items);
  }
  return {
    columns: columns.items.map((one) => ('text' in one ? one.text : jsonText(one))),
    rows,
  };
}

export interface JsonRow {
  /** Places of the ancestors and of the node itself in their lists. */
  id: string;
  depth: number;
  label: string | undefined;
  node: JsonNode;
  open: boolean;
}

export function sizeOf(node: JsonNode): number {
  return node.kind === 'array' ? node.items.length : node.kind === 'object' ? node.members.length : 0;
}

/** The nodes below one that are in sight, each with its name or its place. */
export function jsonRows(root: JsonNode, open: ReadonlySet<string>): JsonRow[] {
  const rows: JsonRow[] = [];
  const walk = (node: JsonNode, id: string, depth: number, label: string | undefined) => {
    const unfolded = sizeOf(node) > 0 && open.has(id);
    rows.push({ id, depth, label, node, open: unfolded });
    if (!unfolded) return;
    children(node).forEach((one, i) => walk(one.node, `${id}.${i}`, depth + 1, one.label));
  };
  walk(root, '$', 0, undefined);
  return rows;
}

function children(node: JsonNode): { label: string; node: JsonNode }[] {
  if (node.kind === 'array') return node.items.map((item, i) => ({ label: String(i), node: item }));
  if (node.kind === 'object') return node.members.map((one) => ({ label: one.name, node: one.node }));
  return [];
}

/** Ids of what to unfold, level by level, as long as no more than so many rows come in sight. */
export function unfoldUpTo(root: JsonNode, most: number): Set<string> {
  const open = new Set<string>();
  let count = 1;
  let level: { node: JsonNode; id: string }[] = [{ node: root, id: '$' }];
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { node, id } of level) {
      const size = sizeOf(node);
      if (size === 0) continue;
      if (count + size > most && count > 1) return open;
      open.add(id);
      count += size;
      children(node).forEach((one, i) => next.push({ node: one.node, id: `${id}.${i}` }));
    }
    level = next;
  }
  return open;
}
