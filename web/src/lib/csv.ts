// Points as lines of a CSV file.
import type { Metric } from '../api/types';
import { toNumber } from './format';

export const csvHead = 'run_id,run_name,metric,step,timestamp_ms,value\n';

function quote(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line for each point, each with its end. Steps beyond 2^53 are exact, as text. */
export function csvLines(runId: string, runName: string, metric: string, points: readonly Metric[]): string {
  const before = [runId, runName, metric].map(quote).join(',');
  return points
    .map(
      (p) =>
        `${before},${String(p.step ?? 0)},${String(p.timestamp ?? 0)},${String(toNumber(p.value ?? 0))}\n`,
    )
    .join('');
}
