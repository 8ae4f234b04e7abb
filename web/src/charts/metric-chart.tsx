// One metric of some runs as a card: loads its points when it comes into view, and again when there are new ones.
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { maxHistoryRuns } from '../api/client';
import { useHistory } from '../api/queries';
import type { HistoryPoint, Run } from '../api/types';
import { formatExact, formatShort, plural, toNumber } from '../lib/format';
import { metricOf, runName } from '../lib/run';
import { curveOf, stepRange, valueRange, type Axis, type Point } from '../lib/series';
import { useShownTheme } from '../theme';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import type { PlotCurve } from './plot';

const Plot = lazy(() => import('./plot'));

export interface ChartOptions {
  axis: Axis;
  log: boolean;
  smoothing: number;
}

// Points asked for in all over one chart, so that a chart of a hundred runs is not a hundred times as slow.
const pointBudget = 24_000;
const mostPointsPerRun = 2000;
const leastPointsPerRun = 200;

function pointsPerRun(runs: number): number {
  return Math.max(leastPointsPerRun, Math.min(mostPointsPerRun, Math.floor(pointBudget / Math.max(1, runs))));
}

/** True once the element has been near the window, and whether it is there now. */
function useInView<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [inView, setInView] = useState(false);
  useEffect(() => {
    if (!ref.current) return;
    const watcher = new IntersectionObserver(
      (entries) => setInView(entries.some((entry) => entry.isIntersecting)),
      { rootMargin: '240px' },
    );
    watcher.observe(ref.current);
    return () => watcher.disconnect();
  }, []);
  return { ref, inView };
}

export function MetricChart(props: {
  metric: string;
  runs: readonly Run[];
  colours: ReadonlyMap<string, number>;
  options: ChartOptions;
  group: string;
  /** The key without the prefix that already stands above the chart. */
  title?: string;
}) {
  const { metric, runs, colours, options, group, title } = props;
  const { ref, inView } = useInView<HTMLElement>();
  const [zoom, setZoom] = useState<[number, number]>();
  const [range, setRange] = useState<[number, number]>();
  const [large, setLarge] = useState(false);
  const theme = useShownTheme();

  const having = useMemo(
    () => runs.filter((run) => metricOf(run, metric) !== undefined).slice(0, maxHistoryRuns),
    [runs, metric],
  );
  const runIds = useMemo(() => having.map((run) => run.info.run_id), [having]);
  const version = having
    .map((run) => {
      const last = metricOf(run, metric);
      return `${run.info.status[0]}${String(last?.step)}@${String(last?.timestamp)}=${String(last?.value)}`;
    })
    .join(';');
  const maxResults = pointsPerRun(having.length);
  const history = useHistory({ runIds, metric, version, maxResults, range, enabled: inView });

  const axis = options.axis;
  const curves = useMemo(
    () => makeCurves(having, history.data ?? [], axis, colours),
    [having, history.data, axis, colours],
  );
  // Another axis has other x values: the zoom of the old one means nothing there.
  const [zoomAxis, setZoomAxis] = useState(axis);
  if (zoomAxis !== axis) {
    setZoomAxis(axis);
    setZoom(undefined);
    setRange(undefined);
  }
  const onZoom = (next: [number, number] | undefined) => {
    setZoom(next);
    if (!next) return setRange(undefined);
    // Between two drawn points there may be more: ask for the steps that are now in sight.
    const all = curves.map((c) => c.curve);
    const steps =
      axis === 'step'
        ? ([Math.floor(next[0]), Math.ceil(next[1])] as [number, number])
        : stepRange(all, ...next);
    const sampled = all.some((curve) => curve.x.length >= maxResults);
    if (steps && (sampled || range)) setRange(steps);
  };

  const shown = title ?? metric;
  const drawable = valueRange(curves.flatMap((c) => c.curve.y)) !== undefined;
  const hidden = options.log ? curves.reduce((n, c) => n + c.curve.y.filter((y) => y <= 0).length, 0) : 0;
  const plot = (height: number, where: string) => (
    <Suspense fallback={<div className="plot-wait" data-size={height > 300 ? 'large' : 'normal'} />}>
      <Plot
        {...options}
        label={metric}
        curves={curves}
        height={height}
        theme={theme}
        zoom={zoom}
        onZoom={onZoom}
        group={`${group}${where}`}
      />
    </Suspense>
  );

  return (
    <figure
      className="chart"
      ref={ref}
      data-metric={metric}
      data-version={history.isPlaceholderData ? 'old' : 'new'}
    >
      <div className="chart-head">
        <h3 title={metric}>{shown}</h3>
        {runs.length === 1 && having[0] && <LatestValue run={having[0]} metric={metric} />}
        {zoom && (
          <button type="button" className="link" onClick={() => onZoom(undefined)}>
            Reset zoom
          </button>
        )}
        <button
          type="button"
          className="quiet icon-only"
          aria-label={`Enlarge ${metric}`}
          title="Enlarge"
          onClick={() => setLarge(true)}
        >
          <Icon name="expand" />
        </button>
      </div>
      {history.isError && !history.data ? (
        <div className="chart-state">
          <p>{history.error.message}</p>
          <button type="button" onClick={() => void history.refetch()}>
            Try again
          </button>
        </div>
      ) : !history.data ? (
        <div className="plot-wait" data-size="normal" />
      ) : drawable ? (
        plot(200, '')
      ) : (
        <div className="chart-state">
          <p>
            {curves.length === 0 ? 'No points.' : `Only values that cannot be drawn: ${oddValues(curves)}.`}
          </p>
        </div>
      )}
      {hidden > 0 && <p className="chart-note">{plural(hidden, 'value')} ≤ 0 not shown on a log scale</p>}
      <figcaption className="visually-hidden">{summary(metric, curves)}</figcaption>
      {large && (
        <Dialog title={metric} onClose={() => setLarge(false)} wide>
          {plot(Math.max(260, Math.min(560, window.innerHeight - 360)), ':large')}
          <Legend
            metric={metric}
            curves={curves}
            sampled={curves.some((c) => c.curve.x.length >= maxResults)}
          />
        </Dialog>
      )}
    </figure>
  );
}

