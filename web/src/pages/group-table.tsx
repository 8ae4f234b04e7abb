// Runs in groups of the same value: how many, how a metric is spread, the best run of each; a group unfolds its runs.
import { Fragment, useState } from 'react';
import { useFirstRuns, useGroups } from '../api/run-list';
import type { RunGroup, RunSet } from '../api/search';
import type { Run } from '../api/types';
import { cellOf, columnLabel, splitColumn, type ColumnId } from '../lib/cells';
import { fieldOfColumn, fieldsOfColumns, orderOf, type Sort } from '../lib/columns';
import { equalTo, nameOf, withCondition } from '../lib/filter';
import { formatCount, formatExact, formatShort, plural, toNumber, type WireNumber } from '../lib/format';
import { runHref, runName } from '../lib/run';
import { Icon } from '../ui/icons';
import { Ago, Failure, Loading, Status } from '../ui/parts';

// The server's own default is 100; more groups than this are not compared by looking at them.
const mostGroups = 500;
// As many runs of a group as stand inside of it; the list of runs has them all.
const mostInside = 10;

export function GroupTable(props: {
  set: RunSet;
  by: ColumnId;
  sort: Sort;
  live: boolean;
  /** Shows the runs of a group in the list. */
  onShow: (condition: string) => void;
}) {
  const { set, by, sort, live, onShow } = props;
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set());
  const field = fieldOfColumn(by);
  const name = (field && nameOf(field)) ?? '';
  const { kind, key } = splitColumn(sort.column);
  const measured = kind === 'metric' ? fieldOfColumn(sort.column) : undefined;
  const metric = measured && nameOf(measured);
  const orderBy = orderOf(sort);
  const groups = useGroups(
    {
      ...set,
      groupBy: [name],
      aggregates: metric === undefined ? [] : aggregatesOf(metric),
      orderBy,
      maxResults: mostGroups,
      fields: fieldsOfColumns([sort.column]),
    },
    { enabled: name !== '', live },
  );
  if (groups.isError && !groups.data)
    return (
      <Failure
        what="The groups could not be made"
        error={groups.error}
        onRetry={() => void groups.refetch()}
      />
    );
  if (!groups.data) return <Loading rows={8} />;
  const list = groups.data.groups ?? [];
  const total = groups.data.total_groups ?? list.length;
  const scale = metric === undefined ? undefined : scaleOf(list, metric);
  const label = columnLabel(by);
  return (
    <div className="table-scroll scrolls" aria-busy={groups.isPlaceholderData}>
      <table className="grid groups" aria-label={`Runs grouped by ${label}`}>
        <colgroup>
          <col className="col-value" />
          <col className="col-count" />
          {metric !== undefined && (
            <>
              <col className="col-number" />
              <col className="col-number" />
              <col className="col-number" />
              <col className="col-spread" />
            </>
          )}
          <col className="col-best" />
          <col className="col-action" />
        </colgroup>
        <thead>
          <tr>
            <th scope="col">{label}</th>
            <th scope="col" className="number">
              Runs
            </th>
            {metric !== undefined && (
              <>
                <th scope="col" className="number">
                  Mean
                </th>
                <th scope="col" className="number">
                  Least
                </th>
                <th scope="col" className="number">
                  Greatest
                </th>
                <th scope="col">
                  <span className="clip" title={`Spread of ${key} on one scale for all groups`}>
                    Spread of {key}
                  </span>
                </th>
              </>
            )}
            <th scope="col">{bestWords(sort)}</th>
            <th scope="col">
              <span className="visually-hidden">Show</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((group) => {
            const value = valueOf(group, name);
            const id = JSON.stringify(value);
            const open = opened.has(id);
            const condition = field && equalTo(field, value);
            const text = value === null ? 'no value' : value === '' ? 'empty' : value;
            return (
              <Fragment key={id}>
                <tr className={open ? 'open' : ''}>
                  <th scope="row">
                    <button
                      type="button"
                      className={`quiet fold ${open ? 'open' : ''}`}
                      aria-expanded={open}
                      disabled={condition === undefined}
                      onClick={() =>
                        setOpened((now) => {
                          const next = new Set(now);
                          if (!next.delete(id)) next.add(id);
                          return next;
                        })
                      }
                    >
                      <Icon name="chevron" />
                      <span className={value === null || value === '' ? 'clip faint' : 'clip'} title={text}>
                        {text}
                      </span>
                    </button>
                  </th>
                  <td className="number">{formatCount(group.count)}</td>
                  {metric !== undefined && (
                    <>
                      {(['mean', 'min', 'max'] as const).map((part) => (
                        <Measure key={part} value={partOf(group, part, metric)} />
                      ))}
                      <td>{scale && <Spread group={group} metric={metric} scale={scale} />}</td>
                    </>
                  )}
                  <td>{group.best && <Best run={group.best} column={sort.column} />}</td>
                  <td>
                    {condition !== undefined && (
                      <button type="button" className="link" onClick={() => onShow(condition)}>
                        Show {plural(group.count, 'run')}
                      </button>
                    )}
                  </td>
                </tr>
                {open && condition !== undefined && (
                  <Inside
                    set={{ ...set, filter: withCondition(set.filter, condition) }}
                    orderBy={orderBy}
                    sort={sort}
                    count={group.count}
                    hasMetric={metric !== undefined}
                    onShow={() => onShow(condition)}
                  />
                )}
              </Fragment>
            );
          })}
        </tbody>
      </table>
      {total > list.length && (
        <p className="faint groups-note">
          The first {formatCount(list.length)} of {formatCount(total)} groups. A filter makes them fewer.
        </p>
      )}
    </div>
  );
}

