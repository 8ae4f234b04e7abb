// The table of an experiment's runs: virtual rows, resizable and sortable columns, nested runs, selection.
import {
  getCoreRowModel,
  getExpandedRowModel,
  useReactTable,
  type ColumnDef,
  type ColumnSizingState,
  type ExpandedState,
  type Header,
  type OnChangeFn,
  type Row,
} from '@tanstack/react-table';
import { memo, useCallback, useEffect, useMemo, useRef } from 'react';
import type { Run } from '../api/types';
import {
  cellOf,
  columnLabel,
  groupOf,
  metricCell,
  splitColumn,
  type ColumnGroup,
  type ColumnId,
} from '../lib/cells';
import { formatExact, formatMoment, formatShort, plural } from '../lib/format';
import { isLive, runHref, runName, runParent, runUser, tagOf } from '../lib/run';
import { useRemembered } from '../lib/storage';
import type { Node } from '../lib/tree';
import { navigate } from '../router';
import { Icon } from '../ui/icons';
import { Ago, Elapsed, Status } from '../ui/parts';
import { useRowCursor, useVisibleRows } from '../ui/rows';
import { useShortcuts } from '../ui/shortcuts';
import { Spacer } from './experiments';

export interface Sort {
  column: ColumnId;
  descending: boolean;
}

const rowHeight = 32;
const headHeight = 58;
const groupLabels: Record<ColumnGroup, string> = {
  attribute: '',
  metric: 'Metrics',
  param: 'Parameters',
  details: 'Details',
  tag: 'Tags',
};
const widths: Record<string, number> = {
  'attribute:name': 230,
  'attribute:status': 104,
  'attribute:start_time': 98,
  'attribute:duration': 104,
  'attribute:user': 92,
  'attribute:source': 120,
  'attribute:commit': 92,
  'attribute:run_id': 150,
};
const keyWidth = 104;
const leastWidth = 56;
const mostWidth = 900;

interface Props {
  rows: readonly Node<Run>[];
  columns: readonly ColumnId[];
  nested: boolean;
  sort: Sort;
  onSort: (sort: Sort) => void;
  selected: ReadonlySet<string>;
  onSelected: (selected: Set<string>) => void;
  colours: ReadonlyMap<string, number>;
  sizesKey: string;
  more: boolean;
  onEnd: () => void;
  onVisible: (rows: Run[]) => void;
  onCompare: () => void;
}

