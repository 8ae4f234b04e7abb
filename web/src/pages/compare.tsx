// Runs side by side: what they share, where they differ, and their curves in one chart.
import { useMemo, useRef, useState, type CSSProperties } from 'react';
import { useRunsById, useTitle } from '../api/queries';
import type { Run } from '../api/types';
import { ChartPanel } from '../charts/panel';
import { attributes, cellOf, type ColumnKind } from '../lib/cells';
import { claimColours, coloursOf } from '../lib/colours';
import { formatDuration, formatExact, formatMoment, formatShort, plural, toNumber } from '../lib/format';
import { keyMatcher, naturalOrder } from '../lib/group';
import { compareHref, experimentHref, runHref, runName } from '../lib/run';
import { valueRange } from '../lib/series';
import { useRemembered } from '../lib/storage';
import { navigate } from '../router';
import { Icon } from '../ui/icons';
import { Failure, Loading, SearchField, Segmented, Status } from '../ui/parts';
import { useShortcuts } from '../ui/shortcuts';

interface Line {
  kind: ColumnKind;
  key: string;
  label: string;
  cells: (string | number | undefined)[];
  differs: boolean;
}

const sections: { kind: ColumnKind; label: string }[] = [
  { kind: 'attribute', label: 'Attributes' },
  { kind: 'param', label: 'Parameters' },
  { kind: 'metric', label: 'Latest metrics' },
  { kind: 'tag', label: 'Tags' },
];

const views = [
  { value: 'table', label: 'Table' },
  { value: 'charts', label: 'Charts' },
] as const;

export default function ComparePage({ runIds }: { runIds: readonly string[] }) {
  const ids = useMemo(() => [...new Set(runIds)], [runIds]);
  const query = useRunsById(ids);
  useTitle(`Compare ${plural(ids.length, 'run')}`);
  if (ids.length === 0)
    return (
      <div className="state">
        <h2>Nothing to compare</h2>
        <p className="faint">Select two or more runs in the table of an experiment and press Compare.</p>
        <div className="state-actions">
          <a className="button primary" href="#/">
            All experiments
          </a>
        </div>
      </div>
    );
  if (query.isError && !query.data)
    return (
      <Failure what="The runs could not be loaded" error={query.error} onRetry={() => void query.refetch()} />
    );
  if (!query.data) return <Loading />;
  return <Comparison runs={query.data.found} missing={query.data.missing} />;
}

function Comparison({ runs, missing }: { runs: readonly Run[]; missing: readonly string[] }) {
  const [only, setOnly] = useRemembered('compare.only', false);
  const [view, setView] = useState<'table' | 'charts'>('table');
  const [text, setText] = useState('');
  const search = useRef<HTMLInputElement>(null);
  useShortcuts({ '/': () => search.current?.focus() });
  const colours = useMemo(() => {
    const ids = runs.map((run) => run.info.run_id);
    claimColours(ids);
    return coloursOf(ids);
  }, [runs]);
  const lines = useMemo(() => makeLines(runs), [runs]);
  const { test, broken } = useMemo(() => keyMatcher(text), [text]);
  const shown = lines.filter((line) => (!only || line.differs) && test(line.label));
  const differing = lines.filter((line) => line.differs).length;
  const experiments = [...new Set(runs.map((run) => run.info.experiment_id))];
  const without = (id: string) => compareHref(runs.map((run) => run.info.run_id).filter((one) => one !== id));
  return (
    <div className="page compare">
      <div className="page-head">
        <div className="page-title">
          <h1>Compare {plural(runs.length, 'run')}</h1>
          {experiments.length === 1 && experiments[0] !== undefined && (
            <a href={experimentHref(experiments[0])}>back to the experiment</a>
          )}
        </div>
        {missing.length > 0 && (
          <p className="faint" role="status">
            {plural(missing.length, 'run')} of this link no longer {missing.length === 1 ? 'exists' : 'exist'}
            .
          </p>
        )}
        <div className="bar">
          <Segmented label="View" value={view} options={views} onChange={setView} />
          {view === 'table' && (
            <>
              <SearchField
                inputRef={search}
                value={text}
                onChange={setText}
                label="Search rows"
                invalid={broken}
                hint
              />
              <label className="toggle">
                <input type="checkbox" checked={only} onChange={(event) => setOnly(event.target.checked)} />
                Only differences
              </label>
              <span className="faint">
                {differing} of {plural(lines.length, 'row')} {differing === 1 ? 'differs' : 'differ'}
              </span>
            </>
          )}
        </div>
      </div>
      {view === 'charts' ? (
        <div className="page-body scrolls" tabIndex={0} role="region" aria-label="Charts">
          <div className="legend-bar">
            <ul>
              {runs.map((run) => (
                <li key={run.info.run_id}>
                  <span className={`dot run-${colours.get(run.info.run_id) ?? 0}`} />
                  <span className="clip">{runName(run)}</span>
                </li>
              ))}
            </ul>
          </div>
          <ChartPanel runs={runs} colours={colours} group="compare" searchRef={search} searchHint />
        </div>
      ) : (
        <div className="table-scroll scrolls" tabIndex={0} role="region" aria-label="Comparison">
          <table className="side-by-side" aria-label="Runs side by side">
            <thead>
              <tr>
                <td />
                {runs.map((run) => (
                  <th key={run.info.run_id} scope="col">
                    <span className="compare-head">
                      <span className={`dot run-${colours.get(run.info.run_id) ?? 0}`} />
                      <a href={runHref(run.info)} className="clip" title={runName(run)}>
                        {runName(run)}
                      </a>
                      {runs.length > 1 && (
                        <button
                          type="button"
                          className="quiet icon-only"
                          aria-label={`Leave out ${runName(run)}`}
                          title="Leave out"
                          onClick={() => navigate(without(run.info.run_id))}
                        >
                          <Icon name="cross" />
                        </button>
                      )}
                    </span>
                  </th>
                ))}
              </tr>
            </thead>
            {sections.map(({ kind, label }) => {
              const inSection = shown.filter((line) => line.kind === kind);
              if (inSection.length === 0) return null;
              return (
                <tbody key={kind}>
                  <tr className="section">
                    <th scope="rowgroup" colSpan={runs.length + 1}>
                      <span>{label}</span>
                    </th>
                  </tr>
                  {inSection.map((line) => (
                    <tr key={line.key} className={rowClass(line)}>
                      <th scope="row" title={line.label}>
                        {line.label}
                        {line.differs && <span className="visually-hidden"> (differs)</span>}
                      </th>
                      {line.cells.map((cell, i) => (
                        <CompareCell
                          key={runs[i]?.info.run_id}
                          line={line}
                          cell={cell}
                          run={runs[i] as Run}
                        />
                      ))}
                    </tr>
                  ))}
                </tbody>
              );
            })}
          </table>
          {shown.length === 0 && (
            <div className="state small">
              <p>{text ? 'No row matches.' : 'The runs do not differ.'}</p>
            </div>
          )}
        </div>
      )}
    </div>
  );
}

