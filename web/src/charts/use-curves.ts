// The curves of a chart: all of them over all they have, and the part in sight once more in detail.
import { useMemo } from 'react';
import type { Axis } from '../api/chart';
import { useChart } from '../api/queries';
import type { Run } from '../api/types';
import { isReduced, spliceSeries, type HeldChart } from '../lib/chart-data';
import { isLive, metricOf, runName } from '../lib/run';
import { curveOf } from '../lib/series';
import type { PlotCurve } from './plot';

// Columns are asked for in steps of this many, so that a window that is being resized does not ask at each pixel.
export const widthStep = 100;
// Columns of all curves of one chart together. Each may bring four points, and merging some 50,000 points takes about
// as long (0.1 s) as a person waits without noticing.
const columnBudget = 12_000;
// The most that the server gives.
const mostColumns = 10_000;

/** Columns to ask for: one for each pixel, and fewer where many curves lie over each other. */
function columnsFor(pixels: number, runs: number): number {
  const inSteps = (columns: number, round: (n: number) => number) => round(columns / widthStep) * widthStep;
  const wanted = inSteps(pixels, Math.ceil);
  const affordable = inSteps(columnBudget / Math.max(1, runs), Math.floor);
  return Math.max(widthStep, Math.min(wanted, affordable, mostColumns));
}

export function useCurves(options: {
  metric: string;
  /** Those that have the metric. */
  runs: readonly Run[];
  axis: Axis;
  pixels: number;
  range: readonly [number, number] | undefined;
  enabled: boolean;
  colours: ReadonlyMap<string, number>;
}) {
  const { metric, runs, pixels, range, enabled, colours } = options;
  const runIds = useMemo(() => runs.map((run) => run.info.run_id), [runs]);
  const version = runs
    .map((run) => {
      const last = metricOf(run, metric);
      return `${run.info.status[0]}${String(last?.step)}@${String(last?.timestamp)}=${String(last?.value)}`;
    })
    .join(';');
  const asked = {
    metric,
    axis: options.axis,
    width: columnsFor(pixels, runs.length),
    version,
    live: runs.some(isLive),
  };
  const whole = useChart({ ...asked, runIds, range: undefined, enabled });
  // Curves that are there with all their points need no detail, and go on beyond the edges of what is in sight.
  const held = whole.data;
  const reduced = useMemo(() => runIds.filter((id) => isReduced(held?.series.get(id))), [runIds, held]);
  const part = useChart({ ...asked, runIds: reduced, range, enabled: enabled && range !== undefined });
  const detail = range && !whole.isPlaceholderData && !part.isPlaceholderData ? part.data : undefined;

  // While another axis is on its way, the curves of the old one stay, over their own axis.
  const axis = held?.axis ?? options.axis;
  const series = held?.series;
  const detailed = detail?.series;
  const curves = useMemo(
    () => (series ? makeCurves(runs, spliceSeries(series, detailed), axis, colours) : []),
    [runs, series, detailed, axis, colours],
  );
  return {
    curves,
    axis,
    damaged: Math.max(held?.damaged ?? 0, detail?.damaged ?? 0) > 0,
    loaded: held !== undefined,
    old: whole.isPlaceholderData,
    error: held ? null : whole.error,
    again: () => void whole.refetch(),
  };
}

function makeCurves(
  runs: readonly Run[],
  series: HeldChart['series'],
  axis: Axis,
  colours: ReadonlyMap<string, number>,
): PlotCurve[] {
  return runs.flatMap((run) => {
    const id = run.info.run_id;
    const one = series.get(id);
    if (!one || one.x.length === 0) return [];
    const { points } = one;
    return [{ id, name: runName(run), colour: colours.get(id) ?? 0, points, curve: curveOf(one, axis) }];
  });
}
