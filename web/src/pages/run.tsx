// The page of one run: what it was started with, what it measured, and how that developed.
import { lazy, Suspense, useMemo, useRef, useState } from 'react';
import { deleteRun, deleteRunTag, renameRun, restoreRun, setRunTag } from '../api/client';
import { ApiError } from '../api/http';
import { useMayExperiment } from '../api/access';
import { useExperiment, useRefresh, useRun, useTitle } from '../api/queries';
import { useFirstRuns } from '../api/run-list';
import type { Run } from '../api/types';
import { ChartPanel } from '../charts/panel';
import { colourOf } from '../lib/colours';
import { formatCount, formatMoment } from '../lib/format';
import { experimentHref, isLive, noteKey, runHref, runName, runParent, runUser, tagOf } from '../lib/run';
import { VersionsOf } from '../registry/versions-of';
import { navigate } from '../router';
import { Description } from '../ui/description';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { Ago, Copy, EditableName, Elapsed, Fact, Failure, Loading, Status } from '../ui/parts';
import { useShortcuts } from '../ui/shortcuts';
import { Tags } from '../ui/tags';
import { toast } from '../ui/toast';
import { Overview } from './run-overview';

const RunArtifacts = lazy(() => import('../artifacts/run-artifacts'));

const tabs = [
  { id: '', label: 'Overview' },
  { id: 'metrics', label: 'Metrics' },
  { id: 'artifacts', label: 'Artifacts' },
  { id: 'tags', label: 'Tags' },
] as const;

// Names of tabs that say how many they hold.
const counted = new Set<string>(['metrics', 'tags']);

// MLflow's own pages name their tabs differently: their links open the nearest one here.
const otherNames: Record<string, string> = {
  'model-metrics': 'metrics',
  'system-metrics': 'metrics',
  artifactPath: 'artifacts',
};

export default function RunPage(props: {
  runId: string;
  experimentId: string;
  tab: string;
  /** Of the artifact that is chosen. */
  path: string;
}) {
  const { runId, experimentId, tab, path } = props;
  const wanted = otherNames[tab] ?? tab;
  const shown = tabs.find((one) => one.id === wanted) ?? tabs[0];
  const query = useRun(runId);
  const run = query.data;
  useTitle(shown.id ? shown.label : undefined, run ? runName(run) : runId.slice(0, 8));
  if (query.isError && !run)
    return (
      <Failure
        what={
          query.error instanceof ApiError && query.error.status === 404
            ? 'There is no such run'
            : 'The run could not be loaded'
        }
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!run) return <Loading />;
  // A link may name another experiment than the one the run is in: the run knows better.
  return (
    <Loaded run={run} experimentId={run.info.experiment_id || experimentId} tab={shown.id} path={path} />
  );
}

function Loaded(props: { run: Run; experimentId: string; tab: (typeof tabs)[number]['id']; path: string }) {
  const { run, experimentId, tab, path } = props;
  const { info } = run;
  const refresh = useRefresh();
  const search = useRef<HTMLInputElement>(null);
  const [asking, setAsking] = useState(false);
  const deleted = info.lifecycle_stage === 'deleted';
  const may = useMayExperiment(experimentId);
  useShortcuts({ '/': () => search.current?.focus() });
  const colours = useMemo(() => new Map([[info.run_id, colourOf(info.run_id)]]), [info.run_id]);
  const runs = useMemo(() => [run], [run]);
  const counts: Record<string, number> = {
    metrics: run.data?.metrics?.length ?? 0,
    tags: run.data?.tags?.filter((one) => !one.key.startsWith('mlflow.')).length ?? 0,
  };
  const restore = () =>
    restoreRun(info.run_id).then(
      () => {
        toast(`Restored ${runName(run)}.`);
        return refresh.runs();
      },
      (cause: Error) => toast(cause.message, 'failed'),
    );
  return (
    <div className="page run">
      <div className="page-head">
        <div className="page-title">
          <EditableName
            value={runName(run)}
            label="Rename run"
            readOnly={!may.edit}
            onSave={(name) =>
              renameRun(info.run_id, name).then(() => {
                toast('Renamed.');
                return refresh.runs();
              })
            }
          />
          <Status status={info.status} />
          {deleted ? (
            <span className="deleted-note">
              Deleted
              {may.remove && (
                <button type="button" onClick={() => void restore()}>
                  <Icon name="restore" /> Restore
                </button>
              )}
            </span>
          ) : (
            may.remove && (
              <button type="button" className="quiet end" aria-label="Delete" onClick={() => setAsking(true)}>
                <Icon name="trash" /> <span className="wide-only">Delete</span>
              </button>
            )
          )}
        </div>
        <Facts run={run} experimentId={experimentId} />
        <Description
          text={tagOf(run, noteKey) ?? ''}
          readOnly={deleted || !may.edit}
          onSave={(text) => setRunTag(info.run_id, noteKey, text).then(() => refresh.runs())}
        />
        <nav className="tabs" aria-label="Parts of the run">
          {tabs.map((one) => (
            <a key={one.id} href={runHref(info, one.id)} aria-current={one.id === tab ? 'page' : undefined}>
              {one.label}
              {counted.has(one.id) && <span className="count">{formatCount(counts[one.id] ?? 0)}</span>}
            </a>
          ))}
        </nav>
      </div>
      {tab === 'artifacts' && (
        <div className="page-body whole">
          <Suspense fallback={<Loading />}>
            <RunArtifacts run={run} path={path} mayEdit={may.edit} />
          </Suspense>
        </div>
      )}
      <div
        className="page-body scrolls"
        tabIndex={0}
        role="region"
        aria-label={tabs.find((one) => one.id === tab)?.label}
        hidden={tab === 'artifacts'}
      >
        {tab === '' && <Overview run={run} searchRef={search} />}
        {tab === 'metrics' && (
          <ChartPanel runs={runs} colours={colours} group={info.run_id} searchRef={search} searchHint />
        )}
        {tab === 'tags' && (
          <Tags
            tags={run.data?.tags ?? []}
            searchRef={search}
            readOnly={deleted || !may.edit}
            onSet={(key, value) => setRunTag(info.run_id, key, value)}
            onDelete={(key) => deleteRunTag(info.run_id, key)}
            onChanged={() => refresh.runs()}
          />
        )}
      </div>
      {asking && (
        <FormDialog
          title="Delete run"
          action="Delete"
          danger
          onClose={() => setAsking(false)}
          onSubmit={async () => {
            await deleteRun(info.run_id);
            void refresh.runs();
            toast(`Deleted ${runName(run)}.`, 'done', { label: 'Undo', run: () => void restore() });
            navigate(experimentHref(experimentId));
          }}
        >
          <p>
            Delete <strong>{runName(run)}</strong>? It can be restored from the list of deleted runs.
          </p>
        </FormDialog>
      )}
    </div>
  );
}

