// The table of an experiment's runs: virtual rows, resizable and sortable columns, nested runs, selection.
import {
  getCoreRowModel,
  useReactTable,
  type ColumnDef,
  type ColumnSizingState,
  type Header,
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
import { fieldOfColumn, type Sort } from '../lib/columns';
import { conditionsOf, sameField } from '../lib/filter';
import { formatExact, formatMoment, formatShort, plural } from '../lib/format';
import { isLive, runHref, runName, runParent, runUser, tagOf } from '../lib/run';
import { useRemembered } from '../lib/storage';
import { unfold, type Node, type TreeRow } from '../lib/tree';
import { navigate } from '../router';
import { Icon } from '../ui/icons';
import { Menu } from '../ui/menu';
import { Ago, Elapsed, Status } from '../ui/parts';
import { useRowCursor, useVisibleRows } from '../ui/rows';
import { useShortcuts } from '../ui/shortcuts';
import { Spacer } from './experiments';
import { HeadMenu, type HeadActions } from './head-menu';

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
  'attribute:start_time': 108,
  'attribute:duration': 104,
  'attribute:user': 92,
  'attribute:source': 120,
  'attribute:commit': 92,
  'attribute:run_id': 150,
};
const keyWidth = 104;
const noRows: Node<Run>[] = [];
const leastWidth = 56;
const mostWidth = 900;

function idOf(row: TreeRow<Run>): string {
  return row.node.item.info.run_id;
}

interface Props {
  rows: readonly Node<Run>[];
  /** How many runs there are, those that are not loaded among them. */
  total: number | undefined;
  columns: readonly ColumnId[];
  nested: boolean;
  sort: Sort;
  actions: HeadActions;
  selected: ReadonlySet<string>;
  onSelected: (selected: Set<string>) => void;
  colours: ReadonlyMap<string, number>;
  sizesKey: string;
  more: boolean;
  /** True while the rows are still those of the question before. */
  busy: boolean;
  /** What the rows answer: another question begins at the top. */
  question: string;
  onEnd: () => void;
  onVisible: (rows: Run[]) => void;
  onCompare: () => void;
}

