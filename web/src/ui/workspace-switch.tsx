// Which workspace the page is about, where the server has several.
import { useQuery } from '@tanstack/react-query';
import { listWorkspaces } from '../api/client';
import { useSession } from '../api/session';
import { workspace, workspaceHref } from '../lib/workspace';

export function WorkspaceSwitch() {
  const session = useSession();
  const shown = session?.workspaces === true && (session.user !== undefined || !session.authentication);
  const { data } = useQuery({
    queryKey: ['workspaces'],
    enabled: shown,
    staleTime: 60_000,
    queryFn: ({ signal }) => listWorkspaces(signal),
  });
  if (!shown) return null;
  const here = workspace ?? 'default';
  const names = data?.map((one) => one.name) ?? [];
  return (
    <select
      className="workspace"
      aria-label="Workspace"
      title="Workspace"
      value={here}
      onChange={(event) => location.assign(workspaceHref(event.target.value, '#/'))}
    >
      {!names.includes(here) && <option value={here}>{here}</option>}
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}
