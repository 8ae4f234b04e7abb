// The audit trail, for administrators: who changed what people may do, and who was refused what.
import { useState, type ReactNode } from 'react';
import { useAudit, type AuditEntry, type AuditQuestion } from '../api/accounts';
import { useTitle } from '../api/queries';
import { objectHref, userHref } from '../lib/access-object';
import { actionLabel, auditActions, changesOf } from '../lib/audit';
import { dayStartMs } from '../lib/expiry';
import { formatCount, formatMoment } from '../lib/format';
import { setQuery, usePlace } from '../router';
import { Icon } from '../ui/icons';
import { Ago, Segmented } from '../ui/parts';
import { Badge, ListState, More } from './parts';
import { useSettled } from './use-settled';

type Which = 'all' | 'changes' | 'refused';

const fields = ['actor', 'action', 'object', 'from', 'to', 'show'] as const;

export function Audit() {
  useTitle('Audit trail');
  const { query } = usePlace();
  const value = (name: (typeof fields)[number]) => query.get(name) ?? '';
  const show = value('show');
  const which: Which = show === 'refused' || show === 'changes' ? show : 'all';
  const typed = useSettled(
    ['actor', 'action', 'object'].map((name) => query.get(name)?.trim() ?? '').join('\n'),
  );
  const [actor = '', action = '', object = ''] = typed.split('\n');
  const question: AuditQuestion = {
    actor: actor || undefined,
    action: action || undefined,
    object: object || undefined,
    refused: which === 'all' ? undefined : which === 'refused' ? 'true' : 'false',
    from_ms: dayStartMs(value('from')),
    to_ms: dayStartMs(value('to'), 1),
  };
  const list = useAudit(question);
  const filtered = fields.some((name) => value(name) !== '');
  const { items } = list;
  const clear = () => setQuery(Object.fromEntries(fields.map((name) => [name, undefined])));
  return (
    <>
      <div className="bar filters">
        <Segmented<Which>
          label="Which entries"
          value={which}
          options={[
            { value: 'all', label: 'All' },
            { value: 'changes', label: 'Changes' },
            { value: 'refused', label: 'Refusals' },
          ]}
          onChange={(next) => setQuery({ show: next === 'all' ? undefined : next })}
        />
        <Filter label="Who" name="actor" value={value('actor')} placeholder="anna" />
        <Filter
          label="Did what"
          name="action"
          value={value('action')}
          placeholder="grant.set"
          list={auditActions}
        />
        <Filter label="To what" name="object" value={value('object')} placeholder="experiment:12" />
        <Filter label="From" name="from" value={value('from')} type="date" />
        <Filter label="To" name="to" value={value('to')} type="date" />
        {filtered && (
          <button type="button" className="link" onClick={clear}>
            Clear
          </button>
        )}
      </div>
      {!items ? (
        <ListState what="The audit trail" query={list} />
      ) : items.length === 0 ? (
        <div className="state small">
          <h2>{filtered ? 'No entry matches' : 'Nothing has happened yet'}</h2>
          {filtered && (
            <button type="button" onClick={clear}>
              Clear the filters
            </button>
          )}
        </div>
      ) : (
        <section className="card" aria-busy={list.isPlaceholderData}>
          <table className="plain stacks audit" aria-label="Audit trail">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">Did what</th>
                <th scope="col">To what</th>
                <th scope="col">From</th>
                <th scope="col">
                  <span className="visually-hidden">Details</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((entry) => (
                <Entry key={entry.audit_id} entry={entry} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      <More list={list} />
    </>
  );
}

function Filter(props: {
  label: string;
  name: (typeof fields)[number];
  value: string;
  placeholder?: string;
  type?: 'date';
  list?: readonly string[];
}) {
  const { label, name, value, placeholder, type, list } = props;
  return (
    <label className="choose">
      <span>{label}</span>
      <input
        type={type ?? 'text'}
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        list={list ? `audit-${name}` : undefined}
        onChange={(event) => setQuery({ [name]: event.target.value })}
      />
      {list && (
        <datalist id={`audit-${name}`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  );
}

function Entry({ entry }: { entry: AuditEntry }) {
  const [open, setOpen] = useState(false);
  const { actor, action, object = '', refused, times = 1 } = entry;
  const changes = changesOf(entry.detail);
  const href = objectHref(object);
  return (
    <>
      <tr className={refused ? 'refused' : undefined}>
        <td data-label="When">
          <Ago ms={entry.at_ms} />
        </td>
        <td data-label="Who">
          {actor ? <a href={userHref(actor)}>{actor}</a> : <span className="faint">nobody known</span>}
        </td>
        <td data-label="Did what">
          <span className="with-badges">
            {refused && (
              <Badge kind="bad">
                <Icon name="lock" /> refused
              </Badge>
            )}
            <span title={action}>{actionLabel(action)}</span>
            {times > 1 && (
              <span className="count" title={`${formatCount(times)} equal refusals`}>
                × {formatCount(times)}
              </span>
            )}
          </span>
        </td>
        <td data-label="To what">
          {href ? <a href={href}>{object}</a> : object || <span className="faint">–</span>}
        </td>
        <td data-label="From" className="faint">
          {entry.address || '–'}
        </td>
        <td className="col-actions">
          <button
            type="button"
            className={`quiet icon-only fold ${open ? 'open' : ''}`}
            aria-expanded={open}
            aria-label={`Details of ${actionLabel(action)}, ${formatMoment(entry.at_ms)}`}
            onClick={() => setOpen(!open)}
          >
            <Icon name="chevron" />
          </button>
        </td>
      </tr>
      {open && (
        <tr className="details">
          <td colSpan={6}>
            <dl>
              <Detail name="Time">{formatMoment(entry.at_ms)}</Detail>
              <Detail name="Action">
                <code>{action}</code>
              </Detail>
              {entry.method && <Detail name="Known by">{entry.method}</Detail>}
              {entry.token_id !== undefined && <Detail name="Token">{entry.token_id}</Detail>}
              {changes.map(({ key, before, after }) => (
                <Detail key={key} name={key || 'Change'}>
                  {before !== undefined && <del>{before}</del>}
                  {before !== undefined && after !== undefined && ' → '}
                  {after !== undefined && <span>{after}</span>}
                  {before !== undefined && after === undefined && ' (gone)'}
                </Detail>
              ))}
            </dl>
          </td>
        </tr>
      )}
    </>
  );
}

function Detail({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
