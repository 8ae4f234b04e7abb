// Connects a growing file with the component that shows it.
import { useEffect, useState, useSyncExternalStore } from 'react';
import { readPiece } from '../api/artifacts';
import type { Source } from '../lib/artifact';
import { formatBytes } from '../lib/format';
import { Growing, type TextTaker } from '../lib/growing';

/** The beginning of a file, read at once. The component has the file as its key, so source and path stay the same. */
export function useGrowing<Taker extends TextTaker>(
  source: Source,
  path: string,
  make: () => Taker,
): Growing<Taker> {
  const [growing] = useState(
    () => new Growing(make(), (from, count, signal) => readPiece(source, path, from, count, signal)),
  );
  useSyncExternalStore(growing.subscribe, () => growing.version);
  useEffect(() => {
    if (growing.loaded === 0) void growing.more();
    return growing.stop;
  }, [growing]);
  return growing;
}

/** "256 KiB of 3.2 MiB", or the size of a file that is shown in full. */
export function loadedText(growing: {
  loaded: number;
  total: number | undefined;
  complete: boolean;
}): string {
  if (growing.total === undefined) return '';
  return growing.complete
    ? formatBytes(growing.total)
    : `first ${formatBytes(growing.loaded)} of ${formatBytes(growing.total)}`;
}
