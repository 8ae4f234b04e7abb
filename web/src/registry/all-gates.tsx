// All gates of the workspace, of models and of patterns of names, also those that bind no model yet.
import { useState } from 'react';
import { useMayWorkspace } from '../api/access';
import { useTitle } from '../api/queries';
import { useAllGates, useFirstModels } from '../api/registry';
import { formatCount } from '../lib/format';
import { patternFilter, type Gate } from '../lib/gate-rules';
import { targetLabel } from '../lib/registry';
import { registeredHref } from '../lib/run';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/parts';
import { Binds, GateDialog, RemoveGate } from './gate-dialog';
import { GateCard } from './gates';

export function AllGates() {
  useTitle('Gates');
  const list = useAllGates();
  const mayManage = useMayWorkspace().share;
  const [editing, setEditing] = useState<Gate | 'new'>();
  const [removing, setRemoving] = useState<Gate>();
  const gates = list.items;
  return (
    <div className="page registry">
      <div className="page-head">
        <div className="page-title">
          <h1>Gates</h1>
          {gates && (
            <span className="count" aria-live="polite">
              {formatCount(gates.length)}
              {list.hasNextPage && '+'}
            </span>
          )}
        </div>
        <div className="bar">
          <p className="faint">
            What must be true before an alias or a stage moves, of one model or of all whose names fit a
            pattern, also of those that are registered later.
          </p>
          {mayManage && gates && gates.length > 0 && <NewGate onClick={() => setEditing('new')} />}
        </div>
      </div>
      {list.isError && !gates ? (
        <Failure
          what="The gates could not be loaded"
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      ) : !gates ? (
        <Loading rows={4} />
      ) : gates.length === 0 ? (
        <div className="state">
          <h2>There is no gate</h2>
          <p className="faint">Whoever may edit a model moves its aliases and stages as they like.</p>
          {mayManage && (
            <div className="state-actions">
              <NewGate onClick={() => setEditing('new')} />
            </div>
          )}
        </div>
      ) : (
        <div className="page-body scrolls" tabIndex={0} role="region" aria-label="All gates">
          <div className="registry-body gates">
            {gates.map((gate) => (
              <GateCard
                key={gate.gate_id}
                gate={gate}
                title={`${targetLabel(gate)} of ${gate.model_pattern}`}
                called={`the gate before ${targetLabel(gate)} of ${gate.model_pattern}`}
                mayEdit={mayManage}
                onEdit={() => setEditing(gate)}
                onRemove={() => setRemoving(gate)}
              >
                <Bound gate={gate} seesAll={mayManage} />
              </GateCard>
            ))}
            {list.hasNextPage && (
              <button
                type="button"
                disabled={list.isFetchingNextPage}
                onClick={() => void list.fetchNextPage()}
              >
                {list.isFetchingNextPage ? 'Loading…' : 'Show more gates'}
              </button>
            )}
          </div>
        </div>
      )}
      {editing && (
        <GateDialog
          gate={editing === 'new' ? undefined : editing}
          gates={gates ?? []}
          mayManage={false}
          mayManageAll={mayManage}
          onClose={() => setEditing(undefined)}
        />
      )}
      {removing && <RemoveGate gate={removing} onClose={() => setRemoving(undefined)} />}
    </div>
  );
}

function NewGate({ onClick }: { onClick: () => void }) {
  return (
    <button type="button" className="primary end" onClick={onClick}>
      <Icon name="plus" /> New gate
    </button>
  );
}

// Names that stand in a line; the list of models has the others.
const mostNames = 3;

/** Whom a gate is about, and which models those are now, as far as the reader may see them. */
function Bound({ gate, seesAll }: { gate: Gate; seesAll: boolean }) {
  const pattern = gate.model_pattern;
  const filter = patternFilter(pattern);
  const { data } = useFirstModels(filter, mostNames + 1);
  const names = data?.registered_models?.map((one) => one.name) ?? [];
  if (names[0] === pattern)
    return (
      <>
        For the model <a href={registeredHref(pattern, 'gates')}>{pattern}</a>.
      </>
    );
  return (
    <>
      <Binds gate={gate} />
      {data &&
        names.length === 0 &&
        (seesAll ? ' No model has such a name yet.' : ' No model that you can see has such a name.')}
      {names.length > 0 && (
        <>
          {' '}
          It binds{' '}
          {names.slice(0, mostNames).map((name, index) => (
            <span key={name}>
              {index > 0 && ', '}
              <a href={registeredHref(name, 'gates')}>{name}</a>
            </span>
          ))}
          {names.length > mostNames && (
            <>
              {' '}
              and <a href={`#/models?${new URLSearchParams({ filter }).toString()}`}>others</a>
            </>
          )}
          .
        </>
      )}
    </>
  );
}
