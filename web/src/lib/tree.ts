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
