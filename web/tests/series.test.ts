import { describe, expect, it } from 'vitest';
import { align, axisText, curveOf, nearest, pointsOf, rangeOf, valueRange } from '../src/lib/series';
import { smooth } from '../src/lib/smooth';

describe('curveOf', () => {
  const series = { x: Float64Array.of(0, 500, 2500), y: Float64Array.of(NaN, Infinity, 5) };
  it('keeps steps and values', () =>
    expect(curveOf(series, 'step')).toEqual({ x: [0, 500, 2500], y: [NaN, Infinity, 5] }));
  it('turns the milliseconds of the server into seconds', () => {
    expect(curveOf(series, 'relative').x).toEqual([0, 0.5, 2.5]);
    expect(curveOf({ x: Float64Array.of(1_700_000_000_500), y: Float64Array.of(1) }, 'time').x).toEqual([
      1_700_000_000.5,
    ]);
  });
});

describe('rangeOf', () => {
  it('holds all that is in sight, in units of the server', () => {
    expect(rangeOf([1.5, 9.2], 'step')).toEqual([1, 10]);
    expect(rangeOf([-0.0015, 2.0001], 'relative')).toEqual([-2, 2001]);
  });
  it('stays within int64 as it is written into JSON', () => {
    for (const bound of rangeOf([-1e30, 1e30], 'step')) {
      const written = BigInt(JSON.stringify(bound));
      expect(written).toBe(BigInt.asIntN(64, written));
    }
  });
});

describe('axisText', () => {
  it('names a place in the unit of its axis', () => {
    expect(axisText(1_000_000, 'step')).toBe('step 1000000');
    expect(axisText(-2.5, 'relative')).toBe('−2.5 s');
    expect(axisText(0.25, 'time')).toMatch(/^19(69|70)-.*\.250 UTC/);
  });
});

describe('pointsOf', () => {
  it('adds up what is drawn and what is stored', () => {
    const curve = { x: [1, 2], y: [1, 2] };
    expect(pointsOf([])).toEqual({ drawn: 0, stored: 0 });
    expect(
      pointsOf([
        { curve, points: 2 },
        { curve, points: 1000 },
      ]),
    ).toEqual({ drawn: 4, stored: 1002 });
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
