// The tree of artifacts as rows: the entries of every open folder, each below its folder.
import type { ArtifactFile } from '../api/types';
import { baseName } from './artifact';

/** What is known of a folder; without `files` it was not read yet. */
export interface FolderState {
  files?: readonly ArtifactFile[];
  /** More entries follow that were not read. */
  more?: boolean;
  loading?: boolean;
  error?: unknown;
}

export type TreeRow =
  | {
      kind: 'entry';
      key: string;
      file: ArtifactFile;
      depth: number;
      open: boolean;
      place: number;
      of: number;
    }
  | { kind: 'note'; key: string; folder: string; depth: number; note: Note };

/** What stands in a folder beside its entries. */
export type Note = 'loading' | 'failed' | 'empty' | 'more';

/** The rows in sight; `of` is -1 in a folder of which not every entry is known, as ARIA has it. */
export function treeRows(folders: ReadonlyMap<string, FolderState>, open: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = [];
  const walk = (folder: string, depth: number) => {
    const state = folders.get(folder);
    const note = (kind: Note) =>
      // No path has a NUL, so a note is never taken for an entry.
      rows.push({ kind: 'note', key: `${folder}\0${kind}`, folder, depth, note: kind });
    const files = state?.files;
    if (!files) {
      note(state?.error !== undefined ? 'failed' : 'loading');
      return;
    }
    files.forEach((file, i) => {
      const unfolded = file.is_dir === true && open.has(file.path);
      const of = state.more ? -1 : files.length;
      rows.push({ kind: 'entry', key: file.path, file, depth, open: unfolded, place: i + 1, of });
      if (unfolded) walk(file.path, depth + 1);
    });
    if (state.more) note('more');
    // An empty root is told by the page.
    else if (files.length === 0 && folder !== '') note('empty');
  };
  walk('', 0);
  return rows;
}

/** Where a key leads in a tree, as ARIA's pattern has it; undefined when it does nothing. */
export type TreeMove = { to: number } | { open: string } | { fold: string } | { choose: number };

export function treeMove(
  rows: readonly TreeRow[],
  at: number,
  key: string,
  page: number,
): TreeMove | undefined {
  const last = rows.length - 1;
  if (last < 0) return undefined;
  const to = (index: number) => ({ to: Math.max(0, Math.min(last, index)) });
  const row = rows[at];
  switch (key) {
    case 'ArrowDown':
      return to(at + 1);
    case 'ArrowUp':
      return to(at < 0 ? 0 : at - 1);
    case 'Home':
      return to(0);
    case 'End':
      return to(last);
    case 'PageDown':
      return to(at + page);
    case 'PageUp':
      return to(at - page);
    case 'Enter':
    case ' ':
      return row ? { choose: at } : undefined;
    case 'ArrowRight':
      if (row?.kind !== 'entry' || !row.file.is_dir) return undefined;
      return row.open ? to(at + 1) : { open: row.file.path };
    case 'ArrowLeft': {
      if (!row) return undefined;
      if (row.kind === 'entry' && row.open) return { fold: row.file.path };
      for (let i = at - 1; i >= 0; i--) if ((rows[i]?.depth ?? 0) < row.depth) return { to: i };
      return undefined;
    }
    default:
      return undefined;
  }
}

/** The next row, from `at` on and around, whose name starts with what was typed; one letter again goes on. */
export function typeAhead(rows: readonly TreeRow[], at: number, typed: string): number {
  const same = [...typed].every((letter) => letter === typed[0]);
  const wanted = (same ? (typed[0] ?? '') : typed).toLowerCase();
  // With one letter the row that is at is left; with more it may still be the one.
  const first = wanted.length === 1 ? at + 1 : Math.max(0, at);
  for (let i = 0; i < rows.length; i++) {
    const index = (first + i) % rows.length;
    const row = rows[index];
    if (row?.kind === 'entry' && baseName(row.key).toLowerCase().startsWith(wanted)) return index;
  }
  return -1;
}
