// Where a version comes from: run, code, data, logged model and files. And the other way round: what came out of
// something.
import { useOrigin, useOutcome, type Origin, type OriginModel, type OriginRun } from '../api/registry';
import { useTitle } from '../api/queries';
import { formatBytes, formatCount } from '../lib/format';
import { naturalOrder } from '../lib/group';
import { experimentHref, modelHref, runHref, versionHref } from '../lib/run';
import { usePlace } from '../router';
import { Ago, Copy, Fact, Failure, Loading, Status } from '../ui/parts';
import { AliasName, Card, Stage } from './parts';

export function outcomeHref(query: Record<string, string>): string {
  return `#/lineage?${new URLSearchParams(query).toString()}`;
}

export function Lineage({ name, version }: { name: string; version: string }) {
  const query = useOrigin(name, version);
  if (query.isError && !query.data)
    return (
      <Failure
        what="The lineage could not be loaded"
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  if (!query.data) return <Loading rows={4} />;
  const { run, logged_model: model, artifacts } = query.data;
  return (
    <div className="lineage">
      {!run && !model && (
        <p className="faint">
          No run and no logged model of this server is known for this version, or you may not see them.
        </p>
      )}
      {run && <RunCard run={run} />}
      {model && <ModelCard model={model} />}
      <Params params={{ ...run?.params, ...model?.params }} />
      {artifacts && <Artifacts artifacts={artifacts} />}
    </div>
  );
}

function RunCard({ run }: { run: OriginRun }) {
  const { code = {}, datasets = [] } = run;
  return (
    <>
      <Card title="Run">
        <dl className="facts-grid in-card">
          <Fact label="Run">
            <a href={runHref(run)}>{run.run_name || run.run_id.slice(0, 8)}</a>
            {run.lifecycle_stage === 'deleted' && <span className="deleted-note"> deleted</span>}
          </Fact>
          <Fact label="Experiment">
            <a href={experimentHref(run.experiment_id)}>{run.experiment_name ?? run.experiment_id}</a>
          </Fact>
          {run.status && (
            <Fact label="Status">
              <Status status={run.status} />
            </Fact>
          )}
          <Fact label="Started">
            <Ago ms={run.start_time} />
          </Fact>
          {run.user_id && <Fact label="User">{run.user_id}</Fact>}
          {code.commit && (
            <Fact label="Commit">
              <code title={code.commit}>{code.commit.slice(0, 10)}</code>
              {code.branch && <span className="faint"> on {code.branch}</span>}
              <Copy text={code.commit} label="Copy commit" />
            </Fact>
          )}
          {code.repository && <Fact label="Repository">{code.repository}</Fact>}
          {code.source_name && (
            <Fact label="Source">
              <span className="clip" title={code.source_name}>
                {code.source_name}
              </span>
            </Fact>
          )}
          <Links label="Models it read" ids={run.input_models} experimentId={run.experiment_id} />
          <Links label="Models it made" ids={run.output_models} experimentId={run.experiment_id} />
        </dl>
      </Card>
      {datasets.length > 0 && (
        <Card title="Data sets" count={datasets.length}>
          <table className="plain" aria-label="Data sets">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Used for</th>
                <th scope="col">Digest</th>
                <th scope="col">
                  <span className="visually-hidden">What came out of it</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {datasets.map((one, index) => (
                <tr key={`${one.name} ${one.digest} ${index}`}>
                  <th scope="row" title={one.source}>
                    {one.name}
                  </th>
                  <td>{one.context ?? '–'}</td>
                  <td>
                    <code>{one.digest}</code>
                  </td>
                  <td>
                    {one.digest && (
                      <a href={outcomeHref({ dataset_digest: one.digest })}>What came out of it</a>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Card>
      )}
    </>
  );
}

function Links(props: { label: string; ids: string[] | undefined; experimentId: string }) {
  const { label, ids = [], experimentId } = props;
  if (ids.length === 0) return null;
  return (
    <Fact label={label}>
      <span className="chips">
        {ids.map((id) => (
          <a key={id} className="chip" href={modelHref(experimentId, id)}>
            {id}
          </a>
        ))}
      </span>
    </Fact>
  );
}

function ModelCard({ model }: { model: OriginModel }) {
  const tested = model.evaluated_on ?? [];
  return (
    <Card title="Logged model">
      <dl className="facts-grid in-card">
        <Fact label="Model">
          <a href={modelHref(model.experiment_id, model.model_id)}>{model.name || model.model_id}</a>
        </Fact>
        {model.model_type && <Fact label="Type">{model.model_type}</Fact>}
        {model.created_at !== undefined && (
          <Fact label="Created">
            <Ago ms={model.created_at} />
          </Fact>
        )}
        {tested.length > 0 && (
          <Fact label="Measured on">
            {tested.map((one) => (
              <a
                key={`${one.name} ${one.digest}`}
                className="chip"
                href={outcomeHref({ dataset_digest: one.digest })}
              >
                {one.name}
              </a>
            ))}
          </Fact>
        )}
      </dl>
    </Card>
  );
}

function Params({ params }: { params: Record<string, string> }) {
  const list = Object.entries(params).sort(([a], [b]) => naturalOrder(a, b));
  if (list.length === 0) return null;
  return (
    <Card title="Parameters" count={list.length}>
      <table className="plain" aria-label="Parameters">
        <tbody>
          {list.map(([key, value]) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td className="value">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

// More are better looked at in the files themselves.
const mostFiles = 200;

function Artifacts({ artifacts }: { artifacts: NonNullable<Origin['artifacts']> }) {
  const files = artifacts.files ?? [];
  return (
    <Card title="Files" count={files.length}>
      <p className="faint empty">
        <code>{artifacts.location}</code>
      </p>
      {files.length > 0 && (
        <table className="plain" aria-label="Files by digest">
          <thead>
            <tr>
              <th scope="col">File</th>
              <th scope="col">SHA-256</th>
              <th scope="col" className="number">
                Size
              </th>
              <th scope="col">
                <span className="visually-hidden">Who has it</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {files.slice(0, mostFiles).map((one) => (
              <tr key={one.path}>
                <th scope="row">{one.path}</th>
                <td>
                  <code title={one.sha256}>{one.sha256.slice(0, 12)}</code>
                  <Copy text={one.sha256} label={`Copy the digest of ${one.path}`} />
                </td>
                <td className="number">{formatBytes(one.size)}</td>
                <td>
                  <a href={outcomeHref({ sha256: one.sha256 })} aria-label={`Who has it: ${one.path}`}>
                    Who has it
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {(files.length > mostFiles || artifacts.truncated) && (
        <p className="faint empty">
          The first {formatCount(Math.min(mostFiles, files.length))}; the tab Files has all.
        </p>
      )}
    </Card>
  );
}

// --- what came out -------------------------------------------------------------------------------------------

const outcomeKeys = ['dataset_digest', 'dataset_name', 'sha256', 'run_id', 'model_id'] as const;
const outcomeWords: Record<(typeof outcomeKeys)[number], string> = {
  dataset_digest: 'the data set with digest',
  dataset_name: 'the data set',
  sha256: 'the content',
  run_id: 'the run',
  model_id: 'the logged model',
};

export function OutcomePage() {
  useTitle('Lineage');
  const { query: place } = usePlace();
  const of: Record<string, string> = {};
  for (const key of outcomeKeys) {
    const value = place.get(key);
    if (value) of[key] = value;
  }
  const asked = Object.entries(of);
  const query = useOutcome(of, asked.length > 0);
  const { runs = [], logged_models: models = [], model_versions: versions = [] } = query.data ?? {};
  return (
    <div className="page registered">
      <div className="page-head">
        <div className="page-title">
          <h1>What came out of it</h1>
        </div>
        <p className="faint outcome-of">
          {asked.length === 0
            ? 'Links on the lineage of a version lead here.'
            : asked.map(([key, value]) => (
                <span key={key}>
                  {outcomeWords[key as (typeof outcomeKeys)[number]]} <code>{value}</code>{' '}
                </span>
              ))}
        </p>
      </div>
      <div className="page-body scrolls" tabIndex={0} role="region" aria-label="What came out of it">
        <div className="registry-body">
          {query.isError && !query.data ? (
            <Failure
              what="The lineage could not be loaded"
              error={query.error}
              onRetry={() => void query.refetch()}
            />
          ) : !query.data ? (
            asked.length > 0 && <Loading rows={4} />
          ) : (
            <div className="lineage">
              <Card title="Versions" count={versions.length}>
                {versions.length === 0 && <p className="faint empty">None that you may see.</p>}
                {versions.length > 0 && (
                  <table className="plain" aria-label="Versions">
                    <tbody>
                      {versions.map((one) => (
                        <tr key={`${one.name} ${one.version}`}>
                          <th scope="row">
                            <a href={versionHref(one.name, one.version)}>
                              {one.name} version {one.version}
                            </a>
                          </th>
                          <td>
                            {(one.aliases ?? []).map((alias) => (
                              <AliasName key={alias} alias={alias} />
                            ))}{' '}
                            <Stage stage={one.stage} />
                          </td>
                          <td>
                            <Ago ms={one.created_at} />
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                )}
              </Card>
              <Card title="Runs" count={runs.length}>
                {runs.length === 0 && <p className="faint empty">None that you may see.</p>}
                {runs.length > 0 && (
                  <table className="plain" aria-label="Runs">
                    <tbody>
                      {runs.map((one) => (
                        <tr key={one.run_id}>
                          <th scope="row">
                            <a href={runHref(one)}>{one.run_name || one.run_id.slice(0, 8)}</a>
                          </th>
                          <td>
                            <a href={experimentHref(one.experiment_id)}>
                              {one.experiment_name ?? one.experiment_id}
                            </a>
                          </td>
                          <td>
                            <Ago ms={one.start_time} />
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                )}
              </Card>
              {models.length > 0 && (
                <Card title="Logged models" count={models.length}>
                  <table className="plain" aria-label="Logged models">
                    <tbody>
                      {models.map((one) => (
                        <tr key={one.model_id}>
                          <th scope="row">
                            <a href={modelHref(one.experiment_id, one.model_id)}>
                              {one.name || one.model_id}
                            </a>
                          </th>
                          <td>
                            <a href={experimentHref(one.experiment_id)}>
                              {one.experiment_name ?? one.experiment_id}
                            </a>
                          </td>
                          <td>
                            <Ago ms={one.created_at} />
                          </td>
                        </tr>
                      ))}
                    </tbody>
                  </table>
                </Card>
              )}
              {query.data.truncated && <p className="faint">There are more than are shown.</p>}
            </div>
          )}
        </div>
      </div>
    </div>
  );
}