export function RunTable(props: Props) {
  const { rows, columns, nested, sort, onSort, selected, onSelected, colours, sizesKey, more, onEnd } = props;
  const [sizes, setSizes] = useRemembered<ColumnSizingState>(`sizes.${sizesKey}`, {});
  const [expanded, setExpanded] = useRemembered<Record<string, boolean>>(`open.${sizesKey}`, {});
  const scrollRef = useRef<HTMLDivElement>(null);

  const defs = useMemo(() => makeColumns(columns), [columns]);
  const onExpanded: OnChangeFn<ExpandedState> = (next) =>
    setExpanded((now) => {
      const value = typeof next === 'function' ? next(now) : next;
      return value === true ? now : value;
    });
  const table = useReactTable<Node<Run>>({
    data: rows as Node<Run>[],
    columns: defs,
    getRowId: (node) => node.item.info.run_id,
    getSubRows: (node) => node.children,
    getCoreRowModel: getCoreRowModel(),
    getExpandedRowModel: getExpandedRowModel(),
    manualSorting: true,
    enableSubRowSelection: false,
    columnResizeMode: 'onChange',
    autoResetExpanded: false,
    state: { columnSizing: sizes, expanded },
    onColumnSizingChange: setSizes,
    onExpandedChange: onExpanded,
  });
  const flat = table.getRowModel().rows;
  const visible = useVisibleRows({ count: flat.length, rowHeight, scrollRef, headHeight });

  const lastClicked = useRef<string | undefined>(undefined);
  const toggle = (id: string, through: boolean) => {
    const next = new Set(selected);
    const on = !next.has(id);
    const from = through ? flat.findIndex((row) => row.id === lastClicked.current) : -1;
    const to = flat.findIndex((row) => row.id === id);
    const range = from >= 0 ? flat.slice(Math.min(from, to), Math.max(from, to) + 1) : [];
    for (const one of range.length ? range.map((row) => row.id) : [id])
      if (on) next.add(one);
      else next.delete(one);
    lastClicked.current = id;
    onSelected(next);
  };
  // One function for all renders, so that a row is drawn again only when the row itself changes.
  const latestToggle = useRef(toggle);
  useEffect(() => {
    latestToggle.current = toggle;
  });
  const onToggle = useCallback((id: string, through: boolean) => latestToggle.current(id, through), []);
  const { cursor, setCursor } = useRowCursor({
    count: flat.length,
    scrollRef,
    scroller: visible.scroller,
    onOpen: (index) => flat[index] && navigate(runHref(flat[index].original.item.info)),
    onSelect: (index) => flat[index] && toggle(flat[index].id, false),
    onFold: (index, open) => flat[index]?.getCanExpand() && flat[index].toggleExpanded(open),
  });
  useShortcuts({ c: props.onCompare });

  const lastVisible = visible.indexes[visible.indexes.length - 1] ?? 0;
  useEffect(() => {
    // Fetch before the end is in sight: two screens ahead.
    if (more && lastVisible >= flat.length - 60) onEnd();
  }, [more, lastVisible, flat.length, onEnd]);
  const { onVisible } = props;
  useEffect(() => {
    onVisible(flat.slice(0, 10).map((row) => row.original.item));
  }, [flat, onVisible]);

  const all = flat.length > 0 && flat.every((row) => selected.has(row.id));
  const some = selected.size > 0;
  const total = table.getTotalSize();
  const leaves = table.getVisibleLeafColumns();
  return (
    <div className="table-scroll scrolls" ref={scrollRef}>
      <table
        className="grid runs"
        role={nested ? 'treegrid' : 'grid'}
        aria-label="Runs"
        aria-rowcount={more ? -1 : flat.length + 2}
        aria-multiselectable="true"
        style={{ width: total }}
      >
        <colgroup>
          {leaves.map((column) => (
            <col key={column.id} style={{ width: column.getSize() }} />
          ))}
        </colgroup>
        <thead>
          {table.getHeaderGroups().map((group, level) => (
            <tr key={group.id} aria-rowindex={level + 1} className={level === 0 ? 'head-groups' : ''}>
              {group.headers.map((header) =>
                level === 0 ? (
                  <td key={header.id} colSpan={header.colSpan} className={`kind-${header.column.id}`}>
                    {groupLabels[header.column.id as ColumnGroup] ? (
                      <span className="group-label">{groupLabels[header.column.id as ColumnGroup]}</span>
                    ) : (
                      <span className="visually-hidden">Run</span>
                    )}
                  </td>
                ) : header.column.id === 'select' ? (
                  <th key={header.id} scope="col" className="cell-select">
                    <input
                      type="checkbox"
                      aria-label="Select all shown runs"
                      checked={all}
                      ref={(box) => {
                        if (box) box.indeterminate = some && !all;
                      }}
                      onChange={() =>
                        onSelected(all || some ? new Set() : new Set(flat.map((row) => row.id)))
                      }
                    />
                  </th>
                ) : (
                  <HeadCell key={header.id} header={header} sort={sort} onSort={onSort} onSize={setSizes} />
                ),
              )}
            </tr>
          ))}
        </thead>
        <tbody>
          <Spacer height={visible.before} columns={leaves.length} />
          {visible.indexes.map((index) => {
            const row = flat[index];
            if (!row) return null;
            return (
              <RunRow
                key={row.id}
                row={row}
                run={row.original.item}
                index={index}
                columns={columns}
                nested={nested}
                open={row.getIsExpanded()}
                isSelected={selected.has(row.id)}
                colour={colours.get(row.id)}
                at={cursor === index}
                reachable={cursor === index || (cursor < 0 && index === 0)}
                onAt={setCursor}
                onToggle={onToggle}
              />
            );
          })}
          <Spacer height={visible.after} columns={leaves.length} />
        </tbody>
      </table>
    </div>
  );
}

