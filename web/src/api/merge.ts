// Brings a list of loaded runs up to date from a look at the newest ones.
import type { Run } from './types';

export interface Page {
  runs?: Run[];
  next_page_token?: string;
}

// As many as usually change between two looks; the answer stays small.
export const headPageSize = 100;

/** All runs of all pages, each once; where a run moved between two requests its later page is the newer word. */
export function uniqueRuns(pages: readonly Page[]): Run[] {
  const byId = new Map<string, Run>();
  for (const page of pages) for (const run of page.runs ?? []) byId.set(run.info.run_id, run);
  return [...byId.values()];
}

/**
 * Puts the head (the newest runs by start time, as the server has them now) and single runs into the pages.
 * Runs that should be in the head but are not are gone: deleted, restored or moved out of this view.
 */
export function mergeHead(
  pages: readonly Page[],
  head: Page,
  single: readonly Run[],
): { pages: Page[]; added: number; removed: number } {
  const fresh = new Map<string, Run>();
  for (const run of single) fresh.set(run.info.run_id, run);
  const heads = head.runs ?? [];
  for (const run of heads) fresh.set(run.info.run_id, run);
  const inHead = new Set(heads.map((run) => run.info.run_id));
  const whole = !head.next_page_token;
  const oldest = heads.reduce((least, run) => Math.min(least, run.info.start_time ?? 0), Infinity);
  const known = new Set<string>();
  let removed = 0;
  const merged = pages.map((page) => {
    const runs = (page.runs ?? []).flatMap((run) => {
      const id = run.info.run_id;
      known.add(id);
      if (!inHead.has(id) && (whole || (run.info.start_time ?? 0) > oldest)) {
        removed++;
        return [];
      }
      return [fresh.get(id) ?? run];
    });
    return { ...page, runs };
  });
  const newcomers = heads.filter((run) => !known.has(run.info.run_id));
  const [first, ...rest] = merged;
  if (first && newcomers.length)
    merged.splice(0, merged.length, { ...first, runs: [...newcomers, ...first.runs] }, ...rest);
  return { pages: merged, added: newcomers.length, removed };
}
