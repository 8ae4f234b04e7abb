// The versions of registered models that came out of a run or a logged model, on the page of that.
import { useState } from 'react';
import { useOutcome, type OutcomeOf } from '../api/registry';
import { versionHref } from '../lib/run';
import { Fact } from '../ui/parts';

// More are a list, which only who asks for it needs.
const few = 6;

export function VersionsOf({ of }: { of: OutcomeOf }) {
  const { data } = useOutcome(of);
  const [whole, setWhole] = useState(false);
  const versions = data?.model_versions ?? [];
  if (versions.length === 0) return null;
  const shown = whole ? versions : versions.slice(0, few);
  return (
    <Fact label="Registered as">
      <span className="chips">
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
        {whole && data?.truncated && <span className="faint"> and more</span>}
      </span>
    </Fact>
  );
}
