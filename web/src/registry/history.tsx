// The ledger of a model as a time line, and what it was like at any time.
import { useMemo, useState } from 'react';
import { useAsOf, useGateEntries, useLedger, type AsOf } from '../api/registry';
import { changesOf } from '../lib/audit';
import { formatCount, formatMoment, plural, zoneOf } from '../lib/format';
import {
  ledgerActions,
  ledgerKind,
  ledgerSentence,
  mergeEntries,
  momentAt,
  momentsOf,
  type LedgerEntry,
} from '../lib/ledger';
import { asOfState } from '../lib/as-of';
import { versionHref } from '../lib/run';
import { setQuery, usePlace } from '../router';
import { useSettled } from '../access/use-settled';
import { Icon, type IconName } from '../ui/icons';
import { Ago, Copy, Failure, Loading } from '../ui/parts';
import { AliasChip, AliasName, OutLink, Stage } from './parts';

const fields = ['alias', 'action', 'actor'] as const;

/** The whole history of a model, or that of one of its versions. */
export function History({ name, version }: { name: string; version?: string }) {
  const { query } = usePlace();
  const value = (field: (typeof fields)[number]) => query.get(field) ?? '';
  const typed = useSettled(fields.map((one) => value(one).trim()).join('\n'));
  const [alias = '', action = '', actor = ''] = typed.split('\n');
  const question = {
    version,
    alias: alias.replace(/^@/, '') || undefined,
    action: action || undefined,
    actor: actor || undefined,
  };
  const list = useLedger(name, question);
  const withGates = version === undefined && (action === '' || action.startsWith('gate.'));
  const { data: gates } = useGateEntries(name, question, withGates);
  const filtered = fields.some((one) => value(one) !== '');
  const clear = () => setQuery(Object.fromEntries(fields.map((one) => [one, undefined])));
  const { hasNextPage } = list;
  const items = useMemo(
    () => list.items && mergeEntries(list.items, (withGates && gates) || [], hasNextPage),
    [list.items, gates, withGates, hasNextPage],
  );
  return (
    <div className="history">
      {version === undefined && <AsOfPanel name={name} entries={items ?? []} />}
      <div className="bar filters">
        <Filter label="Alias" field="alias" value={value('alias')} placeholder="production" />
        <Filter
          label="Did what"
          field="action"
          value={value('action')}
          placeholder="alias.promote"
          list={ledgerActions}
        />
        <Filter label="Who" field="actor" value={value('actor')} placeholder="anna" />
        {filtered && (
          <button type="button" className="link" onClick={clear}>
            Clear
          </button>
        )}
      </div>
      {list.isError && !items ? (
        <Failure
          what="The ledger could not be loaded"
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      ) : !items ? (
        <Loading rows={6} />
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
        <ol className="timeline" aria-label="History" aria-busy={list.isPlaceholderData}>
          {items.map((entry) => (
            <Entry key={entry.entry} name={name} entry={entry} />
          ))}
        </ol>
      )}
      {list.hasNextPage && (
        <p className="more-pages">
          <button type="button" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {list.isFetchingNextPage ? 'Loading…' : 'Earlier'}
          </button>
          {list.isFetchNextPageError && <span role="alert">Loading failed: {list.error?.message}</span>}
        </p>
      )}
    </div>
  );
}

