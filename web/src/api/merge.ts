// Brings a list of loaded runs up to date from a new look at its beginning.
import type { RunPage } from './search';
import type { Run } from './types';

/** All runs of all pages in the order of the server; one that moved between two requests is the one of the first page. */
export function uniqueRuns(pages: readonly RunPage[]): Run[] {
  const byId = new Map<string, Run>();
  for (const page of pages)
    for (const run of page.runs ?? []) if (!byId.has(run.info.run_id)) byId.set(run.info.run_id, run);
  return [...byId.values()];
}

export interface Merged {
  pages: RunPage[];
  added: number;
  /** True when only loading all pages again tells where everything stands now. */
  moved: boolean;
}

/**
 * Puts the head (the first runs of the list as they are now, with the count of all) before what is loaded, and renews
 * single runs that were asked for by their ids. With one page loaded the head is that page. Otherwise what the head
 * pushes down follows it, and what should be in the head and is not has gone or moved.
 */
export function mergeHead(
  pages: readonly RunPage[],
  head: RunPage,
  asked: readonly string[],
  single: readonly Run[],
): Merged {
  const before = uniqueRuns(pages);
  const known = new Set(before.map((run) => run.info.run_id));
  const heads = head.runs ?? [];
  const added = heads.filter((run) => !known.has(run.info.run_id)).length;
  if (pages.length <= 1 || !head.next_page_token) return { pages: [head], added, moved: false };

  const inHead = new Set(heads.map((run) => run.info.run_id));
  const fresh = new Map(single.map((run) => [run.info.run_id, run]));
  const lost = new Set(asked.filter((id) => !fresh.has(id)));
  // Everything that stood before a run of the head should be in the head itself.
  const lastKept = before.findLastIndex((run) => inHead.has(run.info.run_id));
  before.slice(0, lastKept).forEach((run) => {
    if (!inHead.has(run.info.run_id)) lost.add(run.info.run_id);
  });
  const rest = pages.map((page) => ({
    ...page,
    runs: (page.runs ?? []).flatMap((run) => {
      const id = run.info.run_id;
      return inHead.has(id) || lost.has(id) ? [] : [fresh.get(id) ?? run];
    }),
  }));
  const [first, ...others] = rest as [RunPage & { runs: Run[] }, ...RunPage[]];
  const counted = pages[0]?.total_count;
  const now = head.total_count;
  const gone = [...lost].filter((id) => known.has(id)).length;
  const uncounted = counted !== undefined && now !== undefined && now !== counted + added - gone;
  return {
    pages: [
      { ...first, runs: [...heads, ...first.runs], ...(now === undefined ? {} : { total_count: now }) },
      ...others,
    ],
    added,
    moved: lastKept < 0 || lost.size > 0 || uncounted,
  };
}