function Facts({ run, experimentId }: { run: Run; experimentId: string }) {
  const { info } = run;
  const experiment = useExperiment(experimentId);
  const source = tagOf(run, 'mlflow.source.name');
  const commit = tagOf(run, 'mlflow.source.git.commit');
  const branch = tagOf(run, 'mlflow.source.git.branch');
  const parent = runParent(run);
  return (
    <dl className="facts-grid">
      <Fact label="Run ID">
        <code>{info.run_id}</code>
        <Copy text={info.run_id} label="Copy run ID" />
      </Fact>
      <Fact label="Experiment">
        <a href={experimentHref(experimentId)}>{experiment.data?.name ?? experimentId}</a>
      </Fact>
      <Fact label="Started">
        {info.start_time ? (
          <>
            <Ago ms={info.start_time} />{' '}
            <span className="faint wide-only">{formatMoment(info.start_time)}</span>
          </>
        ) : (
          '–'
        )}
      </Fact>
      <Fact label="Duration">
        <Elapsed start={info.start_time} end={info.end_time} live={isLive(run)} />
      </Fact>
      {runUser(run) && <Fact label="User">{runUser(run)}</Fact>}
      {source && (
        <Fact label="Source">
          <span className="clip" title={source}>
            {source}
          </span>
        </Fact>
      )}
      {commit && (
        <Fact label="Commit">
          <code title={commit}>{commit.slice(0, 10)}</code>
          {branch && <span className="faint"> on {branch}</span>}
          <Copy text={commit} label="Copy commit" />
        </Fact>
      )}
      {parent && <ParentFact id={parent} experimentId={experimentId} />}
      <VersionsOf of={{ run_id: info.run_id }} />
      <Children run={run} experimentId={experimentId} />
    </dl>
  );
}

function ParentFact({ id, experimentId }: { id: string; experimentId: string }) {
  const { data } = useRun(id);
  return (
    <Fact label="Parent">
      <a href={runHref({ run_id: id, experiment_id: data?.info.experiment_id ?? experimentId })}>
        {data ? runName(data) : id.slice(0, 8)}
      </a>
    </Fact>
  );
}

const parentName = 'tags.`mlflow.parentRunId`';
const nameTag = 'tags.`mlflow.runName`';
const oldestFirst = ['attributes.start_time ASC'];

// A line or two of names at first; more than the second number are a list, for which the table is the better place.
const fewChildren = 8;
const manyChildren = 100;

/** Runs nested in this one. */
function Children({ run, experimentId }: { run: Run; experimentId: string }) {
  const [whole, setWhole] = useState(false);
  const { data } = useFirstRuns({
    experimentId,
    viewType: 'ACTIVE_ONLY',
    filter: `${parentName} = '${run.info.run_id}'`,
    orderBy: oldestFirst,
    maxResults: whole ? manyChildren : fewChildren,
    fields: [nameTag],
    count: true,
  });
  const children = data?.runs ?? [];
  if (children.length === 0) return null;
  const total = data?.total_count ?? children.length;
  return (
    <div className="children">
      <dt>Nested runs</dt>
      <dd>
        {children.map((one) => (
          <a key={one.info.run_id} href={runHref(one.info)} className="chip">
            {runName(one)}
          </a>
        ))}
        {total > children.length &&
          (whole ? (
            <a href={childrenHref(run)}>all {formatCount(total)} as a table</a>
          ) : (
            <button type="button" className="link" onClick={() => setWhole(true)}>
              and {formatCount(total - children.length)} more
            </button>
          ))}
      </dd>
    </div>
  );
}

function childrenHref(run: Run): string {
  const filter = `${parentName} = '${run.info.run_id}'`;
  return `${experimentHref(run.info.experiment_id)}?${new URLSearchParams({ filter }).toString()}`;
}
