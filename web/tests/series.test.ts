import { describe, expect, it } from 'vitest';
import { align, curveOf, nearest, stepRange, valueRange, type Point } from '../src/lib/series';
import { smooth } from '../src/lib/smooth';

const point = (step: number, value: number | string, timestamp = step * 1000): Point => ({
  step,
  value,
  timestamp,
});

describe('curveOf', () => {
  const points = [point(2, 5), point(0, 'NaN'), point(1, 'Infinity')];
  it('orders by step and reads wire values', () => {
    const curve = curveOf(points, 'step');
    expect(curve.x).toEqual([0, 1, 2]);
    expect(curve.y).toEqual([NaN, Infinity, 5]);
    expect(curve.points.map((p) => p.step)).toEqual([0, 1, 2]);
  });
  it('counts relative time in seconds from the first point or from a given origin', () => {
    expect(curveOf([point(1, 1, 5000), point(2, 1, 7500)], 'relative').x).toEqual([0, 2.5]);
    expect(curveOf([point(1, 1, 5000)], 'relative', 4000).x).toEqual([1]);
  });
  it('keeps wall-clock time in seconds', () => {
    expect(curveOf([point(0, 1, 1_700_000_000_500)], 'time').x).toEqual([1_700_000_000.5]);
  });
});

describe('align', () => {
  it('leaves gaps in the axis undefined and values that cannot be drawn null', () => {
    const { x, columns } = align([
      { x: [0, 2], y: [1, 2] },
      { x: [1, 2], y: [NaN, 4] },
    ]);
    expect(x).toEqual([0, 1, 2]);
    expect(columns).toEqual([
      [1, undefined, 2],
      [undefined, null, 4],
    ]);
  });
  it('repeats an x where a curve has several points', () => {
    const { x, columns } = align([
      { x: [1, 1, 3], y: [10, 11, 12] },
      { x: [1, 3], y: [20, 21] },
    ]);
    expect(x).toEqual([1, 1, 3]);
    expect(columns).toEqual([
      [10, 11, 12],
      [20, undefined, 21],
    ]);
  });
  it('never loses a point, whatever the curves are', () => {
    let seed = 7;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    for (let round = 0; round < 200; round++) {
      const curves = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
        const x = Array.from({ length: Math.floor(random() * 12) }, () => Math.floor(random() * 6) - 2).sort(
          (a, b) => a - b,
        );
        return { x, y: x.map(() => random()) };
      });
      const { x, columns } = align(curves);
      expect([...x].sort((a, b) => a - b)).toEqual(x);
      curves.forEach((curve, i) => {
        const seen = columns[i]!.flatMap((y, at) => (y === undefined ? [] : [[x[at], y]]));
        expect(seen).toEqual(curve.x.map((at, k) => [at, curve.y[k]]));
      });
    }
  });
});

describe('nearest', () => {
  it('finds the closest entry', () => {
    expect(nearest([], 1)).toBe(-1);
    expect(nearest([5], 100)).toBe(0);
    expect(nearest([0, 10, 20], 4)).toBe(0);
    expect(nearest([0, 10, 20], 6)).toBe(1);
    expect(nearest([0, 10, 20], 99)).toBe(2);
  });
});

describe('ranges', () => {
  it('finds the steps in sight', () => {
    const curve = curveOf([point(0, 1, 0), point(10, 1, 5000), point(20, 1, 9000)], 'relative');
    expect(stepRange([curve], 4, 6)).toEqual([10, 10]);
    expect(stepRange([curve], 6, 7)).toBeUndefined();
  });
  it('ignores what cannot be drawn', () => {
    expect(valueRange([NaN, 3, -Infinity, 1])).toEqual([1, 3]);
    expect(valueRange([NaN])).toBeUndefined();
  });
});

describe('smooth', () => {
  it('does nothing with weight 0', () => expect(smooth([1, 5, 2], 0)).toEqual([1, 5, 2]));
  it('has no start-up bias: the first value stays, a constant stays', () => {
    expect(smooth([4, 0], 0.9)[0]).toBeCloseTo(4, 12);
    for (const value of smooth([3, 3, 3, 3], 0.97)) expect(value).toBeCloseTo(3, 12);
  });
  it('averages exponentially', () => {
    const [, second] = smooth([0, 1], 0.5);
    expect(second).toBeCloseTo(0.5 / 0.75, 12);
  });
  it('steps over NaN', () => {
    const result = smooth([2, NaN, 2], 0.8);
    expect(result[1]).toBeNaN();
    expect(result[2]).toBeCloseTo(2, 12);
  });
});
