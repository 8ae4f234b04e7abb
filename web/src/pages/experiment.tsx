// The page of one experiment: its runs as a table, as groups and as charts, found by a filter.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { renameExperiment, setExperimentTag } from '../api/client';
import { useMayExperiment } from '../api/access';
import { useExperiment, useRefresh, useTitle } from '../api/queries';
import { ApiError } from '../api/http';
import { useRunCount, useRuns, useSampleRuns, useWholeRuns } from '../api/run-list';
import type { Run } from '../api/types';
import { maxChartRuns } from '../api/chart';
import { ChartPanel } from '../charts/panel';
import {
  firstColumns,
  knownKeys,
  mergeKeys,
  orderColumns,
  splitColumn,
  type ColumnId,
  type KnownKeys,
} from '../lib/cells';
import { claimColours, coloursOf } from '../lib/colours';
import { bestFirst, fieldsOfColumns, orderOf, readSort, writeSort, type Sort } from '../lib/columns';
import { filterOf, withCondition } from '../lib/filter';
import { plural } from '../lib/format';
import { isSystemKey } from '../lib/group';
import { compareHref, descriptionOf, isLive, noteKey, runName, runParent } from '../lib/run';
import { useRemembered } from '../lib/storage';
import { nest } from '../lib/tree';
import { navigate, setQuery, usePlace } from '../router';
import { Description } from '../ui/description';
import { Icon } from '../ui/icons';
import { useMedia } from '../ui/media';
import { Ago, Copy, EditableName, Failure, Loading, Segmented } from '../ui/parts';
import { ShareButton } from '../ui/share-button';
import { useShortcuts } from '../ui/shortcuts';
import { Split } from '../ui/splitter';
import { StartHere } from '../ui/start-here';
import { announce, toast } from '../ui/toast';
import { ChangeRuns } from './change-runs';
import { ColumnChooser } from './column-chooser';
import { ChartLegend, DeletedNote, Loaded, NoMatch } from './experiment-parts';
import { FilterBox } from './filter-box';
import { FilterHelp } from './filter-help';
import { GroupControls } from './group-controls';
import { GroupTable } from './group-table';
import { canGroup } from './head-menu';
import { RunTable } from './run-table';

type View = 'table' | 'split' | 'charts';

const views = [
  { value: 'table', label: 'Table', icon: 'table', iconOnly: true },
  { value: 'split', label: 'Table and charts', icon: 'split', iconOnly: true },
  { value: 'charts', label: 'Charts', icon: 'chart', iconOnly: true },
] as const;

