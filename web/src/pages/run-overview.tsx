// What a run was given and what came out: parameters, latest metrics, data sets, models.
import { useMemo, useState, type Ref } from 'react';
import type { Run } from '../api/types';
import { formatCount, formatExact, formatMoment, formatShort } from '../lib/format';
import { keyMatcher, naturalOrder } from '../lib/group';
import { modelHref, runHref } from '../lib/run';
import { Copy, SearchField } from '../ui/parts';

// A longer table is cut; the search finds the rest.
const mostRows = 500;

export function Overview({ run, searchRef }: { run: Run; searchRef: Ref<HTMLInputElement> }) {
  const [text, setText] = useState('');
  const { test, broken } = useMemo(() => keyMatcher(text), [text]);
  const params = [...(run.data?.params ?? [])].sort((a, b) => naturalOrder(a.key, b.key));
  const metrics = [...(run.data?.metrics ?? [])].sort((a, b) => naturalOrder(a.key, b.key));
  const shownParams = params.filter((one) => test(one.key) || test(one.value ?? ''));
  const shownMetrics = metrics.filter((one) => test(one.key));
  return (
    <div className="overview">
      <div className="bar">
        <SearchField
          inputRef={searchRef}
          value={text}
          onChange={setText}
          label="Search parameters and metrics"
          invalid={broken}
          hint
        />
      </div>
      <div className="cards">
        <Card title="Metrics" shown={shownMetrics.length} all={metrics.length} empty="No metrics logged.">
          <table className="plain" aria-label="Latest metrics">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col" className="number">
                  Latest
                </th>
                <th scope="col" className="number">
                  Step
                </th>
              </tr>
            </thead>
            <tbody>
              {shownMetrics.slice(0, mostRows).map((one) => (
                <tr key={one.key}>
                  <th scope="row">{one.key}</th>
                  <td
                    className="number"
                    title={`${formatExact(one.value ?? 0)}, ${formatMoment(one.timestamp ?? 0)}`}
                  >
                    {formatShort(one.value ?? 0)}
                    <Copy text={formatExact(one.value ?? 0)} label={`Copy value of ${one.key}`} />
                  </td>
                  <td className="number faint">{String(one.step ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
        <Card title="Parameters" shown={shownParams.length} all={params.length} empty="No parameters logged.">
          <table className="plain" aria-label="Parameters">
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {shownParams.slice(0, mostRows).map((one) => (
                <tr key={one.key}>
                  <th scope="row">{one.key}</th>
                  <td>
                    <span className="value">{one.value}</span>
                    <Copy text={one.value ?? ''} label={`Copy value of ${one.key}`} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
        <Data run={run} />
      </div>
    </div>
  );
}

function Card(props: {
  title: string;
  shown: number;
  all: number;
  empty: string;
  children: React.ReactNode;
}) {
  const { title, shown, all, empty, children } = props;
  return (
    <section className="card">
      <h2>
        {title}{' '}
        <span className="count">{shown === all ? formatCount(all) : `${shown} of ${formatCount(all)}`}</span>
      </h2>
      {all === 0 ? (
        <p className="faint empty">{empty}</p>
      ) : shown === 0 ? (
        <p className="faint empty">None matches.</p>
      ) : (
        children
      )}
      {shown > mostRows && <p className="faint empty">The first {mostRows}; search to see others.</p>}
    </section>
  );
}

function Data({ run }: { run: Run }) {
  const datasets = run.inputs?.dataset_inputs ?? [];
  const inputs = run.inputs?.model_inputs ?? [];
  const outputs = run.outputs?.model_outputs ?? [];
  const place = run.info.artifact_uri;
  return (
    <>
      {datasets.length > 0 && (
        <section className="card">
          <h2>
            Data sets <span className="count">{datasets.length}</span>
          </h2>
          <table className="plain" aria-label="Data sets">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Used for</th>
                <th scope="col">Digest</th>
                <th scope="col">Source</th>
              </tr>
            </thead>
            <tbody>
              {datasets.map(({ dataset, tags }, i) => (
                <tr key={`${dataset.name}:${dataset.digest}:${i}`}>
                  <th scope="row">{dataset.name}</th>
                  <td>{tags?.find((tag) => tag.key === 'mlflow.data.context')?.value ?? '–'}</td>
                  <td>
                    <a
                      href={`#/lineage?${new URLSearchParams({ dataset_digest: dataset.digest ?? '' }).toString()}`}
                      title="What came out of it"
                    >
                      <code>{dataset.digest}</code>
                    </a>
                  </td>
                  <td title={dataset.source}>{dataset.source_type}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {inputs.length + outputs.length > 0 && (
        <section className="card">
          <h2>
            Models <span className="count">{inputs.length + outputs.length}</span>
          </h2>
          <table className="plain" aria-label="Models">
            <thead>
              <tr>
                <th scope="col">Model ID</th>
                <th scope="col">Role</th>
                <th scope="col" className="number">
                  Step
                </th>
              </tr>
            </thead>
            <tbody>
              {inputs.map((one) => (
                <tr key={`in:${one.model_id}`}>
                  <th scope="row">
                    <a href={modelHref(run.info.experiment_id, one.model_id)}>
                      <code>{one.model_id}</code>
                    </a>
                  </th>
                  <td>Input</td>
                  <td />
                </tr>
              ))}
              {outputs.map((one) => (
                <tr key={`out:${one.model_id}:${String(one.step)}`}>
                  <th scope="row">
                    <a href={modelHref(run.info.experiment_id, one.model_id)}>
                      <code>{one.model_id}</code>
                    </a>
                  </th>
                  <td>Output</td>
                  <td className="number">{String(one.step ?? 0)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {place && (
        <section className="card">
          <h2>
            <a href={runHref(run.info, 'artifacts')}>Artifacts</a>
          </h2>
          <p className="empty">
            <code>{place}</code>
            <Copy text={place} label="Copy artifact location" />
          </p>
        </section>
      )}
    </>
  );
}
