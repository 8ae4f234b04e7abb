import { describe, expect, it } from 'vitest';
import {
  countText,
  formatCount,
  formatDuration,
  formatExact,
  formatMoment,
  formatRelative,
  formatShort,
  plural,
  toNumber,
  zoneOf,
} from '../src/lib/format';

describe('formatExact', () => {
  it('prints the shortest text that reads back as the same double', () => {
    for (const value of [0.1, 0.1 + 0.2, 1 / 3, 5e-324, 1.7976931348623157e308, -2.5, 123456789.123456789])
      expect(Number(formatExact(value))).toBe(value);
    expect(formatExact(0.1 + 0.2)).toBe('0.30000000000000004');
  });
  it('knows the values that JSON does not', () => {
    expect(formatExact('NaN')).toBe('NaN');
    expect(formatExact('Infinity')).toBe('∞');
    expect(formatExact('-Infinity')).toBe('−∞');
    expect(formatExact(-0)).toBe('-0');
  });
});

describe('formatShort', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [0.5, '0.5'],
    [1 / 3, '0.333333'],
    [0.30000000000000004, '0.3'],
    [123456.789, '123457'],
    [1234567.89, '1.23457e6'],
    [12345678, '12345678'],
    [0.00001234567, '1.23457e-5'],
    [0.00012345678, '0.000123457'],
    [-99.99999999, '-100'],
    [2e12, '2e12'],
    [1e-300, '1e-300'],
  ])('%d is %s', (value, text) => expect(formatShort(value)).toBe(text));
  it('passes on what is not finite', () => {
    expect(formatShort('NaN')).toBe('NaN');
    expect(formatShort('Infinity')).toBe('∞');
  });
});

describe('toNumber', () => {
  it('reads wire values', () => {
    expect(toNumber('Infinity')).toBe(Infinity);
    expect(toNumber('-Infinity')).toBe(-Infinity);
    expect(toNumber('NaN')).toBeNaN();
    expect(toNumber(undefined)).toBeNaN();
    expect(toNumber('')).toBeNaN();
    expect(toNumber('0.25')).toBe(0.25);
  });
});

describe('times', () => {
  const now = Date.UTC(2026, 2, 1, 12);
  it.each([
    [0, 'just now'],
    [44_000, 'just now'],
    [60_000, '1 min ago'],
    [59 * 60_000, '59 min ago'],
    [3_600_000, '1 h ago'],
    [25 * 3_600_000, '1 d ago'],
    [8 * 86_400_000, '1 w ago'],
    [45 * 86_400_000, '1 mo ago'],
    [800 * 86_400_000, '2 y ago'],
    [-3_600_000, 'in 1 h'],
  ])('%d ms before now is %s', (ago, text) => expect(formatRelative(now - ago, now)).toBe(text));
  it.each([
    [12, '12 ms'],
    [4210, '4.21 s'],
    [42_900, '42 s'],
    [200_000, '3 min 20 s'],
    [3_720_000, '1 h 02 min'],
    [90_000_000, '1 d 01 h'],
    [-1, '–'],
    [NaN, '–'],
  ])('%d ms long is %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
  it('shows moments with milliseconds only when there are any', () => {
    const zone = zoneOf(new Date(2026, 0, 2));
    expect(formatMoment(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe(`2026-01-02 03:04:05 ${zone}`);
    expect(formatMoment(new Date(2026, 0, 2, 3, 4, 5, 7).getTime())).toBe(`2026-01-02 03:04:05.007 ${zone}`);
    expect(formatMoment(NaN)).toBe('');
  });

  it.each([
    [0, 'UTC'],
    [-330, 'UTC+05:30'],
    [180, 'UTC−03:00'],
  ])('names the zone of %i minutes', (offset, name) => {
    const date = new Date(0);
    date.getTimezoneOffset = () => offset;
    expect(zoneOf(date)).toBe(name);
  });
});

describe('counts', () => {
  it('groups digits and bends words', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
    expect(plural(1, 'run')).toBe('1 run');
    expect(plural(2000, 'run')).toBe('2,000 runs');
    expect(plural(2, 'is', 'are')).toBe('2 are');
  });
});

describe('countText', () => {
  it('names the whole only where something is left out', () => {
    expect(countText(3990, 1_000_000)).toBe('3,990 of 1,000,000 points');
    expect(countText(2000, 2000)).toBe('2,000 points');
    expect(countText(1, 1)).toBe('1 point');
  });
});
