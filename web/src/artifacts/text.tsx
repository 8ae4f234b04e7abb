// Text and code with line numbers: the beginning at first, more on request.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, type ReactNode } from 'react';
import type { Source } from '../lib/artifact';
import { formatBytes, formatCount, plural } from '../lib/format';
import { nextBytes, type Growing } from '../lib/growing';
import { Lines } from '../lib/lines';
import { useRemembered } from '../lib/storage';
import { Copy, Loading } from '../ui/parts';
import Hex from './hex';
import { PreviewBar, Trouble } from './parts';
import { loadedText, useGrowing } from './use-growing';

const lineHeight = 20;

// Browsers place nothing below some 17 million pixels.
const mostLines = 800_000;

export default function TextPreview(props: { source: Source; path: string; children?: ReactNode }) {
  const { source, path, children } = props;
  const growing = useGrowing(source, path, () => new Lines());
  const [wrap, setWrap] = useRemembered('artifact.wrap', false);
  if (growing.binary) return <Hex source={source} path={path} note="This is not text." />;
  if (growing.loaded === 0 && growing.error !== undefined)
    return (
      <Trouble what="The file could not be read" error={growing.error} onRetry={() => void growing.more()} />
    );
  if (growing.total === undefined) return <Loading rows={6} />;
  const lines = growing.taker.list;
  const last = lines.findLast((line) => line.number !== undefined)?.number ?? 0;
  return (
    <>
      <PreviewBar note={`${plural(last, 'line')}, ${loadedText(growing)}`}>
        {children}
        <label className="toggle">
          <input type="checkbox" checked={wrap} onChange={(event) => setWrap(event.target.checked)} />
          Wrap lines
        </label>
        <Copy text={textOf(lines)} label="Copy the text shown" />
      </PreviewBar>
      <LineList growing={growing} wrap={wrap} last={last} />
    </>
  );
}

/** Read when it is copied and not before: the lines may be many. */
function textOf(lines: Lines['list']): () => string {
  return () =>
    lines.map((line, i) => (i > 0 && line.number !== undefined ? `\n${line.text}` : line.text)).join('');
}

function LineList({ growing, wrap, last }: { growing: Growing<Lines>; wrap: boolean; last: number }) {
  const scroll = useRef<HTMLDivElement>(null);
  const lines = growing.taker.list;
  const scroller = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: lines.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => lineHeight,
    overscan: 30,
  });
  const items = scroller.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = Math.max(0, scroller.getTotalSize() - (items[items.length - 1]?.end ?? 0));
  return (
    <div
      // Heights that were measured are of no use once lines wrap, or no longer do.
      key={String(wrap)}
      ref={scroll}
      className={`preview-body lines scrolls ${wrap ? 'wrap' : ''}`}
      tabIndex={0}
      role="region"
      aria-label="Text"
      style={{ '--digits': `${String(last).length}ch` } as React.CSSProperties}
    >
      <div className="lines-inner">
        <div style={{ height: before }} />
        {items.map((item) => {
          const line = lines[item.index];
          return (
            <div
              key={item.index}
              className="line"
              data-index={item.index}
              ref={wrap ? scroller.measureElement : undefined}
            >
              <span className="line-number" aria-hidden="true">
                {line?.number === undefined ? '' : formatCount(line.number)}
              </span>
              <code className="line-text">{line?.text === '' ? '\n' : line?.text}</code>
            </div>
          );
        })}
        <div style={{ height: after }} />
      </div>
      <More growing={growing} full={lines.length >= mostLines} />
    </div>
  );
}

/** At the end of what was read of a file. */
export function More({ growing, full }: { growing: Growing<Lines>; full: boolean }) {
  if (growing.error !== undefined)
    return (
      <Trouble what="Reading went no further" error={growing.error} onRetry={() => void growing.more()} />
    );
  if (growing.complete) return null;
  const left = (growing.total ?? 0) - growing.loaded;
  return (
    <div className="preview-more">
      {full ? (
        <p className="faint">Download the file to see the other {formatBytes(left)}.</p>
      ) : (
        <button type="button" disabled={growing.busy} onClick={() => void growing.more()}>
          {growing.busy ? 'Loading…' : `Load ${formatBytes(Math.min(left, nextBytes))} more`}
        </button>
      )}
    </div>
  );
}
