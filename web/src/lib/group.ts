// Groups metric keys by what stands before their first slash, as training code names them ("train/loss").

export interface KeyGroup {
  name: string;
  keys: string[];
}

/** The prefix under which MLflow logs the load of the machine: of interest, but never first. */
export function isSystemKey(key: string): boolean {
  return key === 'system' || key.startsWith('system/');
}

/** Keys without a slash come first in a group without a name; groups and keys are in natural order. */
export function groupKeys(keys: Iterable<string>): KeyGroup[] {
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const slash = key.indexOf('/');
    const name = slash > 0 ? key.slice(0, slash) : '';
    const list = groups.get(name);
    if (list) list.push(key);
    else groups.set(name, [key]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => Number(isSystemKey(a)) - Number(isSystemKey(b)) || naturalOrder(a, b))
    .map(([name, list]) => ({ name, keys: list.sort(naturalOrder) }));
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** "run-2" before "run-10"; case decides only between equals. */
export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** A test for keys from what a person typed: a regular expression, or plain text when it is not a valid one. */
export function keyMatcher(text: string): { test: (key: string) => boolean; broken: boolean } {
  const wanted = text.trim();
  if (wanted === '') return { test: () => true, broken: false };
  try {
    const pattern = new RegExp(wanted, 'i');
    return { test: (key) => pattern.test(key), broken: false };
  } catch {
    const lower = wanted.toLowerCase();
    return { test: (key) => key.toLowerCase().includes(lower), broken: true };
  }
}
