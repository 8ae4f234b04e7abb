// Grants, everybody who can see an object, and why somebody has the rights they have.
import { keepPreviousData, useInfiniteQuery, useQuery, type InfiniteData } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { AccessObject } from '../lib/access-object';
import type { Action, Level } from '../lib/rights';
import type { Explained } from './access';
import { changeTally, getTally } from './http';

/** Whoever a grant is for. */
export type Subject = { username: string } | { group: string };

export type Grant = Subject & {
  /** experiment:12 */
  object: string;
  title?: string;
  permission: Level;
  actions?: Action[];
};

export interface Seer {
  username: string;
  permission: Level;
  rule: string;
}

interface GrantPage {
  grants?: Grant[];
  next_page_token?: string;
}

interface WhoPage {
  users?: Seer[];
  /** What everybody else has. */
  default?: Level;
  administrators?: string[];
  next_page_token?: string;
}

export function subjectName(subject: Subject): string {
  return 'username' in subject ? subject.username : subject.group;
}

export function setGrant(
  object: AccessObject,
  subject: Subject,
  rights: { permission: Level; actions: Action[] },
) {
  return changeTally<{ grant: Grant }>('PUT', 'grants', { ...object, ...subject, ...rights });
}

export function removeGrant(object: AccessObject, subject: Subject) {
  return changeTally('DELETE', 'grants', { ...object, ...subject });
}

/** Grants about an object, or those of a user or a group. */
export function useGrants(of: AccessObject | Subject, enabled = true) {
  return useQuery({
    queryKey: ['grants', of],
    enabled,
    queryFn: async ({ signal }) => {
      const all: Grant[] = [];
      let token: string | undefined;
      do {
        const page = await getTally<GrantPage>('grants', { ...of, page_token: token }, signal);
        all.push(...(page.grants ?? []));
        token = page.next_page_token || undefined;
      } while (token !== undefined);
      return all;
    },
  });
}

/** All who can see an object, page by page. */
export function useWho(object: string, enabled: boolean) {
  const list = useInfiniteQuery<
    WhoPage,
    Error,
    InfiniteData<WhoPage>,
    readonly unknown[],
    string | undefined
  >({
    queryKey: ['who', object],
    enabled,
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) =>
      getTally<WhoPage>('access/who', { object, max_results: 50, page_token: pageParam }, signal),
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
  const { data } = list;
  return {
    ...list,
    users: useMemo(() => data?.pages.flatMap((page) => page.users ?? []), [data]),
    fallback: data?.pages[0]?.default,
    administrators: data?.pages[0]?.administrators ?? [],
  };
}

export function useExplained(user: string, object: string) {
  return useQuery({
    queryKey: ['explain', user, object],
    queryFn: ({ signal }) => getTally<Explained>('access/explain', { user, object }, signal),
  });
}
