// Nests runs under the run they name as their parent.

export interface Node<T> {
  item: T;
  children: Node<T>[];
}

/**
 * Builds the forest in the order of the items. An item whose parent is not among them, or that would close a
 * circle, stands at the top, so that no item is ever lost.
 */
export function nest<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  parentOf: (item: T) => string | undefined,
): Node<T>[] {
  const nodes = new Map<string, Node<T>>(items.map((item) => [idOf(item), { item, children: [] }]));
  const roots: Node<T>[] = [];
  for (const item of items) {
    const node = nodes.get(idOf(item)) as Node<T>;
    const parent = parentOf(item);
    const above = parent === undefined ? undefined : nodes.get(parent);
    if (above && !reaches(item, idOf(item))) above.children.push(node);
    else roots.push(node);
  }
  return roots;

  function reaches(start: T, id: string): boolean {
    const seen = new Set<string>();
    let at: T | undefined = start;
    while (at !== undefined) {
      const up: string | undefined = parentOf(at);
      if (up === undefined || seen.has(up)) return false;
      if (up === id) return true;
      seen.add(up);
      at = nodes.get(up)?.item;
    }
    return false;
  }
}

export interface TreeRow<T> {
  node: Node<T>;
  depth: number;
  open: boolean;
}

/** The rows that are in sight: every root, and the children of what is open, each below its parent. */
export function unfold<T>(roots: readonly Node<T>[], isOpen: (node: Node<T>) => boolean): TreeRow<T>[] {
  const rows: TreeRow<T>[] = [];
  const walk = (nodes: readonly Node<T>[], depth: number) => {
    for (const node of nodes) {
      const open = node.children.length > 0 && isOpen(node);
      rows.push({ node, depth, open });
      if (open) walk(node.children, depth + 1);
    }
  };
  walk(roots, 0);
  return rows;
}