export function RunTable(props: Props) {
  const { rows, columns, nested, sort, actions, selected, onSelected, colours, sizesKey, more, onEnd } =
    props;
  const [sizes, setSizes] = useRemembered<ColumnSizingState>(`sizes.${sizesKey}`, {});
  const [expanded, setExpanded] = useRemembered<Record<string, boolean>>(`open.${sizesKey}`, {});
  const scrollRef = useRef<HTMLDivElement>(null);

  const defs = useMemo(() => makeColumns(columns), [columns]);
  // The library keeps the columns and their widths. It is given no rows: it would make an object with dozens of
  // functions for each, which takes longer than sorting them; unfolding a tree is a short loop.
  const table = useReactTable<Node<Run>>({
    data: noRows,
    columns: defs,
    getCoreRowModel: getCoreRowModel(),
    columnResizeMode: 'onChange',
    state: { columnSizing: sizes },
    onColumnSizingChange: setSizes,
  });
  const flat = useMemo(
    () => unfold(rows, (node) => expanded[node.item.info.run_id] === true),
    [rows, expanded],
  );
  const fold = useCallback(
    (id: string, open: boolean) => setExpanded((now) => ({ ...now, [id]: open })),
    [setExpanded],
  );
  const visible = useVisibleRows({ count: flat.length, rowHeight, scrollRef, headHeight });

  const lastClicked = useRef<string | undefined>(undefined);
  const toggle = (id: string, through: boolean) => {
    const next = new Set(selected);
    const on = !next.has(id);
    const from = through ? flat.findIndex((row) => idOf(row) === lastClicked.current) : -1;
    const to = flat.findIndex((row) => idOf(row) === id);
    const range = from >= 0 ? flat.slice(Math.min(from, to), Math.max(from, to) + 1) : [];
    for (const one of range.length ? range.map(idOf) : [id])
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
    onOpen: (index) => flat[index] && navigate(runHref(flat[index].node.item.info)),
    onSelect: (index) => flat[index] && toggle(idOf(flat[index]), false),
    onFold: (index, open) => {
      const row = flat[index];
      if (row?.node.children.length) fold(idOf(row), open);
    },
  });
  useShortcuts({ c: props.onCompare });

  const answered = useRef(props.question);
  useEffect(() => {
    if (answered.current === props.question) return;
    answered.current = props.question;
    scrollRef.current?.scrollTo({ top: 0 });
  }, [props.question]);

  const lastVisible = visible.indexes[visible.indexes.length - 1] ?? 0;
  useEffect(() => {
    // Fetch before the end is in sight: two screens ahead.
    if (more && lastVisible >= flat.length - 60) onEnd();
  }, [more, lastVisible, flat.length, onEnd]);
  const { onVisible } = props;
  useEffect(() => {
    onVisible(flat.slice(0, 10).map((row) => row.node.item));
  }, [flat, onVisible]);

  const all = flat.length > 0 && flat.every((row) => selected.has(idOf(row)));
  const some = selected.size > 0;
  const width = table.getTotalSize();
  const filtered = useMemo(() => {
    const said = conditionsOf(actions.set.filter).map((one) => one.field);
    return new Set(
      ['attribute:name', ...columns].filter((id) => {
        const field = fieldOfColumn(id);
        return field !== undefined && said.some((one) => sameField(one, field));
      }),
    );
  }, [actions.set.filter, columns]);
  const leaves = table.getVisibleLeafColumns();
  return (
    <div className="table-scroll scrolls" ref={scrollRef}>
      <table
        className="grid runs"
        role={nested ? 'treegrid' : 'grid'}
        aria-label="Runs"
        aria-rowcount={!more ? flat.length + 2 : nested || props.total === undefined ? -1 : props.total + 2}
        aria-busy={props.busy}
        aria-multiselectable="true"
        style={{ width }}
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
                      onChange={() => onSelected(all || some ? new Set() : new Set(flat.map(idOf)))}
                    />
                  </th>
                ) : (
                  <HeadCell
                    key={header.id}
                    header={header}
                    sort={sort}
                    filtered={filtered.has(header.column.id)}
                    actions={actions}
                    onSize={setSizes}
                  />
                ),
              )}
            </tr>
          ))}
        </thead>
        <tbody>
          <Spacer height={visible.before} />
          {visible.indexes.map((index) => {
            const row = flat[index];
            if (!row) return null;
            return (
              <RunRow
                key={idOf(row)}
                run={row.node.item}
                depth={row.depth}
                childCount={row.node.children.length}
                index={index}
                columns={columns}
                nested={nested}
                open={row.open}
                isSelected={selected.has(idOf(row))}
                colour={colours.get(idOf(row))}
                at={cursor === index}
                reachable={cursor === index || (cursor < 0 && index === 0)}
                onAt={setCursor}
                onToggle={onToggle}
                onFold={fold}
              />
            );
          })}
          <Spacer height={visible.after} />
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
  filtered: boolean;
  actions: HeadActions;
  onSize: (next: (now: ColumnSizingState) => ColumnSizingState) => void;
}) {
  const { header, sort, filtered, actions, onSize } = props;
  const id = header.column.id;
  const { kind } = splitColumn(id);
  const label = columnLabel(id);
  const sorted = sort.column === id;
  const size = header.getSize();
  const sortable = fieldOfColumn(id) !== undefined;
  // Numbers and times are looked at from the top; names and words from A.
  const startsDescending = kind === 'metric' || id === 'attribute:start_time';
  const resize = (by: number) =>
    onSize((now) => ({ ...now, [id]: Math.max(leastWidth, Math.min(mostWidth, size + by)) }));
  return (
    <th
      scope="col"
      aria-label={label}
      className={`cell-${kind} ${id === 'attribute:name' ? 'cell-name' : ''}`}
      aria-sort={!sortable ? undefined : sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      {sortable ? (
        <button
          type="button"
          className="sort"
          title={label}
          onClick={() =>
            actions.onSort({ column: id, descending: sorted ? !sort.descending : startsDescending })
          }
        >
          <span className="clip">{label}</span>
          {sorted && <Icon name={sort.descending ? 'down' : 'up'} />}
        </button>
      ) : (
        <span className="sort" title={label}>
          <span className="clip">{label}</span>
        </span>
      )}
      <Menu
        name={filtered ? `Menu of ${label}, filtered` : `Menu of ${label}`}
        icon={filtered ? 'filter' : 'more'}
        className={filtered ? 'head-menu filtered' : 'head-menu'}
      >
        {(close) => (
          <HeadMenu
            {...actions}
            onHide={id === 'attribute:name' ? undefined : actions.onHide}
            column={id}
            close={close}
          />
        )}
      </Menu>
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
  run: Run;
  depth: number;
  childCount: number;
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
  onFold: (id: string, open: boolean) => void;
}

const RunRow = memo(
  function RunRow(props: RowProps) {
    const { run, depth, childCount, index, columns, nested, open, isSelected, colour, at, reachable } = props;
    const { onAt, onToggle, onFold } = props;
    const id = run.info.run_id;
    const name = runName(run);
    const expandable = nested && childCount > 0;
    return (
      <tr
        data-row={index}
        data-run={id}
        aria-rowindex={index + 3}
        aria-selected={isSelected}
        {...(nested ? { 'aria-level': depth + 1 } : {})}
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
            onChange={(event) => onToggle(id, (event.nativeEvent as MouseEvent).shiftKey)}
          />
        </td>
        <td className="cell-name">
          <span className={`name-cell depth-${Math.min(depth, 6)}`}>
            {nested &&
              (expandable ? (
                <button
                  type="button"
                  className={`quiet icon-only fold ${open ? 'open' : ''}`}
                  aria-label={`${open ? 'Fold' : 'Unfold'} ${name}`}
                  aria-expanded={open}
                  onClick={() => onFold(id, !open)}
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
              <span className="count" title={plural(childCount, 'nested run')}>
                {childCount}
              </span>
            )}
            {(!nested || depth === 0) && runParent(run) && (
              <span className="faint child-mark" title="Nested run">
                <Icon name="tree" />
              </span>
            )}
          </span>
        </td>
        {columns.map((column) => (
          <Cell key={column} run={run} id={column} />
        ))}
      </tr>
    );
  },
  (a, b) =>
    a.run === b.run &&
    a.childCount === b.childCount &&
    a.depth === b.depth &&
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
