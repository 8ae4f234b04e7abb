// All registered models: found by a filter, page by page.
import { useEffect, useRef, useState } from 'react';
import { useMayCreate, useMayWorkspace } from '../api/access';
import { ApiError } from '../api/http';
import { useTitle } from '../api/queries';
import { createModel, useModels, useRefreshRegistry } from '../api/registry';
import { shapeOf } from '../lib/filter';
import { formatCount, plural } from '../lib/format';
import {
  modelFilterOf,
  newestVersion,
  sortedAliases,
  stagesInUse,
  type RegisteredModel,
} from '../lib/registry';
import { registeredHref, versionHref } from '../lib/run';
import { useRemembered } from '../lib/storage';
import { navigate, setQuery, usePlace } from '../router';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, Failure, Loading, Popover, SearchField } from '../ui/parts';
import { useRowCursor, useVisibleRows } from '../ui/rows';
import { useShortcuts } from '../ui/shortcuts';
import { serverAddress, Snippet, TokenHint, useClientLines } from '../ui/start-here';
import { toast } from '../ui/toast';
import { ActorField, AliasChip, Stage } from './parts';

type SortKey = 'name' | 'last_updated_timestamp';

const columns: { key: SortKey | undefined; label: string; className: string }[] = [
  { key: 'name', label: 'Name', className: 'col-name' },
  { key: undefined, label: 'Newest', className: 'col-newest' },
  { key: undefined, label: 'Aliases', className: 'col-aliases' },
  { key: undefined, label: 'Stages', className: 'col-stages' },
  { key: undefined, label: 'Tags', className: 'col-tags' },
  { key: 'last_updated_timestamp', label: 'Last update', className: 'col-updated' },
];

const rowHeight = 40;
// As long as a person stops to think, not between two keys.
const pauseMs = 600;

