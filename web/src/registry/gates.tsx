// The gates that bind a model: what each asks for. That of exactly this model is changed by who manages the model, that of
// a pattern of names by who manages the workspace.
import { useState, type ReactNode } from 'react';
import { useMayWorkspace } from '../api/access';
import { useGates } from '../api/registry';
import { ruleWords, type Gate } from '../lib/gate-rules';
import { targetLabel } from '../lib/registry';
import { Icon } from '../ui/icons';
import { Ago, Failure, Loading } from '../ui/parts';
import { Binds, GateDialog, RemoveGate } from './gate-dialog';

export function Gates({ name, mayManage }: { name: string; mayManage: boolean }) {
  const query = useGates(name);
  const { share: mayManageAll, read: mayRead } = useMayWorkspace();
  const [editing, setEditing] = useState<Gate | 'new'>();
  const [removing, setRemoving] = useState<Gate>();
  if (query.isError && !query.data)
    return (
      <Failure
        what="The gates could not be loaded"
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!query.data) return <Loading rows={4} />;
  const gates = query.data;
  return (
    <div className="gates">
      <div className="bar">
        <p className="faint">
          A gate stands before an alias or a stage: no version comes there by any way before everything it
          asks for is met.
        </p>
        {(mayManage || mayManageAll) && (
          <button type="button" className="end" onClick={() => setEditing('new')}>
            <Icon name="plus" /> New gate
          </button>
        )}
      </div>
      {gates.length === 0 && (
        <div className="state small">
          <h2>No gate binds this model</h2>
          <p className="faint">Whoever may edit it moves its aliases as they like.</p>
        </div>
      )}
      {gates.map((gate) => {
        const own = gate.model_pattern === name;
        return (
          <GateCard
            key={gate.gate_id}
            gate={gate}
            title={targetLabel(gate)}
            called={`the gate before ${targetLabel(gate)}${own ? '' : ` of ${gate.model_pattern}`}`}
            mayEdit={own ? mayManage : mayManageAll}
            onEdit={() => setEditing(gate)}
            onRemove={() => setRemoving(gate)}
          >
            <Binds gate={gate} name={name} />
            {!own && !mayManageAll && ' Who manages the workspace changes it.'}
          </GateCard>
        );
      })}
      {mayRead && (
        <p>
          <a href="#/gates">All gates of the workspace</a>
        </p>
      )}
      {editing && (
        <GateDialog
          name={name}
          gate={editing === 'new' ? undefined : editing}
          gates={gates}
          mayManage={mayManage}
          mayManageAll={mayManageAll}
          onClose={() => setEditing(undefined)}
        />
      )}
      {removing && <RemoveGate name={name} gate={removing} onClose={() => setRemoving(undefined)} />}
    </div>
  );
}

/** One gate: what it stands before, what it asks for, and in its last line what the page says of it. */
export function GateCard(props: {
  gate: Gate;
  title: string;
  /** In the names of its buttons. */
  called: string;
  mayEdit: boolean;
  onEdit: () => void;
  onRemove: () => void;
  children: ReactNode;
}) {
  const { gate, title, called, mayEdit, onEdit, onRemove, children } = props;
  return (
    <section className="card" aria-labelledby={`gate-${gate.gate_id}`}>
      <div className="card-head">
        <h2 id={`gate-${gate.gate_id}`}>
          <Icon name="lock" className="inline-icon" /> {title}
        </h2>
        {mayEdit && (
          <span>
            <button
              type="button"
              className="quiet icon-only"
              aria-label={`Edit ${called}`}
              title="Edit"
              onClick={onEdit}
            >
              <Icon name="pencil" />
            </button>
            <button
              type="button"
              className="quiet icon-only"
              aria-label={`Remove ${called}`}
              title="Remove"
              onClick={onRemove}
            >
              <Icon name="trash" />
            </button>
          </span>
        )}
      </div>
      <ul className="rules-list">
        {ruleWords(gate.rules).map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      <p className="faint empty">
        {children}{' '}
        {gate.updated_at !== undefined && (
          <>
            Last changed <Ago ms={gate.updated_at} />.
          </>
        )}
      </p>
    </section>
  );
}