function Filter(props: {
  label: string;
  field: (typeof fields)[number];
  value: string;
  placeholder: string;
  list?: readonly string[];
}) {
  const { label, field, value, placeholder, list } = props;
  return (
    <label className="choose">
      <span>{label}</span>
      <input
        type="text"
        value={value}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        list={list ? `ledger-${field}` : undefined}
        onChange={(event) => setQuery({ [field]: event.target.value })}
      />
      {list && (
        <datalist id={`ledger-${field}`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  );
}

// --- as of ---------------------------------------------------------------------------------------------------

/** A slider over the moments at which something changed, and a field for any other. */
function AsOfPanel({ name, entries }: { name: string; entries: readonly LedgerEntry[] }) {
  const { query } = usePlace();
  const given = Number(query.get('at') ?? '');
  const at = given > 0 ? given : undefined;
  const moments = useMemo(() => momentsOf(entries), [entries]);
  const state = useAsOf(name, at);
  const last = moments.length - 1;
  const index = at === undefined ? last : momentAt(moments, at);
  const choose = (ms: number | undefined) => setQuery({ at: ms === undefined ? undefined : String(ms) });
  return (
    <section className="card as-of" aria-labelledby="as-of">
      <div className="card-head">
        <h2 id="as-of">As of</h2>
        {at !== undefined && (
          <button type="button" className="link" onClick={() => choose(undefined)}>
            Back to now
          </button>
        )}
      </div>
      <div className="as-of-controls">
        <input
          type="range"
          min={0}
          max={Math.max(0, last)}
          value={Math.max(0, index)}
          disabled={last < 1}
          aria-label="Moment of the history"
          aria-valuetext={at === undefined ? 'now' : formatMoment(at)}
          onChange={(event) => {
            const next = Number(event.target.value);
            choose(next === last && at === undefined ? undefined : moments[next]);
          }}
        />
        <label className="choose">
          <span>Time ({zoneOf(new Date(at ?? Date.now()))})</span>
          <input
            type="datetime-local"
            step={1}
            value={at === undefined ? '' : localText(at)}
            onChange={(event) => {
              const ms = new Date(event.target.value).getTime();
              // All of the second that is named.
              choose(Number.isNaN(ms) ? undefined : ms + 999);
            }}
          />
        </label>
        <output className="faint" aria-live="polite">
          {at === undefined ? 'Move it to see the model as it was.' : formatMoment(at)}
        </output>
      </div>
      {at !== undefined &&
        (state.isError ? (
          <p className="form-error" role="alert">
            {state.error.message}
          </p>
        ) : state.data ? (
          <State name={name} state={state.data} waiting={state.isPlaceholderData} />
        ) : (
          <Loading rows={2} />
        ))}
    </section>
  );
}

/** As an <input type="datetime-local"> has it, in the person's time zone. */
function localText(ms: number): string {
  return formatMoment(ms).slice(0, 19).replace(' ', 'T');
}

// More are a list of their own, which the time line tells better.
const mostVersions = 50;

function State({ name, state, waiting }: { name: string; state: AsOf; waiting: boolean }) {
  const { aliases, versions } = useMemo(() => asOfState(state), [state]);
  return (
    <div className="as-of-state" aria-busy={waiting}>
      <p>
        {aliases.length === 0 && <span className="faint">No version had an alias.</span>}
        {aliases.map((one) => (
          <AliasChip key={one.alias} name={name} alias={one.alias} version={one.version} />
        ))}
      </p>
      <p className="faint">
        {plural(versions.length, 'version')}
        {state.as_of.entry ? `, by entry ${formatCount(state.as_of.entry)} of the ledger` : ''}
      </p>
      {versions.length > 0 && (
        <table className="plain" aria-label="Versions as of then">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Aliases</th>
              <th scope="col">Stage</th>
            </tr>
          </thead>
          <tbody>
            {versions.slice(0, mostVersions).map((one) => (
              <tr key={one.version}>
                <th scope="row">
                  <a href={versionHref(name, one.version)}>Version {one.version}</a>
                </th>
                <td>
                  {one.aliases.length === 0 && <span className="faint">–</span>}
                  {one.aliases.map((alias) => (
                    <AliasName key={alias} alias={alias} />
                  ))}
                </td>
                <td>
                  <Stage stage={one.stage} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {versions.length > mostVersions && <p className="faint empty">The newest {mostVersions}.</p>}
    </div>
  );
}

// --- the time line -------------------------------------------------------------------------------------------

const kindIcons: Record<ReturnType<typeof ledgerKind>, IconName> = {
  move: 'up',
  good: 'check',
  bad: 'cross',
  gate: 'lock',
  plain: 'pencil',
};

function Entry({ name, entry }: { name: string; entry: LedgerEntry }) {
  const [open, setOpen] = useState(false);
  const kind = ledgerKind(entry);
  const sentence = ledgerSentence(entry);
  const details = changesOf({ before: entry.before, after: entry.after });
  return (
    <li className={`timeline-entry kind-${kind}`}>
      <span className="timeline-mark" aria-hidden="true">
        <Icon name={kindIcons[kind]} />
      </span>
      <div className="timeline-body">
        <p>
          <strong>{entry.actor || 'Somebody unknown'}</strong>
          {entry.claimed && entry.actor && <span className="faint"> (as claimed)</span>} {sentence}
          {entry.forced && (
            <>
              {' '}
              <span className="badge badge-bad">
                <Icon name="lock" /> forced
              </span>
            </>
          )}
        </p>
        {entry.reason && <p className="reason">“{entry.reason}”</p>}
        <p className="faint timeline-facts">
          <Ago ms={entry.at} />
          {entry.version !== undefined && entry.version > 0 && (
            <a href={versionHref(name, entry.version)}>Version {entry.version}</a>
          )}
          {entry.run_url && <OutLink href={entry.run_url}>Where it came from</OutLink>}
          <button
            type="button"
            className={`link faint fold-words ${open ? 'open' : ''}`}
            aria-expanded={open}
            aria-label={`Details of entry ${entry.entry}`}
            onClick={() => setOpen(!open)}
          >
            Details
          </button>
        </p>
        {open && (
          <dl className="timeline-details">
            <Detail label="Entry">{formatCount(entry.entry)}</Detail>
            <Detail label="Time">{formatMoment(entry.at)}</Detail>
            <Detail label="Action">
              <code>{entry.action}</code>
            </Detail>
            {entry.method && <Detail label="Known by">{entry.method}</Detail>}
            {entry.client && <Detail label="Client">{entry.client}</Detail>}
            {entry.address && <Detail label="Address">{entry.address}</Detail>}
            {details.map(({ key, before, after }) => (
              <Detail key={key} label={key || 'Change'}>
                {before !== undefined && <del>{before}</del>}
                {before !== undefined && after !== undefined && ' → '}
                {after !== undefined && <span>{after}</span>}
                {before !== undefined && after === undefined && ' (gone)'}
              </Detail>
            ))}
            {entry.sha256 && (
              <Detail label="SHA-256">
                <code title={entry.sha256}>{entry.sha256.slice(0, 16)}…</code>
                <Copy text={entry.sha256} label="Copy the hash of the entry" />
              </Detail>
            )}
          </dl>
        )}
      </div>
    </li>
  );
}

function Detail({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