export function ModelList() {
  useTitle('Models');
  const { query } = usePlace();
  const text = query.get('filter') ?? '';
  const [sort, setSort] = useRemembered<{ key: SortKey; descending: boolean }>('models.sort', {
    key: 'last_updated_timestamp',
    descending: true,
  });
  const list = useModels(modelFilterOf(text), `${sort.key} ${sort.descending ? 'DESC' : 'ASC'}`);
  const mayCreate = useMayCreate();
  const mayWorkspace = useMayWorkspace();
  const [creating, setCreating] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const scrollRef = useRef<HTMLDivElement>(null);
  useShortcuts({ '/': () => search.current?.focus() });

  const rows = list.items ?? [];
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const visible = useVisibleRows({ count: rows.length, rowHeight, scrollRef, headHeight: 34 });
  const { cursor, setCursor } = useRowCursor({
    count: rows.length,
    scrollRef,
    scroller: visible.scroller,
    onOpen: (index) => rows[index] && navigate(registeredHref(rows[index].name)),
  });
  const last = visible.indexes[visible.indexes.length - 1] ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError && last >= rows.length - 20)
      void fetchNextPage();
  }, [last, rows.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  const refused =
    list.isError && list.error instanceof ApiError && list.error.status === 400 && !isFetchNextPageError
      ? list.error.message
      : undefined;
  const none = list.items?.length === 0 && refused === undefined;
  return (
    <div className="page registry">
      <div className="page-head">
        <div className="page-title">
          <h1>Models</h1>
          {list.items && (
            <span className="count" aria-live="polite">
              {formatCount(rows.length)}
              {hasNextPage && '+'}
            </span>
          )}
        </div>
        <div className="bar">
          <ModelFilter value={text} inputRef={search} trouble={refused} />
          {mayWorkspace.read && (
            <a className="button end" href="#/gates">
              <Icon name="lock" /> Gates
            </a>
          )}
          {mayCreate && (
            <button
              type="button"
              className={mayWorkspace.read ? 'primary' : 'primary end'}
              onClick={() => setCreating(true)}
            >
              <Icon name="plus" /> New model
            </button>
          )}
        </div>
      </div>
      {list.isError && !list.items && refused === undefined ? (
        <Failure
          what="The models could not be loaded"
          error={list.error}
          onRetry={() => void list.refetch()}
        />
      ) : !list.items ? (
        refused === undefined && <Loading />
      ) : none ? (
        text ? (
          <div className="state">
            <h2>No model matches</h2>
            <button type="button" onClick={() => setQuery({ filter: undefined })}>
              Clear the filter
            </button>
          </div>
        ) : (
          <Empty mayCreate={mayCreate} />
        )
      ) : (
        <div className="table-scroll scrolls" ref={scrollRef} aria-busy={list.isPlaceholderData}>
          <table className="grid" role="grid" aria-label="Registered models" aria-rowcount={rows.length + 1}>
            <thead>
              <tr aria-rowindex={1}>
                {columns.map(({ key, label, className }) => (
                  <th
                    key={label}
                    scope="col"
                    className={className}
                    aria-sort={
                      key === undefined || sort.key !== key
                        ? undefined
                        : sort.descending
                          ? 'descending'
                          : 'ascending'
                    }
                  >
                    {key === undefined ? (
                      <span className="head-text">{label}</span>
                    ) : (
                      <button
                        type="button"
                        className="sort"
                        onClick={() =>
                          setSort({ key, descending: sort.key === key ? !sort.descending : key !== 'name' })
                        }
                      >
                        {label}
                        {sort.key === key && <Icon name={sort.descending ? 'down' : 'up'} />}
                      </button>
                    )}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {visible.before > 0 && (
                <tr aria-hidden="true" className="spacer">
                  <td style={{ height: visible.before }} />
                </tr>
              )}
              {visible.indexes.map((index) => {
                const model = rows[index];
                return (
                  model && (
                    <ModelRow
                      key={model.name}
                      model={model}
                      index={index}
                      at={cursor === index}
                      reachable={cursor === index || (cursor < 0 && index === 0)}
                      onFocus={() => setCursor(index)}
                    />
                  )
                );
              })}
              {visible.after > 0 && (
                <tr aria-hidden="true" className="spacer">
                  <td style={{ height: visible.after }} />
                </tr>
              )}
            </tbody>
          </table>
          {isFetchNextPageError && (
            <p className="more-pages" role="alert">
              Loading failed: {list.error?.message}
              <button type="button" onClick={() => void fetchNextPage()}>
                Try again
              </button>
            </p>
          )}
        </div>
      )}
      {creating && <NewModel onClose={() => setCreating(false)} />}
    </div>
  );
}

// A cell has room for a few; the page of the model has them all.
const fewAliases = 3;
const fewTags = 2;

function ModelRow(props: {
  model: RegisteredModel;
  index: number;
  at: boolean;
  reachable: boolean;
  onFocus: () => void;
}) {
  const { model, index, at, reachable, onFocus } = props;
  const newest = newestVersion(model);
  const aliases = sortedAliases(model);
  const tags = (model.tags ?? []).filter((tag) => !tag.key.startsWith('mlflow.'));
  const stages = stagesInUse(model);
  return (
    <tr
      data-row={index}
      aria-rowindex={index + 2}
      tabIndex={reachable ? 0 : -1}
      onFocus={onFocus}
      className={at ? 'at' : ''}
    >
      <td className="col-name">
        <a href={registeredHref(model.name)} title={model.description || model.name}>
          {model.name}
        </a>
      </td>
      <td className="col-newest">
        {newest ? (
          <a href={versionHref(model.name, newest.version)}>v{newest.version}</a>
        ) : (
          <span className="faint">none</span>
        )}
      </td>
      <td className="col-aliases">
        {aliases.slice(0, fewAliases).map((one) => (
          <AliasChip key={one.alias} name={model.name} alias={one.alias} version={one.version} />
        ))}
        {aliases.length > fewAliases && <span className="faint">+{aliases.length - fewAliases}</span>}
        {aliases.length === 0 && <span className="faint">–</span>}
      </td>
      <td className="col-stages">
        {stages.length === 0 && <span className="faint">–</span>}
        {stages.map((stage) => (
          <Stage key={stage} stage={stage} />
        ))}
      </td>
      <td className="col-tags faint" title={tags.map((tag) => `${tag.key}: ${tag.value ?? ''}`).join('\n')}>
        {tags
          .slice(0, fewTags)
          .map((tag) => (tag.value ? `${tag.key}: ${tag.value}` : tag.key))
          .join(', ') || '–'}
        {tags.length > fewTags && ` +${tags.length - fewTags}`}
      </td>
      <td className="col-updated">
        <Ago ms={model.last_updated_timestamp} />
      </td>
    </tr>
  );
}

const examples: [string, string][] = [
  ["name LIKE 'churn%'", 'names that begin so'],
  ["name ILIKE '%forest%'", 'in any case'],
  ["tags.team = 'risk'", 'a tag with a value'],
  ["name LIKE 'fraud%' AND tags.tier != 'test'", 'both must hold'],
];

function ModelFilter(props: {
  value: string;
  inputRef: React.RefObject<HTMLInputElement | null>;
  trouble: string | undefined;
}) {
  const { value, inputRef, trouble } = props;
  const [draft, setDraft] = useState(value);
  const [seen, setSeen] = useState(value);
  if (seen !== value) {
    setSeen(value);
    // A space after the last word is part of what is being typed, and not of what was applied.
    if (draft.trim() !== value) setDraft(value);
  }
  // One entry of the history for one search, however often typing paused.
  const typing = useRef(false);
  const shape = shapeOf(draft);
  // What is written in the language waits for Enter until it is whole; the server knows fields that runs do not have.
  const ripe =
    shape === 'empty' || shape === 'whole' || shape === 'words' || /['"]\s*\)?$/.test(draft.trim());
  useEffect(() => {
    if (!ripe || draft.trim() === value) return;
    const timer = setTimeout(() => {
      setQuery({ filter: draft.trim() }, typing.current ? 'replace' : 'push');
      typing.current = true;
    }, pauseMs);
    return () => clearTimeout(timer);
  }, [ripe, draft, value]);
  return (
    <div className="model-filter">
      <form
        className="bar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          setQuery({ filter: draft.trim() }, typing.current ? 'replace' : 'push');
          typing.current = false;
        }}
      >
        <SearchField
          inputRef={inputRef}
          value={draft}
          onChange={(next) => {
            setDraft(next);
            if (next === '') setQuery({ filter: undefined });
          }}
          label="Filter models"
          placeholder="A name, or tags.team = 'risk'"
          invalid={trouble !== undefined}
          hint
        />
        <Popover name="Help on filters" className="filter-help" label={<Icon name="help" />}>
          {(close) => (
            <div className="help-panel scrolls" tabIndex={0} role="group" aria-label="What a filter can say">
              <p>
                Words alone are looked for in the names of models. Conditions on <code>name</code> and{' '}
                <code>tags</code> are put together with <code>AND</code>.
              </p>
              <h2>Examples</h2>
              <ul className="examples">
                {examples.map(([filter, words]) => (
                  <li key={filter}>
                    <button
                      type="button"
                      onClick={() => {
                        typing.current = false;
                        setQuery({ filter }, 'push');
                        close();
                      }}
                    >
                      <code>{filter}</code>
                      <span className="faint">{words}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          )}
        </Popover>
      </form>
      {trouble !== undefined && (
        <p className="filter-error" role="alert">
          {trouble}
        </p>
      )}
    </div>
  );
}

function Empty({ mayCreate }: { mayCreate: boolean }) {
  const lines = useClientLines();
  const address = serverAddress();
  if (!mayCreate)
    return (
      <div className="state">
        <h2>There is no model that you may see</h2>
        <p className="faint">Somebody who manages one can let you see it; so can an administrator.</p>
      </div>
    );
  const python = [
    'import mlflow',
    'with mlflow.start_run():',
    '    mlflow.sklearn.log_model(model, name="model", registered_model_name="churn")',
  ].join('\n');
  const headers = `${lines.curl}  -H 'Content-Type: application/json' \\\n`;
  const curl = [
    `curl ${address}/api/2.0/mlflow/registered-models/create \\\n${headers}  -d '{"name": "churn"}'`,
    `curl ${address}/api/2.0/mlflow/model-versions/create \\\n${headers}  -d '{"name": "churn", "source": "s3://models/churn/1"}'`,
  ].join('\n');
  return (
    <div className="table-scroll scrolls" tabIndex={0} role="region" aria-label="How to register a model">
      <section className="welcome" aria-labelledby="welcome">
        <h2 id="welcome">Register your first model</h2>
        <p className="faint">
          A registered model has a name, numbered versions, and aliases such as <code>production</code> that
          say which version is meant.
        </p>
        <div className="start-here">
          <Snippet title="1. Point your MLflow client at this server" text={lines.environment} />
          <TokenHint />
          <Snippet title="2. Register what a run logs, from Python" text={python} />
          <Snippet title="or anything that is stored somewhere, from the shell" text={curl} />
          <p className="faint">The model appears here by itself, no reload needed.</p>
        </div>
      </section>
    </div>
  );
}

function NewModel({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [about, setAbout] = useState('');
  const refresh = useRefreshRegistry();
  return (
    <FormDialog
      title="New model"
      action="Register"
      disabled={name.trim() === ''}
      onClose={onClose}
      onSubmit={async () => {
        await createModel(name.trim(), about.trim());
        void refresh();
        toast(`Registered ${name.trim()}.`);
        navigate(registeredHref(name.trim()));
      }}
    >
      <label className="field">
        Name
        <input
          value={name}
          required
          maxLength={256}
          autoFocus
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label className="field">
        Description
        <textarea
          rows={4}
          value={about}
          maxLength={5000}
          onChange={(event) => setAbout(event.target.value)}
        />
      </label>
      <p className="faint">{plural(name.trim().length, 'character')} of at most 256; neither / nor :</p>
      <ActorField />
    </FormDialog>
  );
}
