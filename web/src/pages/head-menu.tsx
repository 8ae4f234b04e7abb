// The menu of a column's head: order, group, hide, and filter by what the runs have there.
import { useState } from 'react';
import { useDistinct } from '../api/run-list';
import type { RunSet } from '../api/search';
import { columnLabel, type ColumnId } from '../lib/cells';
import { fieldOfColumn, type Sort } from '../lib/columns';
import {
  equalTo,
  filterOf,
  isNumeric,
  isTime,
  likeText,
  nameOf,
  quoteText,
  withoutField,
  type Field,
} from '../lib/filter';
import { formatCount, formatExact, formatShort, plural, type WireNumber } from '../lib/format';
import { Icon } from '../ui/icons';

export interface HeadActions {
  set: RunSet;
  onSort: (sort: Sort) => void;
  onCondition: (condition: string) => void;
  onGroup: (column: ColumnId) => void;
  onHide: ((column: ColumnId) => void) | undefined;
}

/** What runs can be grouped by: fields with values that several of them share. */
export function canGroup(column: ColumnId): boolean {
  const field = fieldOfColumn(column);
  return (
    field?.entity === 'param' ||
    field?.entity === 'tag' ||
    (field?.entity === 'attribute' && (field.key === 'status' || field.key === 'user_id'))
  );
}

export function HeadMenu(props: HeadActions & { column: ColumnId; close: () => void }) {
  const { column, set, onSort, onCondition, onGroup, onHide, close } = props;
  const field = fieldOfColumn(column);
  const act = (work: () => void) => () => {
    work();
    close();
  };
  const condition = (text: string | undefined) => {
    if (text !== undefined) onCondition(text);
    close();
  };
  return (
    <>
      <div className="menu-actions">
        {field && (
          <>
            <button type="button" onClick={act(() => onSort({ column, descending: false }))}>
              <Icon name="up" /> Sort ascending
            </button>
            <button type="button" onClick={act(() => onSort({ column, descending: true }))}>
              <Icon name="down" /> Sort descending
            </button>
          </>
        )}
        {canGroup(column) && (
          <button type="button" onClick={act(() => onGroup(column))}>
            <Icon name="group" /> Group by this
          </button>
        )}
        {onHide && (
          <button type="button" onClick={act(() => onHide(column))}>
            <Icon name="cross" /> Hide this column
          </button>
        )}
      </div>
      {field ? (
        <section className="menu-filter" aria-label={`Filter by ${columnLabel(column)}`}>
          <Conditions field={field} set={set} onCondition={condition} />
        </section>
      ) : (
        <p className="faint menu-note">
          Computed in the browser from start and end: the server can neither sort nor filter by it.
        </p>
      )}
    </>
  );
}

interface Choosing {
  field: Field;
  set: RunSet;
  onCondition: (condition: string | undefined) => void;
}

function Conditions(props: Choosing) {
  const { field } = props;
  if (isTime(field)) return <Times {...props} />;
  if (isNumeric(field)) return <Range {...props} />;
  if (field.entity === 'attribute' && !['status', 'user_id'].includes(field.key))
    return <Contains {...props} />;
  return <Values {...props} />;
}

const spans: [string, string][] = [
  ['1h', 'last hour'],
  ['1d', 'last day'],
  ['7d', 'last week'],
  ['30d', 'last 30 days'],
];