export default function ExperimentPage({ experimentId }: { experimentId: string }) {
  const { query } = usePlace();
  const deleted = query.get('show') === 'deleted';
  const text = query.get('filter') ?? '';
  const filter = useMemo(() => filterOf(text), [text]);
  const sort = useMemo(() => readSort(query.get('sort')), [query]);
  const by = query.get('group') ?? '';
  const grouped = by !== '' && canGroup(by);
  const experiment = useExperiment(experimentId);
  useTitle(deleted ? 'Deleted runs' : undefined, experiment.data?.name ?? `Experiment ${experimentId}`);

  const [nesting, setNesting] = useRemembered(`nest.${experimentId}`, true);
  const [chosen, setChosen] = useRemembered<ColumnId[] | null>(`columns.${experimentId}`, null);
  const [usual, learnUsual] = useUsualColumns();
  const columns = useMemo(() => {
    const shown = chosen ?? usual;
    // What the rows are ordered by is in sight, or the order could not be understood.
    const ordering = splitColumn(sort.column).kind !== 'attribute' && !shown.includes(sort.column);
    return orderColumns(ordering ? [...shown, sort.column] : shown);
  }, [chosen, usual, sort.column]);
  const fields = useMemo(() => fieldsOfColumns(columns), [columns]);

  const viewType = deleted ? 'DELETED_ONLY' : 'ACTIVE_ONLY';
  const place = useMemo(() => ({ experimentId, viewType }) as const, [experimentId, viewType]);
  const set = useMemo(() => ({ ...place, filter }), [place, filter]);
  const list = useRuns(
    set,
    useMemo(() => orderOf(sort), [sort]),
    { enabled: experiment.isSuccess, fields },
  );
  const { runs, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  const waiting = list.isPending || list.isPlaceholderData;
  const refused =
    list.isError && list.error instanceof ApiError && list.error.status === 400 && !isFetchNextPageError
      ? { text, message: list.error.message }
      : undefined;
  // The question behind what is shown: that of before while the server has not agreed to the new one.
  const [good, setGood] = useState({ filter, question: '' });
  const question = [viewType, filter, writeSort(sort)].join('\n');
  if (list.isSuccess && !list.isPlaceholderData && good.question !== question) setGood({ filter, question });
  const goodFilter = good.filter;
  const goodSet = useMemo(() => ({ ...place, filter: goodFilter }), [place, goodFilter]);
  const all = useRunCount(
    { ...place, filter: '' },
    { enabled: filter !== '' && experiment.isSuccess, live: list.live && !deleted },
  );
  const sample = useSampleRuns(place, filter !== '' && runs.length === 0 && (list.isError || list.isSuccess));
  learnUsual(runs);
  const known = useKnown(runs, sample);

  const [view, setView] = useRemembered<View>('view', 'split');
  const narrow = useMedia('(max-width: 899px)');
  const shownView: View = narrow && view === 'split' ? 'table' : view;
  const [selected, setSelected] = useState<Set<string>>(() => new Set());
  const [asking, setAsking] = useState(false);
  const [loadingAll, setLoadingAll] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  const refresh = useRefresh();
  const may = useMayExperiment(experimentId, experiment.isSuccess);
  const shared = useMemo(() => ({ experiment_id: experimentId }), [experimentId]);

  useEffect(() => {
    if (!loadingAll || isFetchingNextPage) return;
    if (hasNextPage && !isFetchNextPageError) {
      void fetchNextPage();
      return;
    }
    setLoadingAll(false);
    if (!hasNextPage) announce('All runs are loaded.');
  }, [loadingAll, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

  const anyNested = useMemo(() => runs.some((run) => runParent(run) !== undefined), [runs]);
  const nested = nesting && anyNested;
  const tree = useMemo(
    () =>
      nested ? nest(runs, (run) => run.info.run_id, runParent) : runs.map((item) => ({ item, children: [] })),
    [runs, nested],
  );

  const [first, setFirst] = useState<Run[]>([]);
  const onVisible = useCallback((next: Run[]) => {
    setFirst((now) => (now.length === next.length && now.every((run, i) => run === next[i]) ? now : next));
  }, []);
  const byId = useMemo(() => new Map(runs.map((run) => [run.info.run_id, run])), [runs]);
  const chosenRuns = useMemo(() => runs.filter((run) => selected.has(run.info.run_id)), [runs, selected]);
  const selection = useMemo(() => [...selected], [selected]);
  const fallback = shownView === 'charts' && first.length === 0 ? runs.slice(0, 10) : first;
  const toChart = useMemo(
    () =>
      chosenRuns.length
        ? chosenRuns.slice(0, maxChartRuns)
        : fallback.map((run) => byId.get(run.info.run_id) ?? run),
    [chosenRuns, fallback, byId],
  );
  const charted = useWhole(experimentId, toChart, list.whole);
  const chartedIds = charted.map((run) => run.info.run_id).join(',');
  const colours = useMemo(() => {
    const ids = chartedIds.split(',').filter(Boolean);
    claimColours(ids);
    return coloursOf(ids);
  }, [chartedIds]);

  const compare = () => {
    // In the order of the list, then what is not in it.
    const ids = [...chosenRuns.map((run) => run.info.run_id), ...selection];
    if (selection.length >= 2) navigate(compareHref([...new Set(ids)]));
    else toast('Select two or more runs to compare them.');
  };
  // One entry of the history for one search, however often typing paused.
  const typing = useRef(false);
  const applyFilter = (next: string, how: 'typing' | 'entered') => {
    if (next === text && how === 'entered') void list.refetch();
    setQuery({ filter: next }, typing.current ? 'replace' : 'push');
    typing.current = how === 'typing';
  };
  const onCondition = (condition: string) => applyFilter(withCondition(text, condition), 'entered');
  const onSort = (next: Sort) => setQuery({ sort: writeSort(next) }, 'push');
  const onGroup = (column: ColumnId | undefined) => {
    const metric = known.metric.find((key) => columns.includes(`metric:${key}`) && !isSystemKey(key));
    // Groups are compared by a metric: the one in the order, or else the first in sight.
    const order =
      splitColumn(sort.column).kind !== 'metric' && metric !== undefined ? bestFirst(metric) : sort;
    setQuery(column === undefined ? { group: undefined } : { group: column, sort: writeSort(order) }, 'push');
  };
  useShortcuts({
    '/': () => box.current?.focus(),
    Escape: () => setSelected(new Set()),
  });
  const onEnd = useCallback(() => {
    // After a failure only a person asks again, so that a struggling server is not pressed.
    if (!waiting && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [waiting, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);

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
      total={list.total}
      columns={columns}
      nested={nested}
      sort={sort}
      actions={{
        set: goodSet,
        onSort,
        onCondition,
        onGroup,
        onHide: (column) => {
          setChosen((chosen ?? usual).filter((one) => one !== column));
          if (sort.column === column) setQuery({ sort: undefined }, 'push');
        },
      }}
      selected={selected}
      onSelected={setSelected}
      colours={colours}
      sizesKey={experimentId}
      more={hasNextPage}
      busy={waiting}
      question={good.question}
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
  const nothing = runs.length === 0;
  const body = () => {
    if (refused && nothing)
      return (
        <div className="state">
          <h2>The server does not understand this filter</h2>
          <p className="faint">
            What it says about it stands under the filter. The ? beside it has examples.
          </p>
          <div className="state-actions">
            <button type="button" className="primary" onClick={() => applyFilter('', 'entered')}>
              Clear the filter
            </button>
          </div>
        </div>
      );
    if (list.isError && nothing)
      return (
        <Failure what="The runs could not be loaded" error={list.error} onRetry={() => void list.refetch()} />
      );
    if (waiting && nothing) return <Loading rows={14} />;
    if (nothing && filter !== '' && all !== 0)
      return <NoMatch filter={filter} deleted={deleted} onFilter={(next) => applyFilter(next, 'entered')} />;
    if (nothing && deleted)
      return (
        <div className="state">
          <h2>No deleted runs</h2>
          <p className="faint">What is deleted waits here and can be restored.</p>
        </div>
      );
    if (nothing)
      return (
        <div className="table-scroll scrolls">
          <section className="welcome" aria-labelledby="welcome">
            <h2 id="welcome">No runs in this experiment yet</h2>
            {may.edit ? (
              <>
                <p className="faint">Scripts that log to MLflow log here unchanged.</p>
                <StartHere experiment={name} experimentId={experimentId} />
              </>
            ) : (
              <p className="faint">The first one appears here by itself.</p>
            )}
          </section>
        </div>
      );
    if (grouped)
      return (
        <div className="split">
          <GroupTable
            key={by}
            set={goodSet}
            by={by}
            sort={sort}
            live={list.live && !deleted}
            onShow={(condition) =>
              setQuery({ filter: withCondition(goodFilter, condition), group: undefined }, 'push')
            }
          />
        </div>
      );
    return shownView === 'split' ? (
      <Split name="experiment" first={table} second={charts} />
    ) : (
      <div className="split">{shownView === 'charts' ? charts : table}</div>
    );
  };

  return (
    <div className="page experiment">
      <div className="page-head">
        <div className="page-title">
          <EditableName
            value={name}
            label="Rename experiment"
            readOnly={!may.edit}
            onSave={(next) =>
              renameExperiment(experimentId, next).then(() => {
                toast('Renamed.');
                return refresh.experiments();
              })
            }
          />
          {stage === 'deleted' && (
            <DeletedNote
              id={experimentId}
              mayRestore={may.remove}
              onRestored={() => void refresh.everything()}
            />
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
          <ShareButton object={shared} name={name} canManage={may.share} />
        </div>
        <Description
          text={descriptionOf(experiment.data)}
          readOnly={stage === 'deleted' || !may.edit}
          onSave={(next) => setExperimentTag(experimentId, noteKey, next).then(() => refresh.experiments())}
        />
        <div className="filter-bar">
          <FilterBox
            value={text}
            onApply={applyFilter}
            known={known}
            set={place}
            trouble={refused}
            busy={list.isPlaceholderData}
            inputRef={box}
          />
          <FilterHelp known={known} onExample={(example) => applyFilter(example, 'entered')} />
        </div>
        <div className="bar">
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
          <GroupControls by={grouped ? by : ''} sort={sort} known={known} onGroup={onGroup} onSort={onSort} />
          {!grouped && anyNested && (
            <button
              type="button"
              aria-pressed={nesting}
              onClick={() => setNesting(!nesting)}
              title="Show nested runs below their parent"
            >
              <Icon name="tree" /> <span className="wide-only">Nest</span>
            </button>
          )}
          {!grouped && (
            <ColumnChooser known={known} chosen={columns} onChange={(next) => setChosen(next ?? null)} />
          )}
          <button
            type="button"
            aria-label="Refresh"
            title="Refresh (r)"
            className="icon-only"
            onClick={() => void refresh.everything()}
          >
            <Icon name="refresh" />
          </button>
          {!grouped && (
            <Segmented
              label="View"
              value={shownView}
              options={narrow ? views.filter((one) => one.value !== 'split') : views}
              onChange={setView}
            />
          )}
          {list.ready && !(waiting && nothing) && (
            <Loaded
              loaded={grouped ? (list.total ?? runs.length) : runs.length}
              total={list.total}
              all={all}
              filtered={goodFilter !== ''}
              more={hasNextPage && !grouped}
              fetching={isFetchingNextPage}
              failed={list.isError && !refused ? list.error.message : undefined}
              live={list.live && !deleted}
              onRetry={() => void (isFetchNextPageError ? fetchNextPage() : list.refetch())}
              onAll={() => setLoadingAll(true)}
            />
          )}
        </div>
      </div>
      {body()}
      {selection.length > 0 && !grouped && (
        <div className="selection" role="group" aria-label="Selected runs">
          <strong>
            {plural(selection.length, 'run')}
            <span className="wide-only"> selected</span>
          </strong>
          <button type="button" className="primary" disabled={selection.length < 2} onClick={compare}>
            Compare
          </button>
          {may.remove && (
            <button type="button" onClick={() => setAsking(true)}>
              <Icon name={deleted ? 'restore' : 'trash'} /> {deleted ? 'Restore' : 'Delete'}
            </button>
          )}
          <button type="button" className="link" onClick={() => setSelected(new Set())}>
            Clear
          </button>
          {chosenRuns.length < selection.length && (
            <span className="faint">
              {plural(selection.length - chosenRuns.length, 'of them is', 'of them are')} not in this list.
            </span>
          )}
        </div>
      )}
      {asking && (
        <ChangeRuns
          ids={selection}
          name={selection.length === 1 ? nameOfRun(byId.get(selection[0] ?? '')) : undefined}
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

function nameOfRun(run: Run | undefined): string | undefined {
  return run && runName(run);
}

/** The runs with everything they have: what the list holds only in part is asked for. */
function useWhole(experimentId: string, runs: readonly Run[], whole: ReadonlySet<string>): readonly Run[] {
  const part = useMemo(() => runs.filter((run) => !whole.has(run.info.run_id)), [runs, whole]);
  const ids = useMemo(() => part.map((run) => run.info.run_id), [part]);
  const found = useWholeRuns(experimentId, ids, part.some(isLive));
  return useMemo(
    () => runs.map((run) => (whole.has(run.info.run_id) ? run : (found?.get(run.info.run_id) ?? run))),
    [runs, whole, found],
  );
}

/** The columns to begin with, decided once so that they do not jump while runs arrive or a filter changes. */
function useUsualColumns(): [ColumnId[], (runs: readonly Run[]) => void] {
  const [fixed, setFixed] = useState<{ count: number; columns: ColumnId[] }>();
  const learn = (runs: readonly Run[]) => {
    // A handful of runs says little yet: decide again until there are enough to know what differs.
    if (runs.length === 0 || (fixed && (fixed.count >= 10 || fixed.count >= runs.length))) return;
    const columns = firstColumns(runs);
    const same = fixed !== undefined && columns.join() === fixed.columns.join();
    setFixed({ count: runs.length, columns: same ? fixed.columns : columns });
  };
  return [fixed?.columns ?? noColumns, learn];
}

const noColumns: ColumnId[] = [];
const noKeys: KnownKeys = { metric: [], param: [], tag: [] };

/** All keys seen so far: a filter that lets little through takes nothing away from what can be chosen and completed. */
function useKnown(...lists: (readonly Run[])[]): KnownKeys {
  const [known, setKnown] = useState(noKeys);
  const [from, setFrom] = useState<readonly (readonly Run[])[]>([]);
  if (lists.some((list, index) => list !== from[index])) {
    setFrom(lists);
    setKnown(mergeKeys(known, knownKeys(lists.flat())));
  }
  return known;
}
