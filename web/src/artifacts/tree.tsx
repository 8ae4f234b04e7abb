// The tree of files: one element takes the focus, a cursor moves inside, and only rows in sight are made.
import { defaultRangeExtractor, useVirtualizer, type Range } from '@tanstack/react-virtual';
import { useEffect, useId, useRef, useState, type DragEvent, type KeyboardEvent } from 'react';
import { baseName, parentOf } from '../lib/artifact';
import { treeMove, typeAhead, type FolderState, type TreeRow } from '../lib/artifact-tree';
import { formatBytes, formatCount } from '../lib/format';
import { Icon } from '../ui/icons';
import { iconOf } from './parts';

export const rowHeight = 28;

// A pause longer than this starts a new word of type-ahead.
const typeMs = 800;

export function Tree(props: {
  label: string;
  rows: readonly TreeRow[];
  folders: ReadonlyMap<string, FolderState>;
  selected: string;
  hrefOf: (path: string) => string;
  onChoose: (path: string) => void;
  onFold: (path: string, open: boolean) => void;
  onMore: (folder: string) => void;
  onRetry: (folder: string) => void;
  /** Files were dropped on a folder; absent where nothing can be put. */
  onDrop: ((files: DataTransfer, folder: string) => void) | undefined;
}) {
  const { label, rows, selected, onChoose, onFold, onMore, onRetry, onDrop } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const id = useId();
  const [cursorKey, setCursorKey] = useState(selected);
  const [over, setOver] = useState<string>();
  const typed = useRef({ text: '', time: 0 });

  // A link or the back button chose something else: the cursor follows.
  const [before, setBefore] = useState(selected);
  if (before !== selected) {
    setBefore(selected);
    setCursorKey(selected);
  }
  const cursor = rows.findIndex((row) => row.key === cursorKey);
  const at = Math.max(0, cursor);

  const scroller = useVirtualizer<HTMLDivElement, Element>({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    // The row of the cursor is always there, for aria-activedescendant names it.
    rangeExtractor: (range: Range) =>
      [...new Set([...defaultRangeExtractor(range), Math.min(at, range.count - 1)])].sort((a, b) => a - b),
  });
  const items = scroller.getVirtualItems();

  const move = (to: number) => {
    const row = rows[to];
    if (!row) return;
    setCursorKey(row.key);
    scroller.scrollToIndex(to, { align: 'auto' });
  };
  const shown = rows.findIndex((row) => row.key === selected);
  useEffect(() => {
    if (shown >= 0) scroller.scrollToIndex(shown, { align: 'auto' });
    // Only a new choice scrolls; folders that open or grow above it do not.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [selected, shown >= 0]);

  const choose = (row: TreeRow) => {
    setCursorKey(row.key);
    if (row.kind === 'entry') {
      if (row.file.is_dir) onFold(row.key, !row.open || row.key !== selected);
      onChoose(row.key);
    } else if (row.note === 'more') onMore(row.folder);
    else if (row.note === 'failed') onRetry(row.folder);
  };

  // The end of a folder that has more comes into sight: read on. After a failure only a person asks again.
  const visibleMore = items
    .map((item) => rows[item.index])
    .find((row) => row?.kind === 'note' && row.note === 'more');
  const folder = visibleMore?.kind === 'note' ? visibleMore.folder : undefined;
  const state = folder === undefined ? undefined : props.folders.get(folder);
  const wanted = folder !== undefined && state?.loading !== true && state?.error === undefined;
  const count = state?.files?.length;
  useEffect(() => {
    if (wanted && folder !== undefined) onMore(folder);
  }, [wanted, folder, count, onMore]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const now = event.timeStamp;
    const typing = typed.current.text !== '' && now - typed.current.time < typeMs;
    if (event.key.length === 1 && event.key !== '?' && event.key !== '/' && (event.key !== ' ' || typing)) {
      const text = (typing ? typed.current.text : '') + event.key;
      typed.current = { text, time: now };
      const found = typeAhead(rows, at, text);
      if (found >= 0) move(found);
      event.preventDefault();
      return;
    }
    const page = Math.max(1, Math.floor((scroll.current?.clientHeight ?? 400) / rowHeight) - 1);
    const step = treeMove(rows, at, event.key, page);
    if (!step) return;
    event.preventDefault();
    if ('to' in step) move(step.to);
    else if ('open' in step) onFold(step.open, true);
    else if ('fold' in step) onFold(step.fold, false);
    else {
      const row = rows[step.choose];
      if (row) choose(row);
    }
  };

  const folderAt = (target: EventTarget): string => {
    const index = (target as Element).closest<HTMLElement>('[data-index]')?.dataset['index'];
    const row = index === undefined ? undefined : rows[Number(index)];
    if (!row) return '';
    if (row.kind === 'note') return row.folder;
    return row.file.is_dir ? row.key : parentOf(row.key);
  };
  const dropping = onDrop && {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      setOver(folderAt(event.target));
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(undefined);
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(undefined);
      onDrop(event.dataTransfer, folderAt(event.target));
    },
  };

  return (
    <div
      ref={scroll}
      className={`tree scrolls ${over === '' ? 'drop' : ''}`}
      role="tree"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={rows.length > 0 ? `${id}-${at}` : undefined}
      onKeyDown={onKeyDown}
      {...dropping}
    >
      <div className="tree-rows" role="presentation" style={{ height: scroller.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          return row ? (
            <TreeItem
              key={row.key}
              id={`${id}-${item.index}`}
              index={item.index}
              top={item.start}
              row={row}
              folder={row.kind === 'note' ? props.folders.get(row.folder) : undefined}
              href={row.kind === 'entry' ? props.hrefOf(row.key) : undefined}
              selected={row.key === selected}
              at={item.index === at}
              drop={over !== undefined && over !== '' && row.key === over}
              onChoose={() => {
                scroll.current?.focus({ preventScroll: true });
                choose(row);
              }}
              onFold={() => {
                scroll.current?.focus({ preventScroll: true });
                setCursorKey(row.key);
                onFold(row.key, !(row.kind === 'entry' && row.open));
              }}
            />
          ) : null;
        })}
      </div>
    </div>
  );
}

