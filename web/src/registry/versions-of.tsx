// The versions of registered models that came out of a run or a logged model, on the page of that.
import { useState } from 'react';
import { useVersionsFound } from '../api/registry';
import { versionHref } from '../lib/run';
import { Fact } from '../ui/parts';

// More are a list that the page of the model shows better.
const few = 6;

export function VersionsOf({ filter }: { filter: string }) {
  const { data } = useVersionsFound(filter);
  const [whole, setWhole] = useState(false);
  const versions = data?.versions ?? [];
  if (versions.length === 0) return null;
  const shown = whole ? versions : versions.slice(0, few);
  return (
    <Fact label="Registered as">
      {shown.map((one) => (
        <a key={`${one.name} ${one.version}`} className="chip" href={versionHref(one.name, one.version)}>
          {one.name} v{one.version}
        </a>
      ))}
      {shown.length < versions.length && (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          and {versions.length - shown.length} more
        </button>
      )}
      {whole && data?.more && <span className="faint"> and more</span>}
    </Fact>
  );
}
