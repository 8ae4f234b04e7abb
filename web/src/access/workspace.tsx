// Who may do what with everything in a workspace that no grant of its own is about.
import { useSession } from '../api/session';
import { useTitle } from '../api/queries';
import { Sharing } from './sharing';

export function WorkspaceAccess({
  object,
  canManage,
}: {
  object: { workspace: string };
  canManage: boolean;
}) {
  const session = useSession();
  const title = session?.workspaces ? `Workspace ${object.workspace}` : 'Everything';
  useTitle(title, 'Access');
  return (
    <>
      <div className="page-title">
        <h2 className="name">{title}</h2>
      </div>
      <p className="faint">
        What is granted here holds for all experiments and models
        {session?.workspaces ? ' of the workspace' : ''}, unless a grant for one of them says something else.
      </p>
      <div className="sections">
        <Sharing object={object} canManage={canManage} />
      </div>
    </>
  );
}
