// The form of a gate, and the question before one is removed. That of exactly one model is set by who manages the model,
// that of a pattern of names, which may also be just a name, by who manages the workspace.
import { useId, useState, type ReactNode } from 'react';
import { deleteGate, deletePatternGate, setGate, setPatternGate, useRefreshRegistry } from '../api/registry';
import { fitsPattern, formOf, rulesOf, type Gate, type GateForm, type MetricKind } from '../lib/gate-rules';
import { aliasTrouble, bareAlias, stages, targetLabel, type Target } from '../lib/registry';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Segmented } from '../ui/parts';
import { toast } from '../ui/toast';
import { ActorField } from './parts';

/** Whom a gate is about, in words; `name` is the model whose page it is, if it is one's. */
export function Binds({ gate, name }: { gate: Gate; name?: string | undefined }) {
  if (gate.model_pattern === name) return <>For this model.</>;
  if (!gate.model_pattern.includes('*'))
    return (
      <>
        For the model <code>{gate.model_pattern}</code>.
      </>
    );
  return (
    <>
      For all models whose name fits <code>{gate.model_pattern}</code>.
    </>
  );
}

const targetOf = (gate: Gate): Target =>
  gate.alias !== undefined ? { alias: gate.alias } : { stage: gate.stage ?? '' };

export function RemoveGate(props: { name?: string; gate: Gate; onClose: () => void }) {
  const { name, gate, onClose } = props;
  const refresh = useRefreshRegistry();
  const own = gate.model_pattern === name;
  const isPattern = gate.model_pattern.includes('*');
  return (
    <FormDialog
      title={`Remove the gate before ${targetLabel(gate)}?`}
      action="Remove"
      danger
      onClose={onClose}
      onSubmit={async () => {
        if (own) await deleteGate(gate.model_pattern, targetOf(gate));
        else await deletePatternGate(gate.model_pattern, targetOf(gate));
        void refresh();
        toast(`The gate before ${targetLabel(gate)} is gone.`);
      }}
    >
      {!isPattern ? (
        <p>
          From then on whoever may edit {own ? 'the model' : <code>{gate.model_pattern}</code>} moves{' '}
          {targetLabel(gate)} as they like{own ? '' : ', where no other gate binds it'}.
        </p>
      ) : (
        <p>
          It binds every model whose name fits <code>{gate.model_pattern}</code>. Where no other gate does,
          whoever may edit the model moves {targetLabel(gate)} as they like from then on.
        </p>
      )}
      <ActorField />
    </FormDialog>
  );
}

const bare: GateForm = formOf({});
const newMetric: GateForm['metrics'][number] = {
  key: '',
  kind: 'at_least',
  value: '',
  epsilon: '',
  better: 'higher',
  dataset_name: '',
  dataset_digest: '',
};

