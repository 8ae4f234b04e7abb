// What a chart holds of its curves, and how an answer that tells only what is new goes into it.
import type { Axis, ChartAnswer, ChartSeries } from '../api/chart';

export interface HeldSeries {
  /** Points that are stored; x and y hold those that draw the same line. */
  points: number;
  x: Float64Array;
  y: Float64Array;
}

export interface HeldChart {
  axis: Axis;
  /** By the id of the run. The same map stays while no curve changes. */
  series: ReadonlyMap<string, HeldSeries>;
  /** What the next question goes on from; undefined: it must ask for everything. */
  cursor: string | undefined;
  damaged: number;
}

/** An answer to a question without a cursor. */
export function holdChart(axis: Axis, answer: ChartAnswer): HeldChart {
  return mergeChart({ axis, series: new Map(), cursor: undefined, damaged: 0 }, answer);
}

/** An answer to the question with the cursor of what is held: series that it leaves out have not changed. */
export function mergeChart(held: HeldChart, answer: ChartAnswer): HeldChart {
  let { series } = held;
  if (answer.series.length > 0) {
    const merged = new Map(series);
    for (const one of answer.series) merged.set(one.runId, mergeSeries(merged.get(one.runId), one));
    series = merged;
  }
  // Where x is rounded, nobody can say which points lie before the part that is new.
  const rounded = answer.series.some((one) => one.rounded);
  const cursor = rounded ? undefined : answer.cursor || undefined;
  // What is new says nothing of damage in what is old.
  return { axis: held.axis, series, cursor, damaged: Math.max(held.damaged, answer.damaged) };
}

function mergeSeries(held: HeldSeries | undefined, next: ChartSeries): HeldSeries {
  const { points, x, y, appendFrom } = next;
  if (appendFrom === undefined || !held) return { points, x, y };
  const kept = firstFrom(held.x, appendFrom);
  return { points, x: join(held.x, kept, x), y: join(held.y, kept, y) };
}

/** Index of the first item of an ascending array that is not below the value; its length when there is none. */
function firstFrom(list: Float64Array, value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function join(before: Float64Array, kept: number, after: Float64Array): Float64Array {
  const all = new Float64Array(kept + after.length);
  all.set(before.subarray(0, kept));
  all.set(after, kept);
  return all;
}

/** Whether points were left out. */
export function isReduced(series: HeldSeries | undefined): boolean {
  return series !== undefined && series.x.length < series.points;
}

/** What to draw of a part: the curves that are there with all their points, and the others in the detail of the part. */
export function spliceSeries(
  whole: HeldChart['series'],
  part: HeldChart['series'] | undefined,
): HeldChart['series'] {
  if (!part) return whole;
  const shown = new Map(whole);
  for (const [id, one] of whole) {
    if (!isReduced(one)) continue;
    const detail = part.get(id);
    if (detail) shown.set(id, detail);
    else shown.delete(id);
  }
  return shown;
}
