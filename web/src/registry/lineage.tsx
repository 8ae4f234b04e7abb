// Where a version comes from: run, logged model, data, code and files, as the server tells it.
import { useLineage } from '../api/registry';
import { Failure, Loading } from '../ui/parts';

export function Lineage({ name, version }: { name: string; version: string }) {
  const query = useLineage(name, version);
  if (query.isError && !query.data)
    return (
      <Failure
        what="The lineage could not be loaded"
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!query.data) return <Loading rows={4} />;
  return <pre className="scrolls">{JSON.stringify(query.data, null, 2)}</pre>;
}
