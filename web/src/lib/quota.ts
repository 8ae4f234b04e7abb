// Amounts of bytes as a person types them.

const units: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  // A letter alone is the binary unit, as in the settings of most systems.
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** "5 GiB", "500MB", "1000": bytes; NaN for anything else. */
export function parseBytes(text: string): number {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  if (number === undefined || factor === undefined) return NaN;
  const bytes = Math.round(Number(number) * factor);
  return Number.isSafeInteger(bytes) ? bytes : NaN;
}

/** A field for a quota: empty means the server's own (null), NaN that it cannot be read. */
export function readQuota(text: string, parse: (text: string) => number): number | null {
  return text.trim() === '' ? null : parse(text);
}

export function parseWhole(text: string): number {
  return /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
}
