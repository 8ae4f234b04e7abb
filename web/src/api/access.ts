// What the caller may do: with an object, and with what belongs to it.
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { objectName, type AccessObject } from '../lib/access-object';
import { everything, mayOf, nothing, type Action, type Level, type May, type Rights } from '../lib/rights';
import { workspace } from '../lib/workspace';
import { getTally } from './http';
import { useIsOpen, useSession } from './session';

/** What somebody may do with an object, and which rule says so. */
export interface Explained {
  user: string;
  object: string;
  workspace?: string;
  permission: Level;
  actions?: Action[];
  rule: string;
  because: string;
  rules?: { rule: string; permission?: Level; by?: string; decides?: boolean }[];
}

// Rights change seldom, and a refusal makes them be asked for anew.
const rightsMs = 60_000;

/** What the caller may do with an object; undefined when it is not known yet, or nothing. */
export function useRights(object: AccessObject | undefined, enabled = true): Rights | undefined {
  const isOpen = useIsOpen();
  const user = useSession()?.user;
  const ask = enabled && object !== undefined && user !== undefined && !user.is_admin;
  const { data } = useQuery({
    queryKey: ['access', object ? objectName(object) : ''],
    enabled: ask,
    staleTime: rightsMs,
    queryFn: ({ signal }) => getTally<Rights>('access', { ...object }, signal),
  });
  if (isOpen || user?.is_admin) return everything;
  return ask ? data : undefined;
}

/** Which of the controls of an object's page the caller gets. */
export function useMay(object: AccessObject | undefined, enabled = true): May {
  const rights = useRights(object, enabled);
  return useMemo(() => (rights === everything ? all : rights ? mayOf(rights) : nothing), [rights]);
}

const all: May = mayOf(everything);

/** The same for the page of an experiment and for everything in it. */
export function useMayExperiment(id: string | undefined, enabled = true): May {
  return useMay(
    useMemo(() => (id === undefined ? undefined : { experiment_id: id }), [id]),
    enabled,
  );
}

/** The same for the page of a registered model and its versions. */
export function useMayModel(name: string | undefined, enabled = true): May {
  return useMay(
    useMemo(() => (name === undefined ? undefined : { registered_model: name }), [name]),
    enabled,
  );
}

/** The caller's rights in the workspace of the page, and by which rule; of that one everybody may ask. */
function useExplainedWorkspace(enabled: boolean): Explained | undefined {
  const user = useSession()?.user;
  const object = `workspace:${workspace ?? 'default'}`;
  const ask = enabled && user !== undefined && !user.is_admin;
  const { data } = useQuery({
    queryKey: ['explain', user?.username ?? '', object],
    enabled: ask,
    staleTime: rightsMs,
    queryFn: ({ signal }) => getTally<Explained>('access/explain', { user: user?.username, object }, signal),
  });
  return ask ? data : undefined;
}

/** What the caller may do with what belongs to the workspace as a whole. */
export function useMayWorkspace(enabled = true): May {
  const isOpen = useIsOpen();
  const user = useSession()?.user;
  const explained = useExplainedWorkspace(enabled);
  return useMemo(
    () => (isOpen || user?.is_admin ? all : mayOf(explained)),
    [isOpen, user?.is_admin, explained],
  );
}

/** Whether the caller may make experiments: anybody may, unless the workspace says less. */
export function useMayCreate(): boolean {
  const isOpen = useIsOpen();
  const session = useSession();
  const explained = useExplainedWorkspace(true);
  if (isOpen || session?.user?.is_admin) return true;
  if (!explained) return false;
  const open = explained.rule === 'default' && session?.workspaces === false;
  return open || mayOf(explained).edit;
}
