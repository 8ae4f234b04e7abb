// The page of a registered model: its versions, who has which alias, its gates and its history.
import { useEffect, useMemo, useRef, useState } from 'react';
import { useMayModel } from '../api/access';
import { ApiError } from '../api/http';
import { useTitle } from '../api/queries';
import {
  deleteModel,
  deleteModelTag,
  describeModel,
  renameModel,
  setModelTag,
  useGates,
  useRefreshRegistry,
  useRegisteredModel,
  useVersion,
  useVersions,
} from '../api/registry';
import { formatCount, formatMoment } from '../lib/format';
import { sortedAliases, type RegisteredModel, type VersionDetail } from '../lib/registry';
import type { May } from '../lib/rights';
import { registeredHref, versionHref, versionsCompareHref } from '../lib/run';
import { navigate, replacePlace, usePlace } from '../router';
import { Description } from '../ui/description';
import { TypedConfirmation } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, EditableName, Fact, Failure, Loading } from '../ui/parts';
import { useRowCursor, useVisibleRows } from '../ui/rows';
import { ShareButton } from '../ui/share-button';
import { serverAddress, Snippet, useClientLines } from '../ui/start-here';
import { Tags } from '../ui/tags';
import { toast } from '../ui/toast';
import { Diff } from './diff';
import { Gates } from './gates';
import { History } from './history';
import { DeleteAliasDialog } from './move';
import { AliasChip, AliasName, CheckMarks, GateMarks, Stage } from './parts';
import { PromoteDialog } from './promote';
import { RollbackDialog } from './rollback';
import { RunLink } from './run-link';

const tabs = [
  { id: '', label: 'Versions' },
  { id: 'gates', label: 'Gates' },
  { id: 'history', label: 'History' },
  { id: 'tags', label: 'Tags' },
  { id: 'compare', label: 'Compare' },
] as const;

type Open =
  | { kind: 'promote'; version: string; alias?: string }
  | { kind: 'rollback'; alias?: string }
  | { kind: 'unset'; alias: string; version: string }
  | { kind: 'delete' };

export function RegisteredModelPage({ name, tab }: { name: string; tab: string }) {
  const shown = tabs.find((one) => one.id === tab) ?? tabs[0];
  const query = useRegisteredModel(name);
  useTitle(shown.id ? shown.label : undefined, name);
  const gone = query.error instanceof ApiError && query.error.status === 404;
  if (query.isError && (gone || !query.data))
    return (
      <Failure
        what={gone ? 'There is no such model' : 'The model could not be loaded'}
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!query.data) return <Loading />;
  return <Loaded model={query.data} tab={shown.id} />;
}

