// Shapes metric points for charts: picks the x axis and merges several curves onto shared x values.
import { toNumber, type WireNumber } from './format';

export type Axis = 'step' | 'relative' | 'time';

export interface Point {
  step: number;
  timestamp: number;
  value: WireNumber;
}

export interface Curve {
  x: number[];
  y: number[];
  points: Point[];
}

/** The x of a point: its step, seconds since the curve's first point, or seconds since 1970. */
export function curveOf(points: readonly Point[], axis: Axis, originMs?: number): Curve {
  const origin = originMs ?? points.reduce((least, p) => Math.min(least, p.timestamp), Infinity);
  const xOf = (p: Point) =>
    axis === 'step' ? p.step : axis === 'time' ? p.timestamp / 1000 : (p.timestamp - origin) / 1000;
  const sorted = [...points].sort(
    (a, b) => xOf(a) - xOf(b) || a.step - b.step || a.timestamp - b.timestamp || order(a, b),
  );
  return { x: sorted.map(xOf), y: sorted.map((p) => toNumber(p.value)), points: sorted };
}

function order(a: Point, b: Point): number {
  const difference = toNumber(a.value) - toNumber(b.value);
  return Number.isNaN(difference) ? 0 : difference;
}

export type AlignedColumn = (number | null | undefined)[];

/**
 * Merges curves onto one ascending list of x values. A curve without a point there gets undefined (the line
 * goes on), a point that cannot be drawn (NaN, infinite) gets null (the line breaks). A curve that has several
 * points at one x keeps all of them: the x value is then repeated.
 */
export function align(curves: readonly Pick<Curve, 'x' | 'y'>[]): { x: number[]; columns: AlignedColumn[] } {
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

/** The range of steps seen between two x values, over all curves; undefined when no point lies between. */
export function stepRange(curves: readonly Curve[], from: number, to: number): [number, number] | undefined {
  let least = Infinity;
  let most = -Infinity;
  for (const curve of curves) {
    curve.x.forEach((x, i) => {
      if (x < from || x > to) return;
      const step = (curve.points[i] as Point).step;
      least = Math.min(least, step);
      most = Math.max(most, step);
    });
  }
  return least <= most ? [least, most] : undefined;
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
