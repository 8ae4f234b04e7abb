// Turns stored numbers, times and durations into text: exact where it is copied, short where it is scanned.

/** A metric value as the protocol carries it: JSON has no NaN and no infinities, so those are strings. */
export type WireNumber = number | string;

/** The number behind a wire value; text that is no number becomes NaN. */
export function toNumber(value: WireNumber | undefined): number {
  if (value === undefined || value === '') return NaN;
  if (typeof value === 'number') return value;
  if (value === 'Infinity') return Infinity;
  if (value === '-Infinity') return -Infinity;
  return Number(value);
}

/** Shortest text that reads back as the same double. */
export function formatExact(value: WireNumber): string {
  const number = toNumber(value);
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? '∞' : '−∞';
  return Object.is(number, -0) ? '-0' : String(number);
}

/** At most six significant digits, without trailing zeros; very large and very small in powers of ten. */
export function formatShort(value: WireNumber): string {
  const number = toNumber(value);
  if (!Number.isFinite(number)) return formatExact(value);
  if (number === 0) return '0';
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e9) return String(number);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa = '', exponent = '0'] = number.toExponential(5).split('e');
    return `${trimZeros(mantissa)}e${String(Number(exponent))}`;
  }
  return trimZeros(number.toPrecision(6));
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

const units: [number, string][] = [
  [365 * 86400, 'y'],
  [30 * 86400, 'mo'],
  [7 * 86400, 'w'],
  [86400, 'd'],
  [3600, 'h'],
  [60, 'min'],
];

/** "3 h ago": the distance of a moment from now, both in milliseconds since 1970. */
export function formatRelative(thenMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - thenMs) / 1000);
  const size = Math.abs(seconds);
  if (size < 45) return seconds < -5 ? 'in a moment' : 'just now';
  for (const [length, unit] of units) {
    if (size >= length || unit === 'min') {
      const count = Math.max(1, Math.floor(size / length));
      return seconds < 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
    }
  }
  return '';
}

/** "2026-03-01 14:05:09.120 UTC+01:00": in the reader's time zone, which is said, for exact display on hover. */
export function formatMoment(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '';
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const rest = date.getMilliseconds();
  return `${day} ${time}${rest ? `.${String(rest).padStart(3, '0')}` : ''} ${zoneOf(date)}`;
}

/** "UTC", "UTC+05:30", "UTC−03:00": how far the reader's clock was from UTC at a moment. */
export function zoneOf(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const two = (n: number) => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** "1 h 02 min", "3 min 20 s", "4.21 s", "312 ms". */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${trimZeros(seconds.toFixed(2))} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
}

const grouped = new Intl.NumberFormat('en-US');

/** "12,345". */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** "1 run", "2 runs". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "3,990 of 1,000,000 points"; "12 points" when those are all. */
export function countText(shown: number, all: number): string {
  return shown < all ? `${formatCount(shown)} of ${plural(all, 'point')}` : plural(all, 'point');
}

const byteUnits = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** "812 B", "1.4 MiB": at most three significant digits, by powers of 1,024. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  let size = bytes / 1024;
  let unit = 0;
  // 999.5 would be shown with four digits.
  while (size >= 999.5 && unit < byteUnits.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${size < 99.95 ? trimZeros(size.toFixed(size < 9.995 ? 2 : 1)) : size.toFixed(0)} ${byteUnits[unit] ?? ''}`;
}