function LatestValue({ run, metric }: { run: Run; metric: string }) {
  const last = metricOf(run, metric);
  if (last?.value === undefined) return null;
  return (
    <span className="chart-latest" title={`${formatExact(last.value)} at step ${String(last.step ?? 0)}`}>
      {formatShort(last.value)}
    </span>
  );
}

function makeCurves(
  runs: readonly Run[],
  history: readonly HistoryPoint[],
  axis: Axis,
  colours: ReadonlyMap<string, number>,
): PlotCurve[] {
  const byRun = new Map<string, Point[]>();
  for (const point of history) {
    const list = byRun.get(point.run_id) ?? [];
    list.push({
      step: Number(point.step ?? 0),
      timestamp: point.timestamp ?? 0,
      value: point.value ?? 0,
    });
    byRun.set(point.run_id, list);
  }
  return runs.flatMap((run) => {
    const id = run.info.run_id;
    const points = byRun.get(id);
    if (!points) return [];
    // Relative time counts from the start of the run, so that curves of one run line up with each other.
    const first = points.reduce((least, p) => Math.min(least, p.timestamp), Infinity);
    const start = run.info.start_time;
    const origin = start && start <= first ? start : first;
    return [{ id, name: runName(run), colour: colours.get(id) ?? 0, curve: curveOf(points, axis, origin) }];
  });
}

function oddValues(curves: PlotCurve[]): string {
  const seen = new Set(curves.flatMap((c) => c.curve.points.map((p) => formatExact(p.value))));
  return [...seen].slice(0, 3).join(', ');
}

/** The chart in words, for those who cannot see it. */
function summary(metric: string, curves: PlotCurve[]): string {
  const lines = curves.slice(0, 10).map((c) => {
    const last = c.curve.points[c.curve.points.length - 1] as Point;
    const range = valueRange(c.curve.y);
    const between = range ? `, between ${formatExact(range[0])} and ${formatExact(range[1])}` : '';
    return `${c.name}: ${plural(c.curve.x.length, 'point')}, last ${formatExact(last.value)} at step ${last.step}${between}.`;
  });
  const more = curves.length > 10 ? ` And ${curves.length - 10} more.` : '';
  return `${metric}, ${plural(curves.length, 'curve')}. ${lines.join(' ')}${more}`;
}

function Legend({ metric, curves, sampled }: { metric: string; curves: PlotCurve[]; sampled: boolean }) {
  return (
    <>
      <div className="scrolls legend" tabIndex={0} role="group" aria-label="Values">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col" className="number">
                Last
              </th>
              <th scope="col" className="number">
                Least
              </th>
              <th scope="col" className="number">
                Greatest
              </th>
              <th scope="col" className="number">
                Points
              </th>
            </tr>
          </thead>
          <tbody>
            {curves.map((c) => {
              const range = valueRange(c.curve.y);
              const last = c.curve.points[c.curve.points.length - 1]?.value ?? NaN;
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
                  <td className="number">{c.curve.x.length}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className="legend-foot">
        <button type="button" onClick={() => saveCsv(metric, curves)}>
          <Icon name="download" /> Points as CSV
        </button>
        {sampled && <span className="faint">Sampled by the server; zoom in for every point.</span>}
      </p>
    </>
  );
}

function saveCsv(metric: string, curves: PlotCurve[]): void {
  const quote = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = ['run_id,run_name,metric,step,timestamp_ms,value'];
  for (const c of curves)
    for (const p of c.curve.points)
      lines.push(
        [c.id, c.name, metric, String(p.step), String(p.timestamp), String(toNumber(p.value))]
          .map(quote)
          .join(','),
      );
  const url = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${metric.replace(/[^\w.-]+/g, '_')}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
