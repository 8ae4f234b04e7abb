// The workspace that a page is about: in the query before the hash, so that every link of the page keeps it.

/** Its name in an address; undefined for the one that was always there. */
export function readWorkspace(search: string): string | undefined {
  const name = new URLSearchParams(search).get('workspace') ?? '';
  return name === '' || name === 'default' ? undefined : name;
}

/** The address of the same page in another workspace, relative to this one; undefined for the default. */
export function workspaceHref(name: string | undefined, hash: string): string {
  const search =
    name === undefined || name === 'default' ? '' : new URLSearchParams({ workspace: name }).toString();
  // Without the dot an empty query would mean: the query as it is.
  return `${search === '' ? './' : `?${search}`}${hash}`;
}

/**
 * Links that MLflow's clients print name the workspace behind the hash: where such a one should lead, or undefined when
 * the page is the right one.
 */
export function movedWorkspace(search: string, hash: string): string | undefined {
  const [path = '', query = ''] = hash.split(/\?(.*)/s);
  const params = new URLSearchParams(query);
  const name = params.get('workspace');
  if (name === null) return undefined;
  params.delete('workspace');
  const rest = params.toString();
  const clean = `${path}${rest === '' ? '' : `?${rest}`}`;
  const there = name === '' || name === 'default' ? undefined : name;
  return there === readWorkspace(search) ? undefined : workspaceHref(there, clean);
}

/** That of this page: another one is another document. */
export const workspace = typeof location === 'undefined' ? undefined : readWorkspace(location.search);
