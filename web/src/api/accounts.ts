// Users, groups, tokens and the audit trail: what the server holds about accounts.
import {
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Action, Level } from '../lib/rights';
import { changeTally, getTally, type Query } from './http';

export interface Token {
  token_id: string;
  username: string;
  name: string;
  /** How it begins, to recognise it by. */
  hint: string;
  permission: Level;
  actions?: Action[];
  is_admin?: boolean;
  created_at_ms: number;
  expires_at_ms?: number;
  last_used_at_ms?: number;
}

export interface NewToken {
  name: string;
  permission: Level;
  actions: Action[];
  is_admin: boolean;
  expires_in_s?: number;
  /** Somebody else's. */
  username?: string;
}

export interface Account {
  username: string;
  is_admin: boolean;
  is_service: boolean;
  disabled: boolean;
  login: 'password' | 'oidc' | 'proxy' | 'none';
  groups?: string[];
  requests_per_s?: number;
  bytes_per_day?: number;
  created_at_ms: number;
  last_login_at_ms?: number;
}

export interface NewAccount {
  username: string;
  password?: string;
  is_admin: boolean;
  is_service: boolean;
}

/** Only what is named changes; a quota of null is the server's own again. */
export interface AccountChange {
  is_admin?: boolean;
  disabled?: boolean;
  requests_per_s?: number | null;
  bytes_per_day?: number | null;
  password?: string;
}

export interface Group {
  name: string;
  created_at_ms: number;
  members?: Member[];
  member_count?: number;
}

export interface Member {
  username: string;
  /** Who put them in: an administrator, or what the provider claimed at the last login. */
  source: 'admin' | 'claim';
}

export interface AuditEntry {
  audit_id: string;
  at_ms: number;
  actor?: string;
  method?: string;
  token_id?: string;
  address?: string;
  action: string;
  object?: string;
  refused?: boolean;
  detail?: Record<string, unknown>;
  times?: number;
}

const name = encodeURIComponent;

export const changePassword = (current: string, next: string) =>
  changeTally('POST', 'password', { current_password: current, password: next });

export const makeToken = (token: NewToken) =>
  changeTally<{ token: Token; secret: string }>('POST', 'tokens', token);
export const revokeToken = (id: string) => changeTally('DELETE', `tokens/${name(id)}`);

export const makeUser = (user: NewAccount) => changeTally('POST', 'users', user);
export const changeUser = (username: string, change: AccountChange) =>
  changeTally('PATCH', `users/${name(username)}`, change);
export const deleteUser = (username: string) => changeTally('DELETE', `users/${name(username)}`);

export const makeGroup = (group: string) => changeTally('POST', 'groups', { name: group });
export const deleteGroup = (group: string) => changeTally('DELETE', `groups/${name(group)}`);
export const addMember = (group: string, username: string) =>
  changeTally('PUT', `groups/${name(group)}/members/${name(username)}`);
export const removeMember = (group: string, username: string) =>
  changeTally('DELETE', `groups/${name(group)}/members/${name(username)}`);

/** Tokens of the caller, or of somebody else, which only administrators may ask for. */
export function useTokens(username: string | undefined) {
  return useQuery({
    queryKey: ['tokens', username ?? ''],
    queryFn: ({ signal }) =>
      getTally<{ tokens?: Token[] }>('tokens', { username }, signal).then(({ tokens }) => tokens ?? []),
  });
}

// A page of a list that administrators look through: a screen or two.
const pageSize = 50;

interface Page {
  next_page_token?: string;
}

/** A list that comes in pages, each asked for when it is wanted. */
function usePages<P extends Page, T>(
  key: readonly string[],
  path: string,
  query: Query,
  itemsOf: (page: P) => T[],
) {
  const list = useInfiniteQuery<P, Error, InfiniteData<P>, readonly unknown[], string | undefined>({
    queryKey: [...key, query],
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) =>
      getTally<P>(path, { ...query, max_results: pageSize, page_token: pageParam }, signal),
    getNextPageParam: (last) => last.next_page_token || undefined,
    placeholderData: keepPreviousData,
  });
  const { data } = list;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `itemsOf` picks a field: another function, the same answer
  const items = useMemo(() => data?.pages.flatMap(itemsOf), [data]);
  return { ...list, items };
}

const usersOf = (page: Page & { users?: Account[] }) => page.users ?? [];
const groupsOf = (page: Page & { groups?: Group[] }) => page.groups ?? [];
const entriesOf = (page: Page & { entries?: AuditEntry[] }) => page.entries ?? [];

export function useUsers(search: string) {
  return usePages(['users'], 'users', { search: search || undefined }, usersOf);
}

export function useGroups(search: string) {
  return usePages(['groups'], 'groups', { search: search || undefined }, groupsOf);
}

export interface AuditQuestion {
  actor?: string | undefined;
  action?: string | undefined;
  object?: string | undefined;
  refused?: 'true' | 'false' | undefined;
  from_ms?: number | undefined;
  to_ms?: number | undefined;
}

export function useAudit(question: AuditQuestion) {
  return usePages(['audit'], 'audit', { ...question }, entriesOf);
}

export function useAccount(username: string) {
  return useQuery({
    queryKey: ['user', username],
    queryFn: ({ signal }) =>
      getTally<{ user: Account }>(`users/${name(username)}`, {}, signal).then(({ user }) => user),
  });
}

export function useGroup(group: string) {
  return useQuery({
    queryKey: ['group', group],
    queryFn: ({ signal }) =>
      getTally<{ group: Group }>(`groups/${name(group)}`, {}, signal).then((answer) => answer.group),
  });
}

/** Names that begin like what is being typed, for who may ask: an administrator. */
export function useNames(kind: 'user' | 'group', text: string, enabled: boolean) {
  const users = useQuery<string[]>({
    queryKey: ['users', 'names', text],
    enabled: enabled && kind === 'user',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      getTally<{ users?: Account[] }>('users', { search: text || undefined, max_results: 20 }, signal).then(
        (page) => usersOf(page).map((user) => user.username),
      ),
  });
  const groups = useQuery<string[]>({
    queryKey: ['groups', 'names', text],
    enabled: enabled && kind === 'group',
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      getTally<{ groups?: Group[] }>('groups', { search: text || undefined, max_results: 20 }, signal).then(
        (page) => groupsOf(page).map((one) => one.name),
      ),
  });
  return (kind === 'user' ? users.data : groups.data) ?? [];
}

/** Forgets everything about accounts that a change may have touched. */
export function useRefreshAccounts() {
  const queries = useQueryClient();
  return () =>
    Promise.all(
      ['users', 'user', 'groups', 'group', 'tokens', 'audit', 'grants', 'who', 'explain', 'access'].map(
        (key) => queries.invalidateQueries({ queryKey: [key] }),
      ),
    );
}