function makeColumns(ids: readonly ColumnId[]): ColumnDef<Node<Run>>[] {
  const byKind = new Map<ColumnGroup, ColumnDef<Node<Run>>[]>([
    [
      'attribute',
      [
        { id: 'select', header: '', size: 36, minSize: 36, maxSize: 36, enableResizing: false },
        {
          id: 'attribute:name',
          header: 'Run',
          size: widths['attribute:name'] ?? keyWidth,
          minSize: 120,
          maxSize: mostWidth,
        },
      ],
    ],
  ]);
  for (const id of ids) {
    const group = groupOf(id);
    const list = byKind.get(group) ?? [];
    list.push({
      id,
      header: columnLabel(id),
      size: widths[id] ?? keyWidth,
      minSize: leastWidth,
      maxSize: mostWidth,
    });
    byKind.set(group, list);
  }
  return [...byKind.entries()].map(([kind, columns]) => ({ id: kind, header: groupLabels[kind], columns }));
}

function HeadCell(props: {
  header: Header<Node<Run>, unknown>;
  sort: Sort;
  onSort: (sort: Sort) => void;
  onSize: (next: (now: ColumnSizingState) => ColumnSizingState) => void;
}) {
  const { header, sort, onSort, onSize } = props;
  const id = header.column.id;
  const { kind } = splitColumn(id);
  const label = columnLabel(id);
  const sorted = sort.column === id;
  const size = header.getSize();
  // Numbers and times are looked at from the top; names and words from A.
  const startsDescending = kind === 'metric' || id === 'attribute:start_time' || id === 'attribute:duration';
  const resize = (by: number) =>
    onSize((now) => ({ ...now, [id]: Math.max(leastWidth, Math.min(mostWidth, size + by)) }));
  return (
    <th
      scope="col"
      className={`cell-${kind} ${id === 'attribute:name' ? 'cell-name' : ''}`}
      aria-sort={sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        className="sort"
        title={label}
        onClick={() => onSort({ column: id, descending: sorted ? !sort.descending : startsDescending })}
      >
        <span className="clip">{label}</span>
        {sorted && <Icon name={sort.descending ? 'down' : 'up'} />}
      </button>
      <span
        className={`resizer ${header.column.getIsResizing() ? 'on' : ''}`}
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label={`Width of ${label}`}
        aria-valuenow={size}
        aria-valuemin={leastWidth}
        aria-valuemax={mostWidth}
        onMouseDown={header.getResizeHandler()}
        onTouchStart={header.getResizeHandler()}
        onDoubleClick={() =>
          onSize((now) => Object.fromEntries(Object.entries(now).filter(([column]) => column !== id)))
        }
        onKeyDown={(event) => {
          if (event.key === 'ArrowLeft') resize(-12);
          else if (event.key === 'ArrowRight') resize(12);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
    </th>
  );
}

interface RowProps {
  row: Row<Node<Run>>;
  run: Run;
  index: number;
  columns: readonly ColumnId[];
  nested: boolean;
  open: boolean;
  isSelected: boolean;
  colour: number | undefined;
  at: boolean;
  reachable: boolean;
  onAt: (index: number) => void;
  onToggle: (id: string, through: boolean) => void;
}

const RunRow = memo(
  function RunRow(props: RowProps) {
    const { row, run, index, columns, nested, open, isSelected, colour, at, reachable, onAt, onToggle } =
      props;
    const name = runName(run);
    const children = row.original.children.length;
    const expandable = nested && children > 0;
    return (
      <tr
        data-row={index}
        data-run={row.id}
        aria-rowindex={index + 3}
        aria-selected={isSelected}
        {...(nested ? { 'aria-level': row.depth + 1 } : {})}
        {...(expandable ? { 'aria-expanded': open } : {})}
        tabIndex={reachable ? 0 : -1}
        className={`${at ? 'at' : ''} ${isSelected ? 'selected' : ''}`}
        onFocus={() => onAt(index)}
      >
        <td className="cell-select">
          <input
            type="checkbox"
            aria-label={`Select ${name}`}
            checked={isSelected}
            onChange={(event) => onToggle(row.id, (event.nativeEvent as MouseEvent).shiftKey)}
          />
        </td>
        <td className="cell-name">
          <span className={`name-cell depth-${Math.min(row.depth, 6)}`}>
            {nested &&
              (expandable ? (
                <button
                  type="button"
                  className={`quiet icon-only fold ${open ? 'open' : ''}`}
                  aria-label={`${open ? 'Fold' : 'Unfold'} ${name}`}
                  aria-expanded={open}
                  onClick={() => row.toggleExpanded()}
                >
                  <Icon name="chevron" />
                </button>
              ) : (
                <span className="fold" />
              ))}
            <span className={colour === undefined ? 'dot off' : `dot run-${colour}`} />
            <a href={runHref(run.info)} className="clip" title={name}>
              {name}
            </a>
            {expandable && (
              <span className="count" title={plural(children, 'nested run')}>
                {children}
              </span>
            )}
            {(!nested || row.depth === 0) && runParent(run) && (
              <span className="faint child-mark" title="Nested run">
                <Icon name="tree" />
              </span>
            )}
          </span>
        </td>
        {columns.map((id) => (
          <Cell key={id} run={run} id={id} />
        ))}
      </tr>
    );
  },
  (a, b) =>
    a.run === b.run &&
    a.row.original.children.length === b.row.original.children.length &&
    a.row.depth === b.row.depth &&
    a.index === b.index &&
    a.columns === b.columns &&
    a.nested === b.nested &&
    a.open === b.open &&
    a.isSelected === b.isSelected &&
    a.colour === b.colour &&
    a.at === b.at &&
    a.reachable === b.reachable &&
    a.onToggle === b.onToggle,
);

function Cell({ run, id }: { run: Run; id: ColumnId }) {
  const { kind, key } = splitColumn(id);
  const { info } = run;
  if (kind === 'metric') {
    const metric = metricCell(run, key);
    if (metric?.value === undefined) return <td className="cell-metric" />;
    return (
      <td
        className="cell-metric"
        title={`${formatExact(metric.value)} at step ${String(metric.step ?? 0)}, ${formatMoment(metric.timestamp ?? 0)}`}
      >
        {formatShort(metric.value)}
      </td>
    );
  }
  if (kind === 'attribute') {
    switch (key) {
      case 'status':
        return (
          <td>
            <Status status={info.status} />
          </td>
        );
      case 'start_time':
        return (
          <td>
            <Ago ms={info.start_time} />
          </td>
        );
      case 'duration':
        return (
          <td>
            <Elapsed start={info.start_time} end={info.end_time} live={isLive(run)} />
          </td>
        );
      case 'user':
        return <td title={runUser(run)}>{runUser(run)}</td>;
      case 'source':
        return <td title={tagOf(run, 'mlflow.source.name')}>{String(cellOf(run, id) ?? '')}</td>;
      case 'commit':
        return (
          <td className="mono">
            <span title={tagOf(run, 'mlflow.source.git.commit')}>
              {String(cellOf(run, id) ?? '').slice(0, 7)}
            </span>
          </td>
        );
      default:
        return (
          <td className="mono" title={String(cellOf(run, id) ?? '')}>
            {String(cellOf(run, id) ?? '')}
          </td>
        );
    }
  }
  const text = String(cellOf(run, id) ?? '');
  const numeric = kind === 'param' && text !== '' && !Number.isNaN(Number(text));
  return (
    <td className={numeric ? 'cell-param numeric' : `cell-${kind}`} title={text}>
      {text}
    </td>
  );
}
