// CSV and TSV as a table that reads on as it is scrolled.
import { useCallback, useMemo, type ReactNode } from 'react';
import type { Source } from '../lib/artifact';
import { CsvRows } from '../lib/csv-read';
import { plural } from '../lib/format';
import { Loading } from '../ui/parts';
import { DataTable } from './data-table';
import Hex from './hex';
import { PreviewBar, Trouble } from './parts';
import { loadedText, useGrowing } from './use-growing';

// Browsers place nothing below some 17 million pixels, and rows cost memory.
const mostRows = 500_000;
const mostBytes = 128 * 1024 * 1024;
// Rows of such a length are no table, but perhaps a quote that is never closed: not worth to read on by itself.
const longestRow = 64 * 1024;

const looksNumeric = /^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$|^[-+]?(nan|inf)$/i;

export default function CsvPreview(props: { source: Source; path: string; children?: ReactNode }) {
  const { source, path, children } = props;
  const growing = useGrowing(source, path, () => new CsvRows(/\.tsv$/i.test(path) ? '\t' : undefined));
  const { rows, width } = growing.taker;
  const count = Math.max(0, rows.length - 1);
  const full =
    count >= mostRows || growing.loaded >= mostBytes || growing.loaded > 8 * longestRow * (count + 1);
  const columns = useMemo(() => Array.from({ length: width }, (_, i) => rows[0]?.[i] ?? ''), [rows, width]);
  const cell = useCallback(
    (row: number, column: number) => {
      const text = rows[row + 1]?.[column] ?? '';
      return { text, number: looksNumeric.test(text) };
    },
    [rows],
  );
  const onEnd = useCallback(() => {
    if (growing.error === undefined && !full) void growing.more();
  }, [growing, full]);
  if (growing.binary) return <Hex source={source} path={path} note="This is not text." />;
  const trouble = growing.error !== undefined && (
    <Trouble what="Reading went no further" error={growing.error} onRetry={() => void growing.more()} />
  );
  if (growing.total === undefined) return trouble || <Loading rows={6} />;
  return (
    <>
      <PreviewBar note={`${plural(count, 'row')}, ${plural(width, 'column')}, ${loadedText(growing)}`}>
        {children}
      </PreviewBar>
      <DataTable
        label="Rows of the file"
        columns={columns}
        rowCount={count}
        cell={cell}
        version={growing.version}
        onEnd={onEnd}
        foot={
          trouble ||
          (!growing.complete && (
            <p className="preview-more faint">
              {full ? 'Download the file to see the other rows.' : 'More rows follow…'}
            </p>
          ))
        }
      />
    </>
  );
}
