// Addresses live behind the hash, in the form that MLflow's clients print, so their links open here.
import { useSyncExternalStore } from 'react';

export type Route =
  | { page: 'experiments' }
  | { page: 'experiment'; experimentId: string }
  | { page: 'run'; experimentId: string; runId: string; tab: string; path: string }
  | { page: 'model'; experimentId: string; modelId: string; path: string }
  | { page: 'compare'; runIds: string[] }
  | { page: 'registry' }
  | { page: 'lineage' }
  | { page: 'gates' }
  | { page: 'registered'; name: string; tab: string }
  | { page: 'version'; name: string; version: string; tab: string; path: string }
  | { page: 'login' }
  | { page: 'profile' }
  | { page: 'users' }
  | { page: 'user'; username: string }
  | { page: 'groups' }
  | { page: 'group'; group: string }
  | { page: 'audit' }
  | { page: 'workspace' }
  | { page: 'unknown' };

export interface Place {
  route: Route;
  query: URLSearchParams;
}

/** Reads an address; the unknown tails of MLflow's own pages lead to the nearest page. */
export function readHash(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#/, '').split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  const parts = path.split('/').filter(Boolean).map(decode);
  const [room, id, sub, subId, tab] = parts;
  // What follows is the path of a file, one part for each of its segments.
  const file = parts.slice(5).join('/');
  let route: Route = { page: 'unknown' };
  if (room === undefined) route = { page: 'experiments' };
  else if (room === 'experiments' && id === undefined) route = { page: 'experiments' };
  else if (room === 'experiments' && id !== undefined && sub === 'runs' && subId !== undefined)
    route = { page: 'run', experimentId: id, runId: subId, tab: tab ?? '', path: file };
  else if (room === 'experiments' && id !== undefined && sub === 'models' && subId !== undefined)
    route = { page: 'model', experimentId: id, modelId: subId, path: file };
  else if (room === 'experiments' && id !== undefined) route = { page: 'experiment', experimentId: id };
  else if (room === 'compare')
    route = { page: 'compare', runIds: (query.get('runs') ?? '').split(',').filter(Boolean) };
  else if (room === 'lineage') route = { page: 'lineage' };
  else if (room === 'gates') route = { page: 'gates' };
  else if (room === 'models' && id === undefined) route = { page: 'registry' };
  else if (room === 'models' && id !== undefined && sub === 'versions' && subId !== undefined)
    route = { page: 'version', name: id, version: subId, tab: tab ?? '', path: file };
  else if (room === 'models' && id !== undefined) route = { page: 'registered', name: id, tab: sub ?? '' };
  else if (room === 'login') route = { page: 'login' };
  else if (room === 'profile') route = { page: 'profile' };
  else if (room === 'access' && id === 'users')
    route = sub === undefined ? { page: 'users' } : { page: 'user', username: sub };
  else if (room === 'access' && id === 'groups')
    route = sub === undefined ? { page: 'groups' } : { page: 'group', group: sub };
  else if (room === 'access' && id === 'audit') route = { page: 'audit' };
  else if (room === 'access' && id === 'workspace') route = { page: 'workspace' };
  return { route, query };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

let current: Place | undefined;
let currentHash: string | undefined;

function place(): Place {
  if (current === undefined || currentHash !== location.hash) {
    currentHash = location.hash;
    current = readHash(location.hash);
  }
  return current;
}

const listeners = new Set<() => void>();
if (typeof window !== 'undefined')
  window.addEventListener('hashchange', () => listeners.forEach((listener) => listener()));

export function usePlace(): Place {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, place);
}

export function navigate(href: string): void {
  location.hash = href.replace(/^#/, '');
}

/** Goes there without a way back to here. */
export function replacePlace(href: string): void {
  window.history.replaceState(null, '', href);
  listeners.forEach((listener) => listener());
}

/** The login page that comes back to an address afterwards. */
export function loginHref(hash: string): string {
  const path = hash.replace(/^#/, '');
  return path === '' || path === '/' || path.startsWith('/login')
    ? '#/login'
    : `#/login?${new URLSearchParams({ next: path }).toString()}`;
}

/** Where the login page leads: always into this page, whatever a link says. */
export function nextHash(query: URLSearchParams): string {
  const next = query.get('next') ?? '';
  return next.startsWith('/') && !next.startsWith('/login') ? `#${next}` : '#/';
}

/**
 * Changes parts of the query; an empty value removes its part. With "push" the place before stays in the history, so
 * that the browser's back button undoes the change.
 */
export function setQuery(
  changes: Record<string, string | undefined>,
  history: 'replace' | 'push' = 'replace',
): void {
  const [path = ''] = location.hash.replace(/^#/, '').split('?');
  const query = new URLSearchParams(place().query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(key);
    else query.set(key, value);
  }
  const text = query.toString();
  const next = `#${path || '/'}${text ? `?${text}` : ''}`;
  if (next === location.hash) return;
  if (history === 'push') window.history.pushState(null, '', next);
  else window.history.replaceState(window.history.state, '', next);
  listeners.forEach((listener) => listener());
}
