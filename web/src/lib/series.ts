// Shapes the curves of charts: the units of their axes, and merging several curves onto shared x values.
import type { Axis } from '../api/chart';
import type { HeldSeries } from './chart-data';
import { formatDuration, formatExact, formatMoment } from './format';

/** x is a step, or seconds: charts draw time in seconds, the server counts milliseconds. */
export interface Curve {
  x: number[];
  y: number[];
}

// Units of the server in one unit of the drawn x.
const unitsOf: Record<Axis, number> = { step: 1, relative: 1000, time: 1000 };

export function curveOf(series: Pick<HeldSeries, 'x' | 'y'>, axis: Axis): Curve {
  const units = unitsOf[axis];
  return { x: Array.from(series.x, (x) => x / units), y: Array.from(series.y) };
}

/** Points that are drawn, and points that are stored, of all curves together. */
export function pointsOf(curves: readonly { curve: Curve; points: number }[]): {
  drawn: number;
  stored: number;
} {
  let drawn = 0;
  let stored = 0;
  for (const { curve, points } of curves) {
    drawn += curve.x.length;
    stored += points;
  }
  return { drawn, stored };
}

// The largest double below 2^63 in size: a range is two int64.
const mostX = 9223372036854774784;

/** The range to ask the server for when this part of the axis is looked at. */
export function rangeOf(zoom: readonly [number, number], axis: Axis): [number, number] {
  const inside = (x: number) => Math.max(-mostX, Math.min(mostX, x));
  return [inside(Math.floor(zoom[0] * unitsOf[axis])), inside(Math.ceil(zoom[1] * unitsOf[axis]))];
}

/** A place on the axis in words. */
export function axisText(x: number, axis: Axis): string {
  if (axis === 'time') return formatMoment(x * 1000);
  if (axis === 'relative') return x < 0 ? `−${formatDuration(-x * 1000)}` : formatDuration(x * 1000);
  return `step ${formatExact(x)}`;
}

export type AlignedColumn = (number | null | undefined)[];

/**
 * Merges curves onto one ascending list of x values. A curve without a point there gets undefined (the line
 * goes on), a point that cannot be drawn (NaN, infinite) gets null (the line breaks). A curve that has several
 * points at one x keeps all of them: the x value is then repeated.
 */
export function align(curves: readonly Curve[]): { x: number[]; columns: AlignedColumn[] } {
  const most = new Map<number, number>();
  for (const curve of curves) {
    let run = 0;
    for (let i = 0; i < curve.x.length; i++) {
      const x = curve.x[i] as number;
      run = i > 0 && curve.x[i - 1] === x ? run + 1 : 1;
      if (run > (most.get(x) ?? 0)) most.set(x, run);
    }
  }
  const x: number[] = [];
  const first = new Map<number, number>();
  for (const value of [...most.keys()].sort((a, b) => a - b)) {
    first.set(value, x.length);
    for (let i = 0; i < (most.get(value) as number); i++) x.push(value);
  }
  const columns = curves.map((curve) => {
    const column: AlignedColumn = new Array<undefined>(x.length).fill(undefined);
    let run = 0;
    for (let i = 0; i < curve.x.length; i++) {
      const at = curve.x[i] as number;
      run = i > 0 && curve.x[i - 1] === at ? run + 1 : 0;
      const y = curve.y[i] as number;
      column[(first.get(at) as number) + run] = Number.isFinite(y) ? y : null;
    }
    return column;
  });
  return { x, columns };
}

/** Index of the entry of an ascending list that is nearest to a value; -1 for an empty list. */
export function nearest(list: readonly number[], value: number): number {
  if (list.length === 0) return -1;
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  const before = low - 1;
  if (before < 0) return low;
  return value - (list[before] as number) <= (list[low] as number) - value ? before : low;
}

/** The smallest and the largest value that can be drawn. */
export function valueRange(values: Iterable<number>): [number, number] | undefined {
  let least = Infinity;
  let most = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return least <= most ? [least, most] : undefined;
}
