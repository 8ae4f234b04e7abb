// One metric of some runs as a card: loads its points when it comes into view, and again when there are new ones.
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { maxChartRuns, type Axis } from '../api/chart';
import type { Run } from '../api/types';
import { countText, formatExact, formatShort, plural } from '../lib/format';
import { metricOf } from '../lib/run';
import { axisText, pointsOf, rangeOf, valueRange } from '../lib/series';
import { useShownTheme } from '../theme';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Legend } from './legend';
import type { PlotCurve } from './plot';
import { useCurves, widthStep } from './use-curves';

const Plot = lazy(() => import('./plot'));

export interface ChartOptions {
  axis: Axis;
  log: boolean;
  smoothing: number;
}

// As wide as the enlarged chart gets: 70rem in the style sheet.
const largestPixels = 1120;
/** Whether the element is near the window, and how wide it is: undefined before it has been there. */
function useInView<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [inView, setInView] = useState(false);
  const [width, setWidth] = useState<number>();
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const watcher = new IntersectionObserver(
      (entries) => setInView(entries.some((entry) => entry.isIntersecting)),
      { rootMargin: '240px' },
    );
    watcher.observe(element);
    const ruler = new ResizeObserver(() => {
      if (element.clientWidth > 0) setWidth(Math.ceil(element.clientWidth / widthStep) * widthStep);
    });
    ruler.observe(element);
    return () => {
      watcher.disconnect();
      ruler.disconnect();
    };
  }, []);
  return { ref, inView, width };
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
  const { ref, inView, width: pixels } = useInView<HTMLElement>();
  const [zoom, setZoom] = useState<[number, number]>();
  const [range, setRange] = useState<[number, number]>();
  const [large, setLarge] = useState(false);
  const theme = useShownTheme();

  const having = useMemo(
    () => runs.filter((run) => metricOf(run, metric) !== undefined).slice(0, maxChartRuns),
    [runs, metric],
  );
  const { curves, axis, ...chart } = useCurves({
    metric,
    runs: having,
    axis: options.axis,
    pixels: large ? Math.min(window.innerWidth, largestPixels) : (pixels ?? 0),
    range,
    enabled: inView && pixels !== undefined,
    colours,
  });
  // Another axis has other x values: the zoom of the old one means nothing there.
  const [zoomAxis, setZoomAxis] = useState(options.axis);
  if (zoomAxis !== options.axis) {
    setZoomAxis(options.axis);
    setZoom(undefined);
    setRange(undefined);
  }
  const count = pointsOf(curves);
  const reduced = count.drawn < count.stored;
  const onZoom = (next: [number, number] | undefined) => {
    // What is still drawn over the old axis cannot be zoomed on the new one.
    if (next && axis !== options.axis) return;
    setZoom(next);
    if (!next) setRange(undefined);
    // Between the drawn points there are more: ask for the part that is now in sight.
    else if (reduced || range) setRange(rangeOf(next, axis));
  };

  const shown = title ?? metric;
  const drawable = valueRange(curves.flatMap((c) => c.curve.y)) !== undefined;
  const hidden = options.log ? curves.reduce((n, c) => n + c.curve.y.filter((y) => y <= 0).length, 0) : 0;
  const plot = (height: number, where: string) => (
    <Suspense fallback={<div className="plot-wait" data-size={height > 300 ? 'large' : 'normal'} />}>
      <Plot
        {...options}
        axis={axis}
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
    <figure className="chart" ref={ref} data-metric={metric} data-version={chart.old ? 'old' : 'new'}>
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
      {chart.error ? (
        <div className="chart-state">
          <p>{chart.error.message}</p>
          <button type="button" onClick={() => chart.again()}>
            Try again
          </button>
        </div>
      ) : !chart.loaded ? (
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
      {hidden > 0 && (
        <p className="chart-note">
          {reduced ? 'Values' : plural(hidden, 'value')} ≤ 0 not shown on a log scale
        </p>
      )}
      {reduced && <p className="chart-note">{countText(count.drawn, count.stored)}</p>}
      {chart.damaged && (
        <p className="chart-note">Some points cannot be read; the server’s log says which.</p>
      )}
      <figcaption className="visually-hidden">{summary(metric, curves, axis)}</figcaption>
      {large && (
        <Dialog title={metric} onClose={() => setLarge(false)} size="wide">
          {plot(Math.max(260, Math.min(560, window.innerHeight - 360)), ':large')}
          <Legend metric={metric} curves={curves} />
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

function oddValues(curves: PlotCurve[]): string {
  const seen = new Set(curves.flatMap((c) => c.curve.y.map(formatExact)));
  return [...seen].slice(0, 3).join(', ');
}

/** The chart in words, for those who cannot see it. */
function summary(metric: string, curves: PlotCurve[], axis: Axis): string {
  const lines = curves.slice(0, 10).map((c) => {
    const at = c.curve.x.length - 1;
    const last = `last ${formatExact(c.curve.y[at] as number)} at ${axisText(c.curve.x[at] as number, axis)}`;
    const range = valueRange(c.curve.y);
    const between = range ? `, between ${formatExact(range[0])} and ${formatExact(range[1])}` : '';
    return `${c.name}: ${countText(c.curve.x.length, c.points)}, ${last}${between}.`;
  });
  const more = curves.length > 10 ? ` And ${curves.length - 10} more.` : '';
  return `${metric}, ${plural(curves.length, 'curve')}. ${lines.join(' ')}${more}`;
}
