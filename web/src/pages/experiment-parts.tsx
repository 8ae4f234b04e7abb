// The smaller parts of the page of an experiment.
import { restoreExperiment } from '../api/client';
import { maxChartRuns } from '../api/chart';
import type { Run } from '../api/types';
import { conditionsOf, withoutCondition } from '../lib/filter';
import { formatCount, plural } from '../lib/format';
import { runName } from '../lib/run';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toast';

/** How many runs there are, how many of them are here, and what can be done about the rest. */
export function Loaded(props: {
  loaded: number;
  /** How many the filter lets through, and how many there are without it; undefined when not known yet. */
  total: number | undefined;
  all: number | undefined;
  filtered: boolean;
  more: boolean;
  fetching: boolean;
  failed: string | undefined;
  live: boolean;
  onRetry: () => void;
  onAll: () => void;
}) {
  const { failed, live, more, fetching, onRetry, onAll } = props;
  return (
    <p className="loaded">
      <span role="status">{countWords(props)}</span>
      {failed !== undefined && (
        <>
          <span role="alert">Loading failed: {failed}</span>
          <button type="button" className="link" onClick={onRetry}>
            Try again
          </button>
        </>
      )}
      {more && failed === undefined && (
        <button
          type="button"
          className="link"
          disabled={fetching}
          title="More runs come by scrolling; this loads all of them at once"
          onClick={onAll}
        >
          {fetching ? 'Loading…' : 'Load all'}
        </button>
      )}
      {live && (
        <span className="live" title="Something is running: the page follows it">
          <span className="pulse" aria-hidden="true" /> Live
        </span>
      )}
    </p>
  );
}

/** "37 of 2,000 runs match", "100 of 2,000 runs loaded", "12 runs". */
function countWords(
  props: Pick<Parameters<typeof Loaded>[0], 'loaded' | 'total' | 'all' | 'filtered' | 'more'>,
) {
  const { loaded, all, filtered, more } = props;
  const total = props.total ?? (more ? undefined : loaded);
  if (total === undefined) return `${formatCount(loaded)} runs loaded, there are more`;
  const part = loaded < total ? formatCount(loaded) : undefined;
  if (!filtered) return part ? `${part} of ${plural(total, 'run')} loaded` : plural(total, 'run');
  const of = all === undefined ? plural(total, 'run') : `${formatCount(total)} of ${plural(all, 'run')}`;
  return `${of} ${total === 1 ? 'matches' : 'match'}${part ? `, ${part} loaded` : ''}`;
}

/** A filter that lets nothing through: which of its conditions can go. */
export function NoMatch(props: { filter: string; deleted: boolean; onFilter: (filter: string) => void }) {
  const { filter, deleted, onFilter } = props;
  const conditions = conditionsOf(filter);
  return (
    <div className="state">
      <h2>No {deleted ? 'deleted run' : 'run'} matches this filter</h2>
      {conditions.length > 1 ? (
        <>
          <p className="faint">All of these must hold. Take one away to see more:</p>
          <ul className="conditions">
            {conditions.map((one, index) => (
              <li key={`${index} ${one.text}`}>
                <code>{one.text}</code>
                <button
                  type="button"
                  className="quiet icon-only"
                  aria-label={`Remove ${one.text}`}
                  title="Remove this condition"
                  onClick={() => onFilter(withoutCondition(filter, index))}
                >
                  <Icon name="cross" />
                </button>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p className="faint">
          Text is compared with its case, <code>ILIKE &#39;%text%&#39;</code> is not; a run without the value
          fits only <code>IS NULL</code>. The menu in the head of a column shows which values there are.
        </p>
      )}
      <div className="state-actions">
        <button type="button" className="primary" onClick={() => onFilter('')}>
          Clear the filter
        </button>
      </div>
    </div>
  );
}

export function ChartLegend(props: {
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

export function DeletedNote(props: { id: string; mayRestore: boolean; onRestored: () => void }) {
  const { id, mayRestore, onRestored } = props;
  return (
    <span className="deleted-note">
      Deleted
      {mayRestore && (
        <button
          type="button"
          onClick={() => {
            restoreExperiment(id).then(onRestored, (cause: Error) => toast(cause.message, 'failed'));
          }}
        >
          <Icon name="restore" /> Restore
        </button>
      )}
    </span>
  );
}
