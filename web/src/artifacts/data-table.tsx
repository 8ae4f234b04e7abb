// A table of any number of rows, of which only those in sight are made.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { formatCount } from '../lib/format';

const rowHeight = 28;

// More columns than this make scrolling slow; the others come on request.
const columnsAtOnce = 60;
// Widths are taken from the first rows: reading all of them would delay the first picture.
const measured = 100;
const [narrowest, widest] = [5, 42];

export interface Cell {
  text: string;
  number?: boolean;
}

export function DataTable(props: {
  label: string;
  columns: readonly string[];
  rowCount: number;
  cell: (row: number, column: number) => Cell;
  /** Changes with the rows when `cell` does not. */
  version: number;
  /** The last rows are in sight. */
  onEnd?: () => void;
  foot?: ReactNode;
}) {
  const { label, columns, rowCount, cell, version, onEnd, foot } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const [most, setMost] = useState(columnsAtOnce);
  const shown = columns.slice(0, most);
  const scroller = useVirtualizer<HTMLDivElement, Element>({
    count: rowCount,
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  });
  const items = scroller.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const lastItem = items[items.length - 1];
  const after = lastItem ? Math.max(0, scroller.getTotalSize() - lastItem.end) : 0;
  const atEnd = (lastItem?.index ?? -1) >= rowCount - 1;
  useEffect(() => {
    if (atEnd) onEnd?.();
  }, [atEnd, version, onEnd]);
  const shapes = useMemo(
    () =>
      columns.map((name, column) => {
        let width = name.length;
        let numbers = 0;
        const seen = Math.min(rowCount, measured);
        for (let row = 0; row < seen; row++) {
          const { text, number } = cell(row, column);
          width = Math.max(width, text.length);
          if (number) numbers++;
        }
        // Room for the edges; most letters are narrower than the zero that "ch" is.
        return { width: Math.max(narrowest, Math.min(widest, width)) + 3, numeric: numbers > seen / 2 };
      }),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [columns, cell, rowCount > 0],
  );
  const digits = String(rowCount).length;
  return (
    <div className="preview-body data scrolls" ref={scroll} tabIndex={0} role="region" aria-label={label}>
      <table className="data-table" aria-label={label} aria-rowcount={rowCount + 1}>
        <colgroup>
          <col style={{ width: `${digits + 3}ch` }} />
          {shown.map((_, i) => (
            <col key={i} style={{ width: `${shapes[i]?.width ?? narrowest}ch` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="row-number">
              <span className="visually-hidden">Row</span>
            </th>
            {shown.map((name, i) => (
              <th key={i} scope="col" title={name} className={shapes[i]?.numeric ? 'number' : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && (
            <tr aria-hidden="true">
              <td style={{ height: before }} />
            </tr>
          )}
          {items.map(({ index }) => (
            <tr key={index} aria-rowindex={index + 2}>
              <th scope="row" className="row-number">
                {formatCount(index + 1)}
              </th>
              {shown.map((_, column) => {
                const { text, number } = cell(index, column);
                return (
                  <td
                    key={column}
                    className={number ? 'number' : undefined}
                    title={text.length > 20 ? text : undefined}
                  >
                    {text}
                  </td>
                );
              })}
            </tr>
          ))}
          {after > 0 && (
            <tr aria-hidden="true">
              <td style={{ height: after }} />
            </tr>
          )}
        </tbody>
      </table>
      {columns.length > most && (
        <div className="preview-more">
          <button type="button" onClick={() => setMost(most + columnsAtOnce)}>
            {`${most} of ${formatCount(columns.length)} columns: show more`}
          </button>
        </div>
      )}
      {foot}
    </div>
  );
}
