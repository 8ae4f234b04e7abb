// For how long a new token is good.

export type Expiry = '7' | '30' | '90' | '365' | 'date' | 'never';

export const expiryOptions: readonly { value: Expiry; label: string }[] = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
  { value: 'date', label: 'Until a day…' },
  { value: 'never', label: 'For ever' },
];

const dayS = 86_400;

/**
 * Seconds from now; undefined for ever. A day counts to its end, where the person is.
 * NaN when the day is missing, wrong or over.
 */
export function expirySeconds(expiry: Expiry, date: string, nowMs: number): number | undefined {
  if (expiry === 'never') return undefined;
  if (expiry !== 'date') return Number(expiry) * dayS;
  const [year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(date)?.slice(1).map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return NaN;
  const end = new Date(year, month - 1, day + 1).getTime();
  const seconds = Math.floor((end - nowMs) / 1000);
  return seconds > 0 ? seconds : NaN;
}

/** "2026-03-01" in the person's time zone, as an <input type="date"> has it. */
export function isoDay(ms: number): string {
  const date = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Beginning of a day in the person's time zone, or of the next one; undefined when it is no day. */
export function dayStartMs(day: string, next = 0): number | undefined {
  const [year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day)?.slice(1).map(Number) ?? [];
  if (year === undefined || month === undefined || date === undefined) return undefined;
  const ms = new Date(year, month - 1, date + next).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}
