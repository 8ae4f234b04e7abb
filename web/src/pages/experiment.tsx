// The page of one experiment: its runs as a table and as charts.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { deleteRun, renameExperiment, restoreExperiment, restoreRun, setExperimentTag } from '../api/client';
import { useExperiment, useRefresh, useRuns, useTitle } from '../api/queries';
import { ApiError } from '../api/http';
import type { Run } from '../api/types';
import { maxChartRuns } from '../api/chart';
import { ChartPanel } from '../charts/panel';
import {
  cellOf,
  columnLabel,
  firstColumns,
  knownKeys,
  orderColumns,
  runMatcher,
  splitColumn,
  type ColumnId,
} from '../lib/cells';
import { claimColours, coloursOf } from '../lib/colours';
import { formatCount, plural } from '../lib/format';
import { compareHref, descriptionOf, noteKey, runName, runParent } from '../lib/run';
import { compareCells } from '../lib/sort';
import { useRemembered } from '../lib/storage';
import { nest } from '../lib/tree';
import { navigate, setQuery, usePlace } from '../router';
import { Description } from '../ui/description';
import { FormDialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { useMedia } from '../ui/media';
import { Ago, Copy, EditableName, Failure, Loading, SearchField, Segmented } from '../ui/parts';
import { useShortcuts } from '../ui/shortcuts';
import { Split } from '../ui/splitter';
import { StartHere } from '../ui/start-here';
import { announce, toast } from '../ui/toast';
import { ColumnChooser } from './column-chooser';
import { RunTable, type Sort } from './run-table';

type View = 'table' | 'split' | 'charts';

const views = [
  { value: 'table', label: 'Table', icon: 'table', iconOnly: true },
  { value: 'split', label: 'Table and charts', icon: 'split', iconOnly: true },
  { value: 'charts', label: 'Charts', icon: 'chart', iconOnly: true },
] as const;

// What the server can order by, so that sorting reaches runs that are not loaded yet.
const serverOrders: Record<string, string> = {
  'attribute:start_time': 'attributes.start_time',
  'attribute:name': 'attributes.run_name',
  'attribute:status': 'attributes.status',
  'attribute:user': 'attributes.user_id',
  'attribute:run_id': 'attributes.run_id',
};

const newestFirst: Sort = { column: 'attribute:start_time', descending: true };

export default function ExperimentPage({ experimentId }: { experimentId: string }) {
  const { query } = usePlace();
  const deleted = query.get('show') === 'deleted';
  const text = query.get('q') ?? '';
  const sort = useMemo(() => readSort(query.get('sort')), [query]);
  const experiment = useExperiment(experimentId);
  useTitle(deleted ? 'Deleted runs' : undefined, experiment.data?.name ?? `Experiment ${experimentId}`);

  const serverKey = serverOrders[sort.column];
  const orderBy = serverKey
    ? `${serverKey} ${sort.descending ? 'DESC' : 'ASC'}`
    : 'attributes.start_time DESC';
  const list = useRuns(experimentId, deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY', orderBy, {
    enabled: experiment.isSuccess,
  });
  const { runs, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;

  const [nesting, setNesting] = useRemembered(`nest.${experimentId}`, true);
  const [chosen, setChosen] = useRemembered<ColumnId[] | null>(`columns.${experimentId}`, null);
  const [view, setView] = useRemembered<View>('view', 'split');
  const narrow = useMedia('(max-width: 899px)');
  const shownView: View = narrow && view === 'split' ? 'table' : view;
  const [selected, setSelected] = useState<Set<string>>(() => new Set());
  const [asking, setAsking] = useState(false);
  const [loadingAll, setLoadingAll] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const refresh = useRefresh();

  useEffect(() => {
    if (!loadingAll || isFetchingNextPage) return;
    if (hasNextPage && !isFetchNextPageError) {
      void fetchNextPage();
      return;
    }
    setLoadingAll(false);
    if (!hasNextPage) announce('All runs are loaded.');
  }, [loadingAll, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  const known = useMemo(() => knownKeys(runs), [runs]);
  const usual = useUsualColumns(experimentId, runs);
  const columns = useMemo(() => orderColumns(chosen ?? usual), [chosen, usual]);

  const matching = useMemo(() => (text.trim() ? runs.filter(runMatcher(text)) : runs), [runs, text]);
  const sorted = useMemo(() => sortRuns(matching, sort), [matching, sort]);
  const anyNested = useMemo(() => runs.some((run) => runParent(run) !== undefined), [runs]);
  const nested = nesting && anyNested;
  const tree = useMemo(
    () =>
      nested
        ? nest(sorted, (run) => run.info.run_id, runParent)
        : sorted.map((item) => ({ item, children: [] })),
    [sorted, nested],
  );

  const [first, setFirst] = useState<Run[]>([]);
  const onVisible = useCallback((next: Run[]) => {
    setFirst((now) => (now.length === next.length && now.every((run, i) => run === next[i]) ? now : next));
  }, []);
  const byId = useMemo(() => new Map(runs.map((run) => [run.info.run_id, run])), [runs]);
  // What was selected and is gone meanwhile does not count any more.
  const chosenRuns = useMemo(() => sorted.filter((run) => selected.has(run.info.run_id)), [sorted, selected]);
  const selection = useMemo(() => [...selected].filter((id) => byId.has(id)), [selected, byId]);
  const fallback = shownView === 'charts' && first.length === 0 ? sorted.slice(0, 10) : first;
  const charted = useMemo(
    () =>
      chosenRuns.length
        ? chosenRuns.slice(0, maxChartRuns)
        : fallback.map((run) => byId.get(run.info.run_id) ?? run),
    [chosenRuns, fallback, byId],
  );
  const chartedIds = charted.map((run) => run.info.run_id).join(',');
  const colours = useMemo(() => {
    const ids = chartedIds.split(',').filter(Boolean);
    claimColours(ids);
    return coloursOf(ids);
  }, [chartedIds]);

  const compare = () => {
    if (selection.length >= 2) navigate(compareHref(chosenRuns.map((run) => run.info.run_id)));
    else toast('Select two or more runs to compare them.');
  };
  useShortcuts({
    '/': () => search.current?.focus(),
    Escape: () => setSelected(new Set()),
  });
  const onEnd = useCallback(() => {
    // After a failure only a person asks again, so that a struggling server is not pressed.
    if (!text && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [text, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  if (experiment.isError && !experiment.data)
    return (
      <Failure
        what={
          experiment.error instanceof ApiError && experiment.error.status === 404
            ? 'There is no such experiment'
            : 'The experiment could not be loaded'
        }
        error={experiment.error}
        onRetry={() => void experiment.refetch()}
      />
    );
  if (!experiment.data) return <Loading />;
  const { name, lifecycle_stage: stage } = experiment.data;

  const table = (
    <RunTable
      rows={tree}
      columns={columns}
      nested={nested}
      sort={sort}
      onSort={(next) => setQuery({ sort: `${next.descending ? '-' : ''}${next.column}` })}
      selected={selected}
      onSelected={setSelected}
      colours={colours}
      sizesKey={experimentId}
      more={hasNextPage && !text}
      onEnd={onEnd}
      onVisible={onVisible}
      onCompare={compare}
    />
  );
  const charts = (
    <div className="side scrolls" tabIndex={0} role="region" aria-label="Charts of the runs">
      <ChartLegend charted={charted} colours={colours} selectedCount={chosenRuns.length} />
      <ChartPanel runs={charted} colours={colours} group={`experiment-${experimentId}`} />
    </div>
  );

  return (
    <div className="page experiment">
      <div className="page-head">
        <div className="page-title">
          <EditableName
            value={name}
            label="Rename experiment"
            onSave={(next) =>
              renameExperiment(experimentId, next).then(() => {
                toast('Renamed.');
                return refresh.experiments();
              })
            }
          />
          {stage === 'deleted' && (
            <DeletedNote id={experimentId} onRestored={() => void refresh.everything()} />
          )}
          <span className="facts">
            <span>
              ID <code>{experimentId}</code>
              <Copy text={experimentId} label="Copy experiment ID" />
            </span>
            <span>
              created <Ago ms={experiment.data.creation_time} />
            </span>
          </span>
        </div>
        <Description
          text={descriptionOf(experiment.data)}
          readOnly={stage === 'deleted'}
          onSave={(next) => setExperimentTag(experimentId, noteKey, next).then(() => refresh.experiments())}
        />
        <div className="bar">
          <SearchField
            inputRef={search}
            value={text}
            onChange={(value) => setQuery({ q: value })}
            label="Search runs: names, values, val/loss<0.5"
            placeholder="Search runs, or val/loss<0.5"
            hint
          />
          <Segmented
            label="Which runs"
            value={deleted ? 'deleted' : 'active'}
            options={[
              { value: 'active', label: 'Active' },
              { value: 'deleted', label: 'Deleted' },
            ]}
            onChange={(value) => {
              setSelected(new Set());
              setQuery({ show: value === 'deleted' ? 'deleted' : undefined });
            }}
          />
          {anyNested && (
            <button
              type="button"
              aria-pressed={nesting}
              onClick={() => setNesting(!nesting)}
              title="Show nested runs below their parent"
            >
              <Icon name="tree" /> <span className="wide-only">Nest</span>
            </button>
          )}
          <ColumnChooser known={known} chosen={columns} onChange={(next) => setChosen(next ?? null)} />
          <button
            type="button"
            aria-label="Refresh"
            title="Refresh (r)"
            className="icon-only"
            onClick={() => void refresh.everything()}
          >
            <Icon name="refresh" />
          </button>
          <Segmented
            label="View"
            value={shownView}
            options={narrow ? views.filter((one) => one.value !== 'split') : views}
            onChange={setView}
          />
          <Loaded
            shown={matching.length}
            loaded={runs.length}
            ready={list.isSuccess}
            more={hasNextPage}
            fetching={isFetchingNextPage}
            failed={isFetchNextPageError ? list.error?.message : undefined}
            live={list.live && !deleted}
            searching={text.trim() !== ''}
            sortedHere={!serverKey ? columnLabel(sort.column) : undefined}
            onMore={() => void fetchNextPage()}
            onAll={() => setLoadingAll(true)}
          />
        </div>
      </div>
      {list.isError && runs.length === 0 ? (
        <Failure what="The runs could not be loaded" error={list.error} onRetry={() => void list.refetch()} />
      ) : !list.isSuccess || (list.isPlaceholderData && runs.length === 0) ? (
        <Loading rows={14} />
      ) : runs.length === 0 ? (
        deleted ? (
          <div className="state">
            <h2>No deleted runs</h2>
            <p className="faint">What is deleted waits here and can be restored.</p>
          </div>
        ) : (
          <div className="table-scroll scrolls">
            <section className="welcome" aria-labelledby="welcome">
              <h2 id="welcome">No runs in this experiment yet</h2>
              <p className="faint">Scripts that log to MLflow log here unchanged.</p>
              <StartHere experiment={name} experimentId={experimentId} />
            </section>
          </div>
        )
      ) : matching.length === 0 ? (
        <div className="state">
          <h2>No loaded run matches</h2>
          <p className="faint">
            Words are looked for in names, users, parameters and tags. Compare values with{' '}
            <code>val/loss&lt;0.5</code> or <code>optimizer=adam</code>.
          </p>
          <div className="state-actions">
            <button type="button" onClick={() => setQuery({ q: undefined })}>
              Clear the search
            </button>
            {hasNextPage && (
              <button type="button" className="primary" onClick={() => setLoadingAll(true)}>
                Load all runs and search them
              </button>
            )}
          </div>
        </div>
      ) : (
        <>
          {shownView === 'split' ? (
            <Split name="experiment" first={table} second={charts} />
          ) : (
            <div className="split">{shownView === 'charts' ? charts : table}</div>
          )}
        </>
      )}
      {selection.length > 0 && (
        <div className="selection" role="group" aria-label="Selected runs">
          <strong>
            {plural(selection.length, 'run')}
            <span className="wide-only"> selected</span>
          </strong>
          <button type="button" className="primary" disabled={selection.length < 2} onClick={compare}>
            Compare
          </button>
          <button type="button" onClick={() => setAsking(true)}>
            <Icon name={deleted ? 'restore' : 'trash'} /> {deleted ? 'Restore' : 'Delete'}
          </button>
          <button type="button" className="link" onClick={() => setSelected(new Set())}>
            Clear
          </button>
          {chosenRuns.length < selection.length && (
            <span className="faint">
              {plural(selection.length - chosenRuns.length, 'of them is', 'of them are')} not in this search.
            </span>
          )}
        </div>
      )}
      {asking && (
        <ChangeRuns
          ids={selection}
          name={selection.length === 1 ? runName(byId.get(selection[0] ?? '') as Run) : undefined}
          restore={deleted}
          onClose={() => setAsking(false)}
          onDone={() => {
            setSelected(new Set());
            void refresh.runs();
          }}
        />
      )}
    </div>
  );
}

function readSort(text: string | null): Sort {
  if (!text) return newestFirst;
  const descending = text.startsWith('-');
  const column = descending ? text.slice(1) : text;
  return ['attribute', 'metric', 'param', 'tag'].includes(splitColumn(column).kind)
    ? { column, descending }
    : newestFirst;
}

function sortRuns(runs: readonly Run[], sort: Sort): Run[] {
  const now = Date.now();
  return runs
    .map((run, index) => ({ run, index, cell: cellOf(run, sort.column, now) }))
    .sort((a, b) => compareCells(a.cell, b.cell, sort.descending) || a.index - b.index)
    .map((one) => one.run);
}

/** The columns to begin with, decided once for an experiment so that they do not jump while runs arrive. */
function useUsualColumns(experimentId: string, runs: readonly Run[]): ColumnId[] {
  const [fixed, setFixed] = useState<{ id: string; count: number; columns: ColumnId[] }>();
  const current = fixed?.id === experimentId ? fixed : undefined;
  // A handful of runs says little yet: decide again until there are enough to know what differs.
  const settled = current !== undefined && (current.count >= 10 || current.count === runs.length);
  const fresh = useMemo(
    () => (settled || runs.length === 0 ? undefined : firstColumns(runs)),
    [settled, runs],
  );
  const same = fresh !== undefined && current !== undefined && fresh.join() === current.columns.join();
  if (fresh && !(same && current?.count === runs.length)) {
    const columns = same && current ? current.columns : fresh;
    setFixed({ id: experimentId, count: runs.length, columns });
  }
  return current?.columns ?? fresh ?? noColumns;
}

const noColumns: ColumnId[] = [];

function Loaded(props: {
  shown: number;
  loaded: number;
  ready: boolean;
  more: boolean;
  fetching: boolean;
  failed: string | undefined;
  live: boolean;
  searching: boolean;
  sortedHere: string | undefined;
  onMore: () => void;
  onAll: () => void;
}) {
  const { shown, loaded, ready, more, fetching, failed, live, searching, sortedHere, onMore, onAll } = props;
  if (!ready || loaded === 0) return null;
  const counted = more ? `the ${formatCount(loaded)} loaded runs` : plural(loaded, 'run');
  return (
    <p className="loaded">
      <span role="status">
        {searching
          ? `${formatCount(shown)} of ${counted} ${shown === 1 ? 'matches' : 'match'}`
          : more
            ? `${formatCount(loaded)} runs loaded, there are more`
            : plural(loaded, 'run')}
        {more && sortedHere !== undefined && `; sorted by ${sortedHere} among the loaded ones`}
      </span>
      {failed !== undefined && <span role="alert">Loading more failed: {failed}</span>}
      {more && (
        <>
          <button type="button" className="link" disabled={fetching} onClick={onMore}>
            {fetching ? 'Loading…' : failed !== undefined ? 'Try again' : 'Load more'}
          </button>
          <button type="button" className="link" disabled={fetching} onClick={onAll}>
            Load all
          </button>
        </>
      )}
      {live && (
        <span className="live" title="Something is running: the page follows it">
          <span className="pulse" aria-hidden="true" /> Live
        </span>
      )}
    </p>
  );
}

function ChartLegend(props: {
  charted: readonly Run[];
  colours: ReadonlyMap<string, number>;
  selectedCount: number;
}) {
  const { charted, colours, selectedCount } = props;
  const most = 12;
  return (
    <div className="legend-bar">
      <p className="faint">
        {selectedCount === 0
          ? `The first ${plural(charted.length, 'run')}. Select runs to choose what is drawn.`
          : selectedCount > charted.length
            ? `${charted.length} of the ${formatCount(selectedCount)} selected runs: a chart draws at most ${maxChartRuns}.`
            : `${plural(charted.length, 'selected run')}.`}
      </p>
      <ul>
        {charted.slice(0, most).map((run) => (
          <li key={run.info.run_id}>
            <span className={`dot run-${colours.get(run.info.run_id) ?? 0}`} />
            <span className="clip">{runName(run)}</span>
          </li>
        ))}
        {charted.length > most && <li className="faint">and {charted.length - most} more</li>}
      </ul>
    </div>
  );
}

function DeletedNote({ id, onRestored }: { id: string; onRestored: () => void }) {
  return (
    <span className="deleted-note">
      Deleted
      <button
        type="button"
        onClick={() => {
          restoreExperiment(id).then(onRestored, (cause: Error) => toast(cause.message, 'failed'));
        }}
      >
        <Icon name="restore" /> Restore
      </button>
    </span>
  );
}

// Enough at once to be quick, few enough to leave the server to others.
const atOnce = 4;

/** Deletes or restores runs, and offers the way back. */
async function changeAll(ids: readonly string[], change: (id: string) => Promise<unknown>): Promise<void> {
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await change(id);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

function ChangeRuns(props: {
  ids: readonly string[];
  name: string | undefined;
  restore: boolean;
  onClose: () => void;
  onDone: () => void;
}) {
  const { ids, name, restore, onClose, onDone } = props;
  const what = plural(ids.length, 'run');
  return (
    <FormDialog
      title={`${restore ? 'Restore' : 'Delete'} ${what}`}
      action={restore ? 'Restore' : 'Delete'}
      danger={!restore}
      onClose={onClose}
      onSubmit={async () => {
        await changeAll(ids, restore ? restoreRun : deleteRun);
        onDone();
        toast(
          `${restore ? 'Restored' : 'Deleted'} ${what}.`,
          'done',
          restore
            ? undefined
            : {
                label: 'Undo',
                run: () => {
                  changeAll(ids, restoreRun).then(onDone, (cause: Error) => toast(cause.message, 'failed'));
                },
              },
        );
      }}
    >
      <p>
        {restore ? 'Bring back ' : 'Delete '}
        <strong>{name ?? what}</strong>
        {restore ? '?' : '? Deleted runs can be restored from the list of deleted runs.'}
      </p>
    </FormDialog>
  );
}