function Loaded({ model, tab }: { model: RegisteredModel; tab: (typeof tabs)[number]['id'] }) {
  const { name } = model;
  const may = useMayModel(name);
  const refresh = useRefreshRegistry();
  const [open, setOpen] = useState<Open>();
  const object = useMemo(() => ({ registered_model: name }), [name]);
  const search = useRef<HTMLInputElement>(null);
  const aliases = sortedAliases(model);
  const close = () => setOpen(undefined);
  const own = (model.tags ?? []).filter((one) => !one.key.startsWith('mlflow.')).length;
  return (
    <div className="page registered">
      <div className="page-head">
        <div className="page-title">
          <EditableName
            value={name}
            label="Rename model"
            readOnly={!may.edit}
            onSave={(next) =>
              renameModel(name, next).then(() => {
                toast('Renamed.');
                // Nothing is left under the old name to ask for again.
                replacePlace(registeredHref(next, tab));
                return refresh(name);
              })
            }
          />
          <span className="page-actions end">
            {may.promote && aliases.length > 0 && (
              <button type="button" onClick={() => setOpen({ kind: 'rollback' })}>
                <Icon name="restore" /> Roll back
              </button>
            )}
            <ShareButton object={object} name={name} canManage={may.share} />
            {may.remove && (
              <button
                type="button"
                className="quiet"
                aria-label="Delete model"
                onClick={() => setOpen({ kind: 'delete' })}
              >
                <Icon name="trash" /> <span className="wide-only">Delete</span>
              </button>
            )}
          </span>
        </div>
        <dl className="facts-grid">
          <Fact label="Aliases">
            <AliasList model={model} may={may} onOpen={setOpen} />
          </Fact>
          <Fact label="Registered">
            <Ago ms={model.creation_timestamp} />
            {model.user_id && <> by {model.user_id}</>}
          </Fact>
          <Fact label="Last update">
            <Ago ms={model.last_updated_timestamp} />
          </Fact>
        </dl>
        <Description
          text={model.description ?? ''}
          readOnly={!may.edit}
          onSave={(text) => describeModel(name, text).then(() => refresh())}
        />
        <nav className="tabs" aria-label="Parts of the model">
          {tabs.map((one) => (
            <a
              key={one.id}
              href={registeredHref(name, one.id)}
              aria-current={one.id === tab ? 'page' : undefined}
            >
              {one.label}
              {one.id === 'tags' && <span className="count">{formatCount(own)}</span>}
            </a>
          ))}
        </nav>
      </div>
      {tab === '' && <Versions model={model} may={may} onOpen={setOpen} />}
      {tab !== '' && (
        <div
          className="page-body scrolls"
          tabIndex={0}
          role="region"
          aria-label={tabs.find((one) => one.id === tab)?.label}
        >
          <div className="registry-body">
            {tab === 'gates' && <Gates name={name} mayManage={may.share} />}
            {tab === 'history' && <History name={name} />}
            {tab === 'tags' && (
              <Tags
                tags={model.tags ?? []}
                searchRef={search}
                readOnly={!may.edit}
                onSet={(key, value) => setModelTag(name, key, value)}
                onDelete={(key) => deleteModelTag(name, key)}
                onChanged={() => refresh()}
              />
            )}
            {tab === 'compare' && <Compare name={name} />}
          </div>
        </div>
      )}
      {open?.kind === 'promote' && (
        <PromoteDialog
          model={model}
          version={open.version}
          may={may}
          onClose={close}
          {...(open.alias === undefined ? {} : { alias: open.alias })}
        />
      )}
      {open?.kind === 'rollback' && (
        <RollbackDialog
          model={model}
          onClose={close}
          {...(open.alias === undefined ? {} : { alias: open.alias })}
        />
      )}
      {open?.kind === 'unset' && (
        <DeleteAliasDialog name={name} alias={open.alias} version={open.version} onClose={close} />
      )}
      {open?.kind === 'delete' && (
        <TypedConfirmation
          title="Delete model"
          action="Delete for good"
          name={name}
          onClose={close}
          onSubmit={async () => {
            await deleteModel(name);
            toast(`Deleted ${name}.`);
            navigate('#/models');
            void refresh(name);
          }}
        >
          <p>
            All versions of <strong>{name}</strong>, its aliases, checks and approvals are gone, and cannot be
            brought back. Its history stays in the ledger; the files stay where they are.
          </p>
        </TypedConfirmation>
      )}
    </div>
  );
}

