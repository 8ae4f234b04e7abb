// JSON as a tree that folds, as a table when it is one, or as it is written.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { Source } from '../lib/artifact';
import { formatCount, plural } from '../lib/format';
import {
  asTable,
  jsonRows,
  jsonText,
  readJson,
  sizeOf,
  unfoldUpTo,
  type JsonNode,
  type JsonTable,
} from '../lib/json';
import { Icon } from '../ui/icons';
import { Copy, Segmented } from '../ui/parts';
import { DataTable } from './data-table';
import { PreviewBar } from './parts';
import TextPreview from './text';
import { Whole } from './whole';

// Beyond this the tree of nodes would take a noticeable part of the memory.
const most = 4 * 1024 * 1024;

const lineHeight = 22;
const openAtFirst = 300;
const openAtMost = 100_000;
// A longer text is cut in its row; copying gives all of it.
const longestText = 2000;

type View = 'table' | 'tree' | 'text';

export default function JsonPreview(props: { source: Source; path: string; size: number }) {
  const { source, path } = props;
  const [asText, setAsText] = useState(false);
  if (asText)
    return (
      <TextPreview source={source} path={path}>
        <button type="button" className="link" onClick={() => setAsText(false)}>
          Back to the tree
        </button>
      </TextPreview>
    );
  return (
    <Whole {...props} most={most}>
      {(text) => <Read source={source} path={path} text={text} onText={() => setAsText(true)} />}
    </Whole>
  );
}

function Read(props: { source: Source; path: string; text: string; onText: () => void }) {
  const { source, path, text, onText } = props;
  const read = useMemo(() => {
    try {
      return { root: readJson(text) };
    } catch (cause) {
      return { problem: cause instanceof Error ? cause.message : String(cause) };
    }
  }, [text]);
  const table = useMemo(() => (read.root ? asTable(read.root) : undefined), [read.root]);
  const [wanted, setWanted] = useState<View>();
  if (!read.root)
    return (
      <TextPreview source={source} path={path}>
        <span className="faint">Not valid JSON: {read.problem}.</span>
      </TextPreview>
    );
  const view = wanted ?? (table ? 'table' : 'tree');
  const choice = (
    <Segmented<View>
      label="View"
      value={view}
      options={[
        ...(table ? [{ value: 'table', label: 'Table' } as const] : []),
        { value: 'tree', label: 'Tree' },
        { value: 'text', label: 'Text' },
      ]}
      onChange={(next) => (next === 'text' ? onText() : setWanted(next))}
    />
  );
  return view === 'table' && table ? (
    <TableView table={table} choice={choice} />
  ) : (
    <TreeView root={read.root} choice={choice} text={text} />
  );
}

function TableView({ table, choice }: { table: JsonTable; choice: React.ReactNode }) {
  const { columns, rows } = table;
  const cell = useCallback(
    (row: number, column: number) => {
      const node = rows[row]?.[column];
      if (!node) return { text: '' };
      if (node.kind === 'string') return { text: node.text };
      return { text: jsonText(node), number: node.kind === 'word' && /^[-\d]/.test(node.text) };
    },
    [rows],
  );
  return (
    <>
      <PreviewBar note={`${plural(rows.length, 'row')}, ${plural(columns.length, 'column')}`}>
        {choice}
      </PreviewBar>
      <DataTable
        label="Rows of the table"
        columns={columns}
        rowCount={rows.length}
        cell={cell}
        version={rows.length}
      />
    </>
  );
}

function TreeView({ root, choice, text }: { root: JsonNode; choice: React.ReactNode; text: string }) {
  const scroll = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(() => unfoldUpTo(root, openAtFirst));
  const rows = useMemo(() => jsonRows(root, open), [root, open]);
  const scroller = useVirtualizer<HTMLDivElement, Element>({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => lineHeight,
    overscan: 20,
  });
  const items = scroller.getVirtualItems();
  const toggle = (id: string) => {
    const next = new Set(open);
    if (!next.delete(id)) next.add(id);
    setOpen(next);
  };
  return (
    <>
      <PreviewBar note={sizeText(root)}>
        {choice}
        <button type="button" className="link" onClick={() => setOpen(unfoldUpTo(root, openAtMost))}>
          Unfold all
        </button>
        <button type="button" className="link" onClick={() => setOpen(new Set(['$']))}>
          Fold all
        </button>
        <Copy text={text} label="Copy the JSON" />
      </PreviewBar>
      <div className="preview-body json scrolls" ref={scroll} tabIndex={0} role="region" aria-label="JSON">
        <div style={{ height: items[0]?.start ?? 0 }} />
        {items.map(({ index }) => {
          const row = rows[index];
          if (!row) return null;
          const folds = sizeOf(row.node) > 0;
          const name = row.label ?? 'JSON';
          return (
            <div key={row.id} className="json-row" style={{ paddingLeft: `${row.depth * 1.125}rem` }}>
              {folds ? (
                <button
                  type="button"
                  className={`quiet json-fold ${row.open ? 'open' : ''}`}
                  aria-expanded={row.open}
                  aria-label={name}
                  onClick={() => toggle(row.id)}
                >
                  <Icon name="chevron" />
                </button>
              ) : (
                <span className="json-fold" />
              )}
              {row.label !== undefined && <span className="json-name">{row.label}:</span>}
              <Value node={row.node} open={row.open} name={name} />
            </div>
          );
        })}
        <div
          style={{
            height: Math.max(0, scroller.getTotalSize() - (items[items.length - 1]?.end ?? 0)),
          }}
        />
      </div>
    </>
  );
}

function sizeText(node: JsonNode): string {
  if (node.kind === 'array') return plural(node.items.length, 'item');
  if (node.kind === 'object') return plural(node.members.length, 'member');
  return 'A single value';
}

function Value({ node, open, name }: { node: JsonNode; open: boolean; name: string }) {
  if (node.kind === 'word') return <span className="json-word">{node.text}</span>;
  if (node.kind === 'string')
    return (
      <>
        <span className="json-string">
          {JSON.stringify(node.text.slice(0, longestText))}
          {node.text.length > longestText && (
            <span className="faint"> and {formatCount(node.text.length - longestText)} characters more</span>
          )}
        </span>
        {node.text.length > 30 && <Copy text={node.text} label={`Copy ${name}`} />}
      </>
    );
  const [left, right] = node.kind === 'array' ? '[]' : '{}';
  if (sizeOf(node) === 0) return <span className="faint">{`${left}${right}`}</span>;
  return <span className="faint clip">{open ? `${left} ${sizeText(node)} ${right}` : preview(node)}</span>;
}

// Enough to recognise a folded node by.
const previewLength = 100;

function preview(node: JsonNode): string {
  const parts: string[] = [];
  let length = 0;
  const list = node.kind === 'object' ? node.members : node.kind === 'array' ? node.items : [];
  for (const one of list) {
    const value = 'node' in one ? one.node : one;
    const short = sizeOf(value) > 0 ? (value.kind === 'array' ? '[…]' : '{…}') : jsonText(value).slice(0, 60);
    const part = 'node' in one ? `${one.name}: ${short}` : short;
    length += part.length;
    if (length > previewLength) {
      parts.push('…');
      break;
    }
    parts.push(part);
  }
  const [left, right] = node.kind === 'array' ? '[]' : '{}';
  return `${left} ${parts.join(', ')} ${right} ${sizeText(node)}`;
}
