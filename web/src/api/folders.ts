// The folders of artifacts that a page shows: read when they are opened, longer lists as they are scrolled.
import { useQueries, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { Source } from '../lib/artifact';
import type { FolderState } from '../lib/artifact-tree';
import { readFolder, statFile, type Folder } from './artifacts';

// A run that is running may log files at any time, but seldom as often as metrics.
const liveFolderMs = 10_000;
// Nothing is expected; this is only to notice what others put there.
const idleFolderMs = 60_000;

const keyOf = (source: Source, path: string) => ['artifacts', source.kind, source.id, path];

export interface Folders {
  states: ReadonlyMap<string, FolderState>;
  rootUri: string | undefined;
  /** Reads on in a folder that is not complete. */
  more: (path: string) => Promise<void>;
  retry: (path: string) => void;
  /** Forgets everything that was read. */
  refresh: () => void;
}

export function useFolders(source: Source, paths: readonly string[], live: boolean): Folders {
  const queries = useQueryClient();
  const combine = useCallback(
    (results: UseQueryResult<Folder>[]) =>
      results.map(({ data, error, isFetching, isPending }) => ({ data, error, isFetching, isPending })),
    [],
  );
  const results = useQueries({
    queries: paths.map((path) => ({
      queryKey: keyOf(source, path),
      queryFn: ({ signal }: { signal: AbortSignal }) => {
        // As much as was read before, so that a list does not shrink under who reads it.
        const held = queries.getQueryData<Folder>(keyOf(source, path))?.files.length ?? 0;
        return readFolder(source, path, held, undefined, signal);
      },
      refetchInterval: live ? liveFolderMs : idleFolderMs,
    })),
    combine,
  });
  const states = useMemo(() => {
    const map = new Map<string, FolderState>();
    results.forEach(({ data, error, isFetching }, i) =>
      map.set(paths[i] ?? '', {
        ...(data ? { files: data.files, more: data.token !== undefined } : {}),
        ...(error && !isFetching ? { error } : {}),
        loading: isFetching,
      }),
    );
    return map;
  }, [results, paths]);
  const more = useCallback(
    async (path: string) => {
      const key = keyOf(source, path);
      const before = queries.getQueryData<Folder>(key);
      if (before?.token === undefined) return;
      const after = await readFolder(source, path, before.files.length + 1, before);
      // Another answer came between: it knows better what the list begins with.
      if (queries.getQueryData<Folder>(key) === before) queries.setQueryData<Folder>(key, after);
    },
    [queries, source],
  );
  const retry = useCallback(
    (path: string) => void queries.refetchQueries({ queryKey: keyOf(source, path), exact: true }),
    [queries, source],
  );
  const refresh = useCallback(
    () => void queries.invalidateQueries({ queryKey: ['artifacts', source.kind, source.id] }),
    [queries, source],
  );
  const rootUri = results[0]?.data?.rootUri;
  return useMemo(() => ({ states, rootUri, more, retry, refresh }), [states, rootUri, more, retry, refresh]);
}

/** One file by itself, for a link to one that is not among the entries that were read. */
export function useFileStat(source: Source, path: string, enabled: boolean) {
  return useQuery({
    queryKey: ['artifacts', source.kind, source.id, 'stat', path],
    queryFn: ({ signal }) => statFile(source, path, signal),
    enabled,
  });
}
