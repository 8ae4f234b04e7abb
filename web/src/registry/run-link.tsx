// The run that a version came from, as a link to its page.
import { useRun } from '../api/queries';
import { runHref, runName } from '../lib/run';

export function RunLink({ id }: { id: string }) {
  const { data } = useRun(id);
  // Its experiment may be one that the reader cannot see.
  if (!data)
    return (
      <code className="faint" title={id}>
        {id.slice(0, 8)}
      </code>
    );
  return (
    <a href={runHref(data.info)} title={id}>
      {runName(data)}
    </a>
  );
}