function CompareCell({ line, cell, run }: { line: Line; cell: string | number | undefined; run: Run }) {
  if (cell === undefined) return <td className="faint">–</td>;
  if (line.kind === 'metric')
    return (
      <td className="number" title={formatExact(cell)}>
        {formatShort(cell)}
        <Measure cell={cell} among={line.cells} />
      </td>
    );
  if (line.kind === 'attribute') {
    if (line.key === 'status')
      return (
        <td>
          <Status status={run.info.status} />
        </td>
      );
    if (line.key === 'start_time') return <td>{formatMoment(Number(cell))}</td>;
    if (line.key === 'duration') return <td>{formatDuration(Number(cell))}</td>;
    if (line.key === 'run_id' || line.key === 'commit')
      return (
        <td className="mono" title={String(cell)}>
          {String(cell).slice(0, 12)}
        </td>
      );
  }
  return <td>{cell}</td>;
}

/** Differences in what was given explain those in what was measured: only they are marked. */
function rowClass(line: Line): string {
  const given =
    line.kind === 'param' || line.kind === 'tag' || line.key === 'commit' || line.key === 'source';
  return `${line.differs ? 'differs' : ''} ${given ? 'given' : ''}`;
}

/** A thin bar that shows where a value lies between the least and the greatest of its row. */
function Measure({
  cell,
  among,
}: {
  cell: string | number;
  among: readonly (string | number | undefined)[];
}) {
  const range = valueRange(among.map((one) => toNumber(one)));
  const value = toNumber(cell);
  if (!range || range[0] === range[1] || !Number.isFinite(value)) return null;
  const part = Math.round(((value - range[0]) / (range[1] - range[0])) * 100);
  return (
    <span
      className="measure"
      aria-hidden="true"
      style={{ '--part': `${Math.max(3, part)}%` } as CSSProperties}
    />
  );
}

function makeLines(runs: readonly Run[]): Line[] {
  const keys = { param: new Set<string>(), metric: new Set<string>(), tag: new Set<string>() };
  for (const run of runs) {
    for (const one of run.data?.params ?? []) keys.param.add(one.key);
    for (const one of run.data?.metrics ?? []) keys.metric.add(one.key);
    for (const one of run.data?.tags ?? []) if (!one.key.startsWith('mlflow.')) keys.tag.add(one.key);
  }
  const now = Date.now();
  const line = (kind: ColumnKind, key: string, label: string): Line => {
    const cells = runs.map((run) => cellOf(run, `${kind}:${key}`, now));
    return { kind, key, label, cells, differs: new Set(cells.map(String)).size > 1 };
  };
  return [
    ...attributes.map(({ key, label }) => line('attribute', key, label)),
    ...(['param', 'metric', 'tag'] as const).flatMap((kind) =>
      [...keys[kind]].sort(naturalOrder).map((key) => line(kind, key, key)),
    ),
  ];
}