function Times({ field, onCondition }: Choosing) {
  const name = nameOf(field) ?? '';
  return (
    <ul className="values">
      {spans.map(([length, words]) => (
        <li key={length}>
          <button type="button" onClick={() => onCondition(`${name} > now() - ${length}`)}>
            {words}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** What the other conditions let through: what is said about the field itself would hide its other values. */
function othersOf(set: RunSet, field: Field): RunSet {
  return { ...set, filter: withoutField(filterOf(set.filter), field) };
}

function Contains({ field, onCondition }: Choosing) {
  const [text, setText] = useState('');
  return (
    <form
      className="contains"
      onSubmit={(event) => {
        event.preventDefault();
        if (text) onCondition(contains(field, text));
      }}
    >
      <label>
        Contains
        <input
          type="text"
          value={text}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
        />
      </label>
      <button type="submit" disabled={text === ''}>
        Filter
      </button>
    </form>
  );
}

function contains(field: Field, text: string): string | undefined {
  const quoted = quoteText(`%${likeText(text)}%`);
  return quoted === undefined ? undefined : `${nameOf(field) ?? ''} ILIKE ${quoted}`;
}

// A list of more than these is searched, not read.
const mostShown = 50;

function Values({ field, set, onCondition }: Choosing) {
  const { data, error, isPending } = useDistinct(othersOf(set, field), field);
  const [text, setText] = useState('');
  if (error) return <Trouble message={error.message} />;
  if (isPending) return <Waiting />;
  const all = data?.values ?? [];
  const wanted = text.toLowerCase();
  const fitting = all.filter(({ value }) => value.toLowerCase().includes(wanted));
  const total = data?.total_values ?? all.length;
  const most = all.reduce((top, one) => Math.max(top, one.count), 0);
  return (
    <>
      {total > 8 && (
        <form
          className="contains"
          onSubmit={(event) => {
            event.preventDefault();
            if (text) onCondition(contains(field, text));
          }}
        >
          <input
            type="text"
            aria-label="Search values"
            placeholder={`Search ${formatCount(total)} values`}
            autoComplete="off"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
          <button type="submit" disabled={text === ''} title="Filter by what contains this text">
            Contains
          </button>
        </form>
      )}
      {fitting.length === 0 && (
        <p className="faint menu-note">
          {all.length ? 'No value contains this.' : 'No run has a value here.'}
        </p>
      )}
      <ul className="values">
        {fitting.slice(0, mostShown).map(({ value, count }) => (
          <Value
            key={value}
            field={field}
            value={value}
            label={value === '' ? 'empty' : value}
            count={count}
            share={most > 0 ? count / most : 0}
            onCondition={onCondition}
          />
        ))}
        {(data?.missing ?? 0) > 0 && text === '' && (
          <Value
            field={field}
            value={null}
            label="no value"
            count={data?.missing ?? 0}
            share={0}
            onCondition={onCondition}
          />
        )}
      </ul>
      {(fitting.length > mostShown || total > all.length) && (
        <p className="faint menu-note">
          {plural(Math.max(fitting.length, total) - Math.min(mostShown, fitting.length), 'more value')}:
          search to find them.
        </p>
      )}
    </>
  );
}

function Value(props: {
  field: Field;
  value: string | null;
  label: string;
  count: number;
  share: number;
  onCondition: (condition: string | undefined) => void;
}) {
  const { field, value, label, count, share, onCondition } = props;
  const is = equalTo(field, value);
  return (
    <li>
      <button
        type="button"
        title={is === undefined ? 'A value with both kinds of quotes cannot be written in a filter' : is}
        disabled={is === undefined}
        onClick={() => onCondition(is)}
      >
        <span className="share" style={{ width: `${share * 100}%` }} />
        <span className={value === null || value === '' ? 'clip faint' : 'clip'}>{label}</span>
        <span className="value-count">{formatCount(count)}</span>
      </button>
      <button
        type="button"
        className="quiet icon-only"
        aria-label={`Without ${label}`}
        title={`Without ${label}`}
        disabled={is === undefined}
        onClick={() => onCondition(equalTo(field, value, true))}
      >
        <Icon name="without" />
      </button>
    </li>
  );
}

function Range({ field, set, onCondition }: Choosing) {
  const { data, error, isPending } = useDistinct(othersOf(set, field), field);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  if (error) return <Trouble message={error.message} />;
  if (isPending) return <Waiting />;
  const name = nameOf(field) ?? '';
  const nan = data?.nan ?? 0;
  const count = data?.count ?? 0;
  const missing = data?.missing ?? 0;
  const wrong = [from, to].some((text) => text.trim() !== '' && numberText(text) === undefined);
  return (
    <>
      {data?.min !== undefined && data.max !== undefined && (
        <p className="menu-note">
          <Exact value={data.min} /> to <Exact value={data.max} /> in {plural(count, 'run')}
        </p>
      )}
      <form
        className="range"
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong) onCondition(between(name, numberText(from), numberText(to)));
        }}
      >
        <label>
          From
          <input
            type="text"
            inputMode="decimal"
            autoComplete="off"
            placeholder={data?.min === undefined ? '' : formatShort(data.min)}
            value={from}
            onChange={(event) => setFrom(event.target.value)}
          />
        </label>
        <label>
          To
          <input
            type="text"
            inputMode="decimal"
            autoComplete="off"
            placeholder={data?.max === undefined ? '' : formatShort(data.max)}
            value={to}
            onChange={(event) => setTo(event.target.value)}
          />
        </label>
        <button type="submit" disabled={wrong || (from.trim() === '' && to.trim() === '')}>
          Filter
        </button>
      </form>
      <ul className="values">
        {nan > 0 && (
          <li>
            <button type="button" onClick={() => onCondition(`${name} = NaN`)}>
              <span className="clip">NaN</span>
              <span className="value-count">{formatCount(nan)}</span>
            </button>
          </li>
        )}
        <li>
          <button type="button" onClick={() => onCondition(`${name} IS NOT NULL`)}>
            <span className="clip">has a value</span>
            <span className="value-count">{formatCount(count)}</span>
          </button>
        </li>
        {missing > 0 && (
          <li>
            <button type="button" onClick={() => onCondition(`${name} IS NULL`)}>
              <span className="clip faint">no value</span>
              <span className="value-count">{formatCount(missing)}</span>
            </button>
          </li>
        )}
      </ul>
    </>
  );
}

/** A number as the language has it; undefined for what is none. */
function numberText(text: string): string | undefined {
  const trimmed = text.trim().replace(/^\+/, '');
  return /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed) ? trimmed : undefined;
}

function between(name: string, from: string | undefined, to: string | undefined): string | undefined {
  if (from !== undefined && to !== undefined) return `${name} BETWEEN ${from} AND ${to}`;
  if (from !== undefined) return `${name} >= ${from}`;
  return to === undefined ? undefined : `${name} <= ${to}`;
}

function Exact({ value }: { value: WireNumber }) {
  return <strong title={formatExact(value)}>{formatShort(value)}</strong>;
}

function Waiting() {
  return (
    <p className="faint menu-note" role="status">
      Looking at the values…
    </p>
  );
}

function Trouble({ message }: { message: string }) {
  return (
    <p className="menu-note" role="alert">
      {message}
    </p>
  );
}
