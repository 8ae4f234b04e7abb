// What the filter understands, with examples made of what the runs at hand have: a click applies one.
import type { KnownKeys } from '../lib/cells';
import { isOwnTag } from '../lib/cells';
import { nameOf } from '../lib/filter';
import { isSystemKey } from '../lib/group';
import { Icon } from '../ui/icons';
import { Popover } from '../ui/parts';

export function FilterHelp(props: { known: KnownKeys; onExample: (text: string) => void }) {
  const { known, onExample } = props;
  return (
    <Popover name="Help on filters" className="filter-help" label={<Icon name="help" />}>
      {(close) => (
        <div className="help-panel scrolls" tabIndex={0} role="group" aria-label="What a filter can say">
          <p>
            Conditions on metrics (their latest value), parameters, tags and attributes, put together with{' '}
            <code>AND</code>, <code>OR</code>, <code>NOT</code> and parentheses. Words alone are looked for in
            the names of runs.
          </p>
          <h2>Examples</h2>
          <ul className="examples">
            {examples(known).map(([text, words]) => (
              <li key={text}>
                <button
                  type="button"
                  onClick={() => {
                    onExample(text);
                    close();
                  }}
                >
                  <code>{text}</code>
                  <span className="faint">{words}</span>
                </button>
              </li>
            ))}
          </ul>
          <h2>Rules</h2>
          <dl className="rules">
            {rules.map(([term, words]) => (
              <div key={term}>
                <dt>
                  <code>{term}</code>
                </dt>
                <dd>{words}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </Popover>
  );
}

const rules: [string, string][] = [
  ['metrics.`val/loss`', 'a name with other characters than letters, digits and _ stands in backticks'],
  ["'text'", 'text stands in quotes, numbers stand alone; NaN and Infinity are numbers'],
  ['LIKE ILIKE', '% stands for anything, _ for one character; ILIKE takes any case'],
  ['~ ~* !~ !~*', 'has, or has not, a match of a regular expression; with * in any case'],
  ['IN BETWEEN', "status IN ('FAILED', 'KILLED'); metrics.loss BETWEEN 0.1 AND 0.2"],
  ['IS NULL', 'is missing; a missing value fits no other condition, not even !='],
  ['number(params.lr)', 'a parameter or tag compared as a number'],
  ['metrics.loss.min', 'the least value ever logged; likewise .max .first .count'],
  ["'2026-03-01 14:00'", 'a time, in UTC unless a zone follows; now() - 12h with ms s m h d w'],
];

/** Examples of what these runs have, so that each of them finds something. */
function examples(known: KnownKeys): [string, string][] {
  const metricKey = known.metric.find((key) => !isSystemKey(key)) ?? known.metric[0] ?? 'loss';
  const metric = nameOf({ entity: 'metric', key: metricKey }) ?? 'metrics.loss';
  const param = nameOf({ entity: 'param', key: known.param[0] ?? 'optimizer' }) ?? 'params.optimizer';
  const tag = nameOf({ entity: 'tag', key: known.tag.find(isOwnTag) ?? 'mlflow.source.name' }) ?? '';
  return [
    [`${metric} < 0.5`, 'latest value below a bound'],
    ["status IN ('FAILED', 'KILLED')", 'what went wrong'],
    [`start_time > now() - 7d`, 'started in the last week'],
    [`${param} IS NOT NULL AND NOT ${metric} = NaN`, 'has a parameter and a number'],
    [`run_name ~ '^[a-z]+-[0-9]+$'`, 'name by a regular expression'],
    [`${tag} LIKE '%a%' OR user_id = 'root'`, 'one of two'],
  ];
}
