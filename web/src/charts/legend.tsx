// What stands below an enlarged chart: the values of each curve, and all points as a file.
import { useEffect, useRef, useState } from 'react';
import { getHistoryPage } from '../api/client';
import { csvHead, csvLines } from '../lib/csv';
import { countText, formatCount, formatExact, formatShort, plural } from '../lib/format';
import { pointsOf, valueRange } from '../lib/series';
import { Icon } from '../ui/icons';
import type { PlotCurve } from './plot';

export function Legend({ metric, curves }: { metric: string; curves: PlotCurve[] }) {
  const { drawn, stored } = pointsOf(curves);
  return (
    <>
      <div className="scrolls legend" tabIndex={0} role="group" aria-label="Values">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Run</th>
              {['Last', 'Least', 'Greatest', 'Points'].map((name) => (
                <th key={name} scope="col" className="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {curves.map((c) => {
              const range = valueRange(c.curve.y);
              const last = c.curve.y[c.curve.y.length - 1] ?? NaN;
              return (
                <tr key={c.id}>
                  <th scope="row">
                    <span className={`dot run-${c.colour}`} /> {c.name}
                  </th>
                  {[last, range?.[0] ?? NaN, range?.[1] ?? NaN].map((value, i) => (
                    <td key={i} className="number" title={formatExact(value)}>
                      {formatShort(value)}
                    </td>
                  ))}
                  <td className="number">{formatCount(c.points)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <div className="legend-foot">
        <Download metric={metric} curves={curves} />
        {drawn < stored && (
          <span className="faint">{countText(drawn, stored)} drawn; zoom in for every point.</span>
        )}
      </div>
    </>
  );
}

// The most that one answer of the protocol's other histories holds: a few MB of JSON.
const pageSize = 25_000;

/** Saves all points of the curves, page by page; closing the chart ends it. */
function Download({ metric, curves }: { metric: string; curves: PlotCurve[] }) {
  const [read, setRead] = useState<number>();
  const [error, setError] = useState<string>();
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const start = () => {
    const stop = new AbortController();
    running.current = stop;
    setError(undefined);
    setRead(0);
    readAll(metric, curves, setRead, stop.signal)
      .then((file) => save(metric, file))
      .catch((cause: unknown) => {
        if (!stop.signal.aborted) setError(cause instanceof Error ? cause.message : String(cause));
      })
      .finally(() => {
        if (running.current === stop) setRead(undefined);
      });
  };

  return read === undefined ? (
    <>
      <button type="button" onClick={start}>
        <Icon name="download" /> Points as CSV
      </button>
      {error !== undefined && (
        <span className="form-error" role="alert">
          {error}
        </span>
      )}
    </>
  ) : (
    <>
      <button type="button" onClick={() => running.current?.abort()}>
        Stop
      </button>
      <span role="status">Reading the points: {plural(read, 'point')} so far</span>
    </>
  );
}

async function readAll(
  metric: string,
  curves: readonly PlotCurve[],
  onRead: (points: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const parts = [csvHead];
  let read = 0;
  for (const { id, name } of curves) {
    let token: string | undefined;
    do {
      const page = await getHistoryPage(id, metric, pageSize, token, signal);
      const points = page.metrics ?? [];
      parts.push(csvLines(id, name, metric, points));
      read += points.length;
      onRead(read);
      token = page.next_page_token || undefined;
    } while (token !== undefined);
  }
  signal.throwIfAborted();
  return new Blob(parts, { type: 'text/csv' });
}

function save(metric: string, file: Blob): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = `${metric.replace(/[^\w.-]+/g, '_')}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