function bestWords(sort: Sort): string {
  if (sort.column === 'attribute:start_time') return sort.descending ? 'Newest run' : 'Oldest run';
  const kind = splitColumn(sort.column).kind;
  return kind === 'metric' ? (sort.descending ? 'Best run (highest)' : 'Best run (lowest)') : 'First run';
}

function aggregatesOf(metric: string): string[] {
  return ['mean', 'min', 'max', 'count'].map((part) => `${part}(${metric})`);
}

function partOf(group: RunGroup, part: string, metric: string): WireNumber | undefined {
  return group.aggregates?.[`${part}(${metric})`];
}

function valueOf(group: RunGroup, name: string): string | null {
  const value = group.values?.[name];
  return value === undefined ? null : String(value);
}

function Measure({ value }: { value: WireNumber | undefined }) {
  return (
    <td className="number" title={value === undefined ? undefined : formatExact(value)}>
      {value === undefined ? '' : formatShort(value)}
    </td>
  );
}

interface Scale {
  low: number;
  high: number;
}

function scaleOf(groups: readonly RunGroup[], metric: string): Scale | undefined {
  const of = (part: string) =>
    groups.map((group) => toNumber(partOf(group, part, metric))).filter((value) => Number.isFinite(value));
  const [low, high] = [Math.min(...of('min')), Math.max(...of('max'))];
  return low < high ? { low, high } : undefined;
}

/** From the least to the greatest value, with a stroke at the mean. The numbers stand beside it. */
function Spread({ group, metric, scale }: { group: RunGroup; metric: string; scale: Scale }) {
  const place = (part: string) =>
    ((toNumber(partOf(group, part, metric)) - scale.low) / (scale.high - scale.low)) * 100;
  const [low, mean, high] = [place('min'), place('mean'), place('max')];
  if (![low, mean, high].every(Number.isFinite)) return null;
  return (
    <svg className="spread" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
      <rect className="spread-ground" x="0" y="5.5" width="100" height="1" />
      <rect className="spread-range" x={low} y="3" width={Math.max(0.8, high - low)} height="6" />
      <rect className="spread-mean" x={Math.max(0, Math.min(99, mean - 0.5))} y="0" width="1" height="12" />
    </svg>
  );
}

function Best({ run, column }: { run: Run; column: ColumnId }) {
  const value = cellOf(run, column);
  const metric = splitColumn(column).kind === 'metric';
  return (
    <span className="best">
      <a href={runHref(run.info)} className="clip" title={runName(run)}>
        {runName(run)}
      </a>
      {metric && value !== undefined && (
        <span className="faint" title={formatExact(value)}>
          {formatShort(value)}
        </span>
      )}
      {!metric && <Ago ms={run.info.start_time} />}
    </span>
  );
}

function Inside(props: {
  set: RunSet;
  orderBy: readonly string[];
  sort: Sort;
  count: number;
  hasMetric: boolean;
  onShow: () => void;
}) {
  const { set, orderBy, sort, count, hasMetric, onShow } = props;
  const { data, error } = useFirstRuns({
    ...set,
    orderBy,
    maxResults: mostInside,
    fields: fieldsOfColumns([sort.column]),
  });
  const runs = data?.runs ?? [];
  const column = splitColumn(sort.column).kind === 'metric' ? sort.column : undefined;
  return (
    <tr className="inside">
      <td colSpan={hasMetric ? 8 : 4}>
        {error ? (
          <p role="alert">{error.message}</p>
        ) : !data ? (
          <p className="faint" role="status">
            Loading…
          </p>
        ) : (
          <ul>
            {runs.map((run) => {
              const value = column === undefined ? undefined : cellOf(run, column);
              return (
                <li key={run.info.run_id}>
                  <a href={runHref(run.info)} className="clip">
                    {runName(run)}
                  </a>
                  {value !== undefined && <span title={formatExact(value)}>{formatShort(value)}</span>}
                  <Status status={run.info.status} />
                  <span className="faint">
                    <Ago ms={run.info.start_time} />
                  </span>
                </li>
              );
            })}
            {count > runs.length && (
              <li>
                <button type="button" className="link" onClick={onShow}>
                  Show all {plural(count, 'run')}
                </button>
              </li>
            )}
          </ul>
        )}
      </td>
    </tr>
  );
}