export function GateDialog(props: {
  /** The model whose page it is, if it is one's. */
  name?: string;
  gate: Gate | undefined;
  /** All that are on the page. */
  gates: readonly Gate[];
  mayManage: boolean;
  mayManageAll: boolean;
  onClose: () => void;
}) {
  const { name, gate, gates, mayManage, mayManageAll, onClose } = props;
  const refresh = useRefreshRegistry();
  const [scope, setScope] = useState<'model' | 'pattern'>(mayManage ? 'model' : 'pattern');
  const [typed, setTyped] = useState('');
  const [kind, setKind] = useState<'alias' | 'stage'>('alias');
  const [alias, setAlias] = useState('');
  const [stage, setStage] = useState<string>('Production');
  const [form, setForm] = useState<GateForm>(gate ? formOf(gate.rules) : bare);
  const set = (next: Partial<GateForm>) => setForm({ ...form, ...next });
  const pattern = gate ? gate.model_pattern : scope === 'model' ? (name ?? '') : typed.trim();
  const own = pattern === name;
  const target: Target = gate ? targetOf(gate) : kind === 'alias' ? { alias: bareAlias(alias) } : { stage };
  const trouble = gate || kind === 'stage' ? undefined : aliasTrouble(bareAlias(alias));
  const replaces =
    !gate && gates.some((one) => one.model_pattern === pattern && targetLabel(one) === targetLabel(target));
  return (
    <FormDialog
      title={gate ? `Gate before ${targetLabel(gate)}` : 'New gate'}
      action={replaces ? 'Replace the gate' : 'Save'}
      size="large"
      disabled={trouble !== undefined || pattern === '' || (kind === 'alias' && !gate && alias.trim() === '')}
      onClose={onClose}
      onSubmit={async () => {
        const rules = rulesOf(form);
        if (own && mayManage) await setGate(pattern, target, rules);
        else await setPatternGate(pattern, target, rules);
        void refresh();
        toast(`The gate before ${targetLabel(target)} is set.`);
      }}
    >
      {gate && !own && (
        <p className="gate-binds">
          <Binds gate={gate} name={name} />
        </p>
      )}
      {!gate && mayManage && mayManageAll && (
        <div className="bar gate-target">
          <Segmented
            label="Which models the gate binds"
            value={scope}
            options={[
              { value: 'model', label: 'This model' },
              { value: 'pattern', label: 'A pattern of names' },
            ]}
            onChange={setScope}
          />
        </div>
      )}
      {!gate && scope === 'pattern' && (
        <>
          <label className="field">
            Names of the models, where * stands for any characters
            <input
              value={typed}
              required
              autoFocus
              maxLength={256}
              spellCheck={false}
              autoComplete="off"
              autoCapitalize="none"
              placeholder="fraud-*"
              onChange={(event) => setTyped(event.target.value)}
            />
          </label>
          {name !== undefined && pattern !== '' && !fitsPattern(pattern, name) && (
            <p className="faint" role="status">
              It does not bind {name}: it will not be shown here, but among <a href="#/gates">all gates</a>.
            </p>
          )}
        </>
      )}
      {!gate && (
        <div className="bar gate-target">
          <Segmented
            label="What the gate stands before"
            value={kind}
            options={[
              { value: 'alias', label: 'Alias' },
              { value: 'stage', label: 'Stage' },
            ]}
            onChange={setKind}
          />
          {kind === 'alias' ? (
            <input
              aria-label="Alias"
              placeholder="production"
              value={alias}
              autoFocus={scope === 'model'}
              maxLength={255}
              spellCheck={false}
              autoComplete="off"
              autoCapitalize="none"
              onChange={(event) => setAlias(event.target.value)}
            />
          ) : (
            <select aria-label="Stage" value={stage} onChange={(event) => setStage(event.target.value)}>
              {stages.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          )}
        </div>
      )}
      {trouble !== undefined && (
        <p className="form-error" role="alert">
          {trouble}
        </p>
      )}
      <Rows
        legend="Checks that must have passed"
        add="Add a check"
        rows={form.checks}
        empty={{ name: '', users: '', groups: '' }}
        onChange={(checks) => set({ checks })}
      >
        {(row, put) => (
          <>
            <Text
              label="Name of the check"
              hint="tests"
              value={row.name}
              onChange={(name) => put({ name })}
            />
            <Text
              label="Posted by users"
              hint="by users: anybody"
              value={row.users}
              onChange={(users) => put({ users })}
            />
            <Text
              label="Posted by groups"
              hint="or groups"
              value={row.groups}
              onChange={(groups) => put({ groups })}
            />
          </>
        )}
      </Rows>
      <Rows
        legend="Metrics of the version"
        add="Add a metric"
        rows={form.metrics}
        empty={newMetric}
        onChange={(metrics) => set({ metrics })}
      >
        {(row, put) => (
          <>
            <Text label="Metric" hint="accuracy" value={row.key} onChange={(key) => put({ key })} />
            <select
              aria-label="How the metric is compared"
              value={row.kind}
              onChange={(event) => put({ kind: event.target.value as MetricKind })}
            >
              <option value="at_least">at least</option>
              <option value="at_most">at most</option>
              <option value="no_worse_than">no worse than alias</option>
            </select>
            <Text
              label={row.kind === 'no_worse_than' ? 'Alias to compare with' : 'Bound'}
              hint={row.kind === 'no_worse_than' ? 'production' : '0.9'}
              value={row.value}
              onChange={(value) => put({ value })}
            />
            {row.kind === 'no_worse_than' && (
              <>
                <Text
                  label="By how much it may be worse"
                  hint="by more than 0"
                  value={row.epsilon}
                  onChange={(epsilon) => put({ epsilon })}
                />
                <select
                  aria-label="Which is better"
                  value={row.better}
                  onChange={(event) => put({ better: event.target.value as 'higher' | 'lower' })}
                >
                  <option value="higher">higher is better</option>
                  <option value="lower">lower is better</option>
                </select>
              </>
            )}
            <Text
              label="On the data set"
              hint="on any data set"
              value={row.dataset_name}
              onChange={(dataset_name) => put({ dataset_name })}
            />
            <Text
              label="Digest of the data set"
              hint="any digest"
              value={row.dataset_digest}
              onChange={(dataset_digest) => put({ dataset_digest })}
            />
          </>
        )}
      </Rows>
      <Rows
        legend="Tags of the version"
        add="Add a tag"
        rows={form.tags}
        empty={{ key: '', value: '' }}
        onChange={(tags) => set({ tags })}
      >
        {(row, put) => (
          <>
            <Text label="Key of the tag" hint="reviewed" value={row.key} onChange={(key) => put({ key })} />
            <Text
              label="Value of the tag"
              hint="any value"
              value={row.value}
              onChange={(value) => put({ value })}
            />
          </>
        )}
      </Rows>
      <fieldset className="rule">
        <legend>Approvals by others than who registered it</legend>
        <div className="rule-fields">
          <Text
            label="Number of approvals"
            hint="none"
            value={form.approvals.count}
            onChange={(count) => set({ approvals: { ...form.approvals, count } })}
          />
          <Text
            label="Approved by users"
            hint="by users: anybody"
            value={form.approvals.users}
            onChange={(users) => set({ approvals: { ...form.approvals, users } })}
          />
          <Text
            label="Approved by groups"
            hint="or groups"
            value={form.approvals.groups}
            onChange={(groups) => set({ approvals: { ...form.approvals, groups } })}
          />
        </div>
      </fieldset>
      <fieldset className="rule">
        <legend>Time in another alias before</legend>
        <div className="rule-fields">
          <Text
            label="Alias to have been in"
            hint="staging"
            value={form.soak.alias}
            onChange={(next) => set({ soak: { ...form.soak, alias: next } })}
          />
          <Text
            label="For at least this many hours"
            hint="hours: 24"
            value={form.soak.hours}
            onChange={(hours) => set({ soak: { ...form.soak, hours } })}
          />
        </div>
      </fieldset>
      <Rows
        legend="Times in which nothing moves (UTC)"
        add="Add a window"
        rows={form.freeze}
        empty={{ days: '', from: '', to: '' }}
        onChange={(freeze) => set({ freeze })}
      >
        {(row, put) => (
          <>
            <Text
              label="Days of the week"
              hint="fri, sat, sun; or none for dates"
              value={row.days}
              onChange={(days) => put({ days })}
            />
            <Text
              label="From"
              hint="16:00 or 2026-12-20T00:00:00Z"
              value={row.from}
              onChange={(from) => put({ from })}
            />
            <Text
              label="To"
              hint="24:00 or 2027-01-02T00:00:00Z"
              value={row.to}
              onChange={(to) => put({ to })}
            />
          </>
        )}
      </Rows>
      <fieldset className="rule">
        <legend>Who may move it</legend>
        <div className="rule-fields">
          <Text
            label="Moved by users"
            hint="users: who may promote"
            value={form.movers.users}
            onChange={(users) => set({ movers: { ...form.movers, users } })}
          />
          <Text
            label="Moved by groups"
            hint="or groups"
            value={form.movers.groups}
            onChange={(groups) => set({ movers: { ...form.movers, groups } })}
          />
        </div>
      </fieldset>
      <p className="faint gate-note">
        Names of several users or groups are separated by commas. A gate that asks for nothing still protects:
        moving what is behind it needs the right to promote.
      </p>
      <ActorField />
    </FormDialog>
  );
}

function Text(props: { label: string; hint: string; value: string; onChange: (value: string) => void }) {
  const { label, hint, value, onChange } = props;
  return (
    <input
      aria-label={label}
      title={label}
      placeholder={hint}
      value={value}
      spellCheck={false}
      autoComplete="off"
      autoCapitalize="none"
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** Some rows of fields, with a button for one more and one to take each away. */
function Rows<T extends object>(props: {
  legend: string;
  add: string;
  rows: readonly T[];
  empty: T;
  onChange: (rows: T[]) => void;
  children: (row: T, put: (change: Partial<T>) => void) => ReactNode;
}) {
  const { legend, add, rows, empty, onChange, children } = props;
  const id = useId();
  return (
    <fieldset className="rule">
      <legend id={id}>{legend}</legend>
      {rows.map((row, index) => (
        <div key={index} className="rule-row" role="group" aria-label={`${legend}, ${index + 1}`}>
          <div className="rule-fields">
            {children(row, (change) =>
              onChange(rows.map((one, at) => (at === index ? { ...one, ...change } : one))),
            )}
          </div>
          <button
            type="button"
            className="quiet icon-only"
            aria-label={`Take away: ${legend}, ${index + 1}`}
            title="Take away"
            onClick={() => onChange(rows.filter((_, at) => at !== index))}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
      <button type="button" className="link" onClick={() => onChange([...rows, empty])}>
        <Icon name="plus" className="inline-icon" /> {add}
      </button>
    </fieldset>
  );
}