function AliasList(props: { model: RegisteredModel; may: May; onOpen: (open: Open) => void }) {
  const { model, may, onOpen } = props;
  const aliases = sortedAliases(model);
  const gates = useGates(model.name);
  // Taking a protected alias away is moving it.
  const mayTake = (alias: string) =>
    may.promote || (may.edit && gates.data !== undefined && !gates.data.some((gate) => gate.alias === alias));
  if (aliases.length === 0) return <span className="faint">none</span>;
  return (
    <ul className="alias-list">
      {aliases.map(({ alias, version }) => (
        <li key={alias}>
          <AliasChip name={model.name} alias={alias} version={version} />
          {may.promote && (
            <button
              type="button"
              className="quiet icon-only"
              aria-label={`Roll back ${alias}`}
              title="Roll back"
              onClick={() => onOpen({ kind: 'rollback', alias })}
            >
              <Icon name="restore" />
            </button>
          )}
          {mayTake(alias) && (
            <button
              type="button"
              className="quiet icon-only"
              aria-label={`Delete alias ${alias}`}
              title="Delete the alias"
              onClick={() => onOpen({ kind: 'unset', alias, version })}
            >
              <Icon name="cross" />
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

// --- versions ------------------------------------------------------------------------------------------------

const rowHeight = 40;

function Versions(props: { model: RegisteredModel; may: May; onOpen: (open: Open) => void }) {
  const { model, may, onOpen } = props;
  const { name } = model;
  const list = useVersions(name);
  const gates = useGates(name);
  const scrollRef = useRef<HTMLDivElement>(null);
  const [selected, setSelected] = useState<readonly string[]>([]);
  const rows = list.items ?? [];
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const visible = useVisibleRows({ count: rows.length, rowHeight, scrollRef, headHeight: 34 });
  const number = (index: number) => rows[index]?.model_version.version;
  const toggle = (version: string) =>
    // A comparison has two sides: the third takes the place of the first.
    setSelected((now) =>
      now.includes(version) ? now.filter((one) => one !== version) : [...now.slice(-1), version],
    );
  const { cursor, setCursor } = useRowCursor({
    count: rows.length,
    scrollRef,
    scroller: visible.scroller,
    onOpen: (index) => {
      const version = number(index);
      if (version !== undefined) navigate(versionHref(name, version));
    },
    onSelect: (index) => {
      const version = number(index);
      if (version !== undefined) toggle(version);
    },
  });
  const last = visible.indexes[visible.indexes.length - 1] ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError && last >= rows.length - 20)
      void fetchNextPage();
  }, [last, rows.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  if (list.isError && !list.items)
    return (
      <Failure
        what="The versions could not be loaded"
        error={list.error}
        onRetry={() => void list.refetch()}
      />
    );
  if (!list.items) return <Loading />;
  if (rows.length === 0) return <NoVersions name={name} mayEdit={may.edit} />;
  const [older, newer] = [...selected].sort((a, b) => Number(a) - Number(b));
  return (
    <>
      <div className="table-scroll scrolls" ref={scrollRef}>
        <table className="grid versions" role="grid" aria-label="Versions" aria-rowcount={rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" className="col-select">
                <span className="visually-hidden">Select to compare</span>
              </th>
              {columns.map(({ label, className }) => (
                <th key={label} scope="col" className={className}>
                  <span className="head-text">{label}</span>
                </th>
              ))}
              <th scope="col" className="col-actions">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {visible.before > 0 && (
              <tr aria-hidden="true" className="spacer">
                <td style={{ height: visible.before }} />
              </tr>
            )}
            {visible.indexes.map((index) => {
              const detail = rows[index];
              if (!detail) return null;
              const { version } = detail.model_version;
              return (
                <VersionRow
                  key={version}
                  detail={detail}
                  index={index}
                  at={cursor === index}
                  reachable={cursor === index || (cursor < 0 && index === 0)}
                  selected={selected.includes(version)}
                  mayMove={may.edit || may.promote}
                  gated={gates.data !== undefined && gates.data.length > 0}
                  onFocus={() => setCursor(index)}
                  onToggle={() => toggle(version)}
                  onPromote={() => onOpen({ kind: 'promote', version })}
                />
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
      {selected.length > 0 && (
        <div className="selection" role="region" aria-label="Selected versions">
          <span>
            {older !== undefined && newer !== undefined
              ? `Versions ${older} and ${newer}`
              : `Version ${older ?? ''}: select another one`}
          </span>
          {older !== undefined && newer !== undefined && (
            <a className="button primary" href={versionsCompareHref(name, older, newer)}>
              Compare
            </a>
          )}
          <button type="button" className="quiet" onClick={() => setSelected([])}>
            Clear
          </button>
        </div>
      )}
    </>
  );
}

const columns = [
  { label: 'Version', className: 'col-version' },
  { label: 'Aliases', className: 'col-aliases' },
  { label: 'Stage', className: 'col-stage' },
  { label: 'Checks', className: 'col-checks' },
  { label: 'Gates', className: 'col-gates' },
  { label: 'Source run', className: 'col-run' },
  { label: 'Registered by', className: 'col-user' },
  { label: 'Registered', className: 'col-created' },
];

function VersionRow(props: {
  detail: VersionDetail;
  index: number;
  at: boolean;
  reachable: boolean;
  selected: boolean;
  mayMove: boolean;
  /** Some gate binds the model. */
  gated: boolean;
  onFocus: () => void;
  onToggle: () => void;
  onPromote: () => void;
}) {
  const { detail, index, at, reachable, selected, mayMove, gated, onFocus, onToggle, onPromote } = props;
  const one = detail.model_version;
  return (
    <tr
      data-row={index}
      aria-rowindex={index + 2}
      tabIndex={reachable ? 0 : -1}
      onFocus={onFocus}
      className={`${at ? 'at' : ''} ${selected ? 'selected' : ''}`}
    >
      <td className="col-select">
        <input
          type="checkbox"
          tabIndex={-1}
          checked={selected}
          aria-label={`Select version ${one.version}`}
          onChange={onToggle}
        />
      </td>
      <td className="col-version">
        <a href={versionHref(one.name, one.version)} title={one.description}>
          Version {one.version}
        </a>
        {one.status !== undefined && one.status !== 'READY' && (
          <span className="badge badge-warn">
            {one.status === 'PENDING_REGISTRATION' ? 'pending' : 'failed'}
          </span>
        )}
      </td>
      <td className="col-aliases">
        <AliasesOf aliases={one.aliases ?? []} />
      </td>
      <td className="col-stage">
        <Stage stage={one.current_stage} />
      </td>
      <td className="col-checks">
        <CheckMarks checks={detail.checks ?? []} />
      </td>
      <td className="col-gates">
        {gated ? <GatesOf name={one.name} version={one.version} /> : <span className="faint">–</span>}
      </td>
      <td className="col-run">
        {one.run_id ? <RunLink id={one.run_id} /> : <span className="faint">–</span>}
      </td>
      <td className="col-user">{one.user_id || <span className="faint">–</span>}</td>
      <td className="col-created" title={one.creation_timestamp ? formatMoment(one.creation_timestamp) : ''}>
        <Ago ms={one.creation_timestamp} />
      </td>
      <td className="col-actions">
        {mayMove && (
          <button
            type="button"
            className="quiet"
            aria-label={`Promote version ${one.version}`}
            onClick={onPromote}
          >
            <Icon name="up" /> <span className="wide-only">Promote</span>
          </button>
        )}
      </td>
    </tr>
  );
}

// More do not fit beside each other; the rest is told on hover, and to who listens.
const mostAliases = 2;

function AliasesOf({ aliases }: { aliases: readonly string[] }) {
  const rest = aliases.slice(mostAliases).map((alias) => `@${alias}`);
  if (aliases.length === 0) return <span className="faint">–</span>;
  return (
    <span className="aliases-of" title={aliases.map((alias) => `@${alias}`).join(', ')}>
      {aliases.slice(0, mostAliases).map((alias) => (
        <AliasName key={alias} alias={alias} />
      ))}
      {rest.length > 0 && (
        <span className="faint">
          +{rest.length}
          <span className="visually-hidden">: {rest.join(', ')}</span>
        </span>
      )}
    </span>
  );
}

/** What gates say takes rules and metrics to judge, so it is asked for the versions in sight only. */
function GatesOf({ name, version }: { name: string; version: string }) {
  const { data } = useVersion(name, version);
  return data ? <GateMarks gates={data.gates ?? []} /> : <span className="faint">…</span>;
}

function NoVersions({ name, mayEdit }: { name: string; mayEdit: boolean }) {
  const lines = useClientLines();
  const address = serverAddress();
  if (!mayEdit)
    return (
      <div className="state">
        <h2>No versions yet</h2>
      </div>
    );
  const quoted = JSON.stringify(name);
  const shell = JSON.stringify({ name, source: 's3://models/1' }).replace(/'/g, `'\\''`);
  return (
    <div className="table-scroll scrolls" tabIndex={0} role="region" aria-label="How to register a version">
      <section className="welcome" aria-labelledby="welcome">
        <h2 id="welcome">Register the first version</h2>
        <div className="start-here">
          <Snippet
            title="What a run logged, from Python"
            text={`import mlflow\nmlflow.set_tracking_uri("${address}")\nmlflow.register_model("runs:/RUN_ID/model", ${quoted})`}
          />
          <Snippet
            title="or anything that is stored somewhere, from the shell"
            text={`curl ${address}/api/2.0/mlflow/model-versions/create \\\n${lines.curl}  -H 'Content-Type: application/json' \\\n  -d '${shell}'`}
          />
          <p className="faint">It appears here by itself, no reload needed.</p>
        </div>
      </section>
    </div>
  );
}

// --- compare -------------------------------------------------------------------------------------------------

function Compare({ name }: { name: string }) {
  const { query } = usePlace();
  const list = useVersions(name);
  const known = list.items?.map((one) => one.model_version.version) ?? [];
  const [a, b] = (query.get('versions') ?? '').split(',').filter((one) => /^\d+$/.test(one));
  const [newest, before] = known;
  const first = a ?? before;
  const second = b ?? newest;
  if (first === undefined || second === undefined) {
    if (!list.items) return <Loading />;
    return (
      <div className="state small">
        <h2>Nothing to compare</h2>
        <p className="faint">It takes two versions.</p>
      </div>
    );
  }
  return <Diff name={name} versions={[first, second]} known={known} />;
}
