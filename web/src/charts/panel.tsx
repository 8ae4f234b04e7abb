// A panel of charts, one for each metric key, grouped by prefix, with the controls they share.
import { useMemo, useState, type Ref } from 'react';
import type { Run } from '../api/types';
import { plural } from '../lib/format';
import { groupKeys, keyMatcher } from '../lib/group';
import { useRemembered } from '../lib/storage';
import { Icon } from '../ui/icons';
import { SearchField, Segmented } from '../ui/parts';
import { MetricChart, type ChartOptions } from './metric-chart';

const axes = [
  { value: 'step', label: 'Step' },
  { value: 'relative', label: 'Relative' },
  { value: 'time', label: 'Time' },
] as const;

const defaults: ChartOptions = { axis: 'step', log: false, smoothing: 0 };

// Charts beyond these wait for a click, so that a run with thousands of keys opens at once.
const firstCharts = 60;

export function ChartPanel(props: {
  runs: readonly Run[];
  colours: ReadonlyMap<string, number>;
  group: string;
  searchRef?: Ref<HTMLInputElement>;
  searchHint?: boolean;
}) {
  const { runs, colours, group, searchRef, searchHint } = props;
  const [options, setOptions] = useRemembered<ChartOptions>('charts', defaults);
  const [text, setText] = useState('');
  const [closed, setClosed] = useRemembered<string[]>('closed-groups', []);
  const [most, setMost] = useState(firstCharts);

  const keys = useMemo(() => {
    const all = new Set<string>();
    for (const run of runs) for (const metric of run.data?.metrics ?? []) all.add(metric.key);
    return [...all];
  }, [runs]);
  const matcher = useMemo(() => keyMatcher(text), [text]);
  const matching = useMemo(() => keys.filter(matcher.test), [keys, matcher]);
  const groups = useMemo(() => groupKeys(matching), [matching]);
  const set = (change: Partial<ChartOptions>) => setOptions((now) => ({ ...now, ...change }));

  if (keys.length === 0)
    return (
      <div className="state small">
        <h2>No metrics yet</h2>
        <p className="faint">
          Charts appear here with the first call of <code>mlflow.log_metric</code>.
        </p>
      </div>
    );

  let left = most;
  return (
    <section className="panel" aria-label="Charts">
      <div className="panel-bar">
        <SearchField
          value={text}
          onChange={setText}
          label="Search metrics (regular expression)"
          placeholder="Search metrics"
          invalid={matcher.broken}
          {...(searchRef ? { inputRef: searchRef } : {})}
          {...(searchHint ? { hint: true } : {})}
        />
        <Segmented
          label="Horizontal axis"
          value={options.axis}
          options={axes}
          onChange={(axis) => set({ axis })}
        />
        <label className="toggle">
          <input
            type="checkbox"
            checked={options.log}
            onChange={(event) => set({ log: event.target.checked })}
          />
          Log scale
        </label>
        <label className="slider">
          Smoothing
          <input
            type="range"
            min="0"
            max="0.99"
            step="0.01"
            value={options.smoothing}
            onChange={(event) => set({ smoothing: Number(event.target.value) })}
          />
          <output>{options.smoothing.toFixed(2)}</output>
        </label>
      </div>
      {groups.length === 0 && (
        <div className="state small">
          <p>
            None of the {plural(keys.length, 'metric')} matches <code>{text}</code>.
          </p>
        </div>
      )}
      {groups.map(({ name, keys: inGroup }) => {
        const open = !closed.includes(name);
        const shown = open ? inGroup.slice(0, Math.max(0, left)) : [];
        left -= shown.length;
        if (open && shown.length === 0) return null;
        return (
          <section key={name} className="chart-group">
            {groups.length > 1 || name !== '' ? (
              <h2>
                <button
                  type="button"
                  className="disclosure"
                  aria-expanded={open}
                  onClick={() =>
                    setClosed((now) => (open ? [...now, name] : now.filter((one) => one !== name)))
                  }
                >
                  <Icon name="chevron" />
                  {name || 'Metrics'}
                  <span className="count">{inGroup.length}</span>
                </button>
              </h2>
            ) : (
              <h2 className="visually-hidden">Metrics</h2>
            )}
            {open && (
              <div className="chart-grid">
                {shown.map((key) => (
                  <MetricChart
                    key={key}
                    metric={key}
                    runs={runs}
                    colours={colours}
                    options={options}
                    group={group}
                    title={name ? key.slice(name.length + 1) : key}
                  />
                ))}
              </div>
            )}
          </section>
        );
      })}
      {left <= 0 && matching.length > most && (
        <p className="more">
          <button type="button" onClick={() => setMost(most + firstCharts)}>
            Show more charts
          </button>
        </p>
      )}
    </section>
  );
}