function TreeItem(props: {
  id: string;
  index: number;
  top: number;
  row: TreeRow;
  folder: FolderState | undefined;
  href: string | undefined;
  selected: boolean;
  at: boolean;
  drop: boolean;
  onChoose: () => void;
  onFold: () => void;
}) {
  const { id, index, top, row, folder, href, selected, at, drop, onChoose, onFold } = props;
  const isFolder = row.kind === 'entry' && row.file.is_dir === true;
  return (
    <div
      id={id}
      role="treeitem"
      data-index={index}
      aria-level={row.depth + 1}
      aria-selected={selected}
      aria-expanded={isFolder ? row.open : undefined}
      aria-setsize={row.kind === 'entry' ? row.of : undefined}
      aria-posinset={row.kind === 'entry' ? row.place : undefined}
      className={`tree-row ${selected ? 'selected' : ''} ${at ? 'at' : ''} ${drop ? 'drop' : ''}`}
      style={{ transform: `translateY(${top}px)`, paddingLeft: `${0.5 + row.depth * 1.125}rem` }}
      onMouseDown={(event) => {
        // The tree keeps the focus, not the row, which goes when it is scrolled out of sight.
        if (event.button === 0) event.preventDefault();
      }}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        if (isFolder && (event.target as Element).closest('.tree-fold')) onFold();
        else onChoose();
      }}
    >
      {isFolder ? (
        <span className={`tree-fold ${row.open ? 'open' : ''}`} aria-hidden="true">
          <Icon name="chevron" />
        </span>
      ) : (
        <span className="tree-fold" aria-hidden="true" />
      )}
      {row.kind === 'entry' ? (
        <>
          <Icon name={iconOf(row.file)} className="tree-icon" />
          <a href={href} tabIndex={-1} className="clip tree-name" title={baseName(row.key)}>
            {baseName(row.key)}
          </a>
          {row.file.file_size !== undefined && !isFolder && (
            <span className="tree-size">{formatBytes(row.file.file_size)}</span>
          )}
        </>
      ) : (
        <NoteText note={row.note} folder={folder} />
      )}
    </div>
  );
}

function NoteText({ note, folder }: { note: string; folder: FolderState | undefined }) {
  if (note === 'empty') return <span className="faint">Empty</span>;
  if (note === 'failed') return <span className="tree-failed">Could not be read. Try again</span>;
  if (note === 'loading') return <span className="faint">Loading…</span>;
  const count = formatCount(folder?.files?.length ?? 0);
  return <span className="faint">{`${count} shown. Load more`}</span>;
}
