// Two versions side by side: what was given and measured, and which files are not the same.
import { toNumber, type WireNumber } from './format';
import { naturalOrder } from './group';

export interface DiffLine {
  key: string;
  before: WireNumber | undefined;
  after: WireNumber | undefined;
  differs: boolean;
}

interface Pair {
  key: string;
  value?: WireNumber;
}

/** Every key of either side in natural order. */
export function diffPairs(before: readonly Pair[], after: readonly Pair[]): DiffLine[] {
  const [a, b] = [before, after].map((list) => new Map(list.map((one) => [one.key, one.value ?? '']))) as [
    Map<string, WireNumber>,
    Map<string, WireNumber>,
  ];
  return [...new Set([...a.keys(), ...b.keys()])].sort(naturalOrder).map((key) => {
    const [from, to] = [a.get(key), b.get(key)];
    return { key, before: from, after: to, differs: !sameValue(from, to) };
  });
}

function sameValue(a: WireNumber | undefined, b: WireNumber | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  // A metric that is not a number comes as text; as a number it is not equal to itself.
  return typeof a === 'number' && typeof b === 'number' && Object.is(toNumber(a), toNumber(b));
}

/** How much a metric changed; undefined where there is nothing to subtract. */
export function changeOf(line: DiffLine): number | undefined {
  const [from, to] = [toNumber(line.before), toNumber(line.after)];
  return Number.isFinite(from) && Number.isFinite(to) ? to - from : undefined;
}

export interface ManifestFile {
  path: string;
  sha256: string;
  size: number;
}

export type FileChange = 'added' | 'removed' | 'changed' | 'same';

export interface FileLine {
  path: string;
  change: FileChange;
  before?: ManifestFile;
  after?: ManifestFile;
  /** Where the same content was before, when only its name is new. */
  movedFrom?: string;
}

/** Files by their digests: what is the same under another name is told as moved. */
export function diffFiles(before: readonly ManifestFile[], after: readonly ManifestFile[]): FileLine[] {
  const [a, b] = [before, after].map((list) => new Map(list.map((one) => [one.path, one]))) as [
    Map<string, ManifestFile>,
    Map<string, ManifestFile>,
  ];
  const gone = new Map(before.filter((one) => !b.has(one.path)).map((one) => [one.sha256, one.path]));
  return [...new Set([...a.keys(), ...b.keys()])].sort(naturalOrder).map((path): FileLine => {
    const [from, to] = [a.get(path), b.get(path)];
    if (from && to)
      return { path, change: from.sha256 === to.sha256 ? 'same' : 'changed', before: from, after: to };
    if (from) return { path, change: 'removed', before: from };
    const movedFrom = to ? gone.get(to.sha256) : undefined;
    return {
      path,
      change: 'added',
      ...(to ? { after: to } : {}),
      ...(movedFrom === undefined ? {} : { movedFrom }),
    };
  });
}
