// The page of one logged model: what it is, which run made it, and its files.
import { ApiError } from '../api/http';
import { useExperiment, useLoggedModel, useRun, useTitle } from '../api/queries';
import type { LoggedModel } from '../api/types';
import ArtifactBrowser from '../artifacts/browser';
import { formatMoment } from '../lib/format';
import { experimentHref, modelHref, runHref, runName } from '../lib/run';
import { VersionsOf } from '../registry/versions-of';
import { Ago, Copy, Fact, Failure, Loading } from '../ui/parts';

const statuses: Record<string, string> = {
  LOGGED_MODEL_PENDING: 'Being logged',
  LOGGED_MODEL_READY: 'Ready',
  LOGGED_MODEL_UPLOAD_FAILED: 'Upload failed',
};

export default function ModelPage(props: { experimentId: string; modelId: string; path: string }) {
  const { experimentId, modelId, path } = props;
  const query = useLoggedModel(modelId);
  const model = query.data;
  useTitle(model?.info.name ?? modelId, 'Model');
  if (!model && query.isPending) return <Loading />;
  if (!model)
    return (
      <Failure
        what={
          query.error instanceof ApiError && query.error.status === 404
            ? 'There is no such model'
            : 'The model could not be loaded'
        }
        error={query.error}
        onRetry={() => void query.refetch()}
      />
    );
  const { info } = model;
  return (
    <div className="page run model">
      <div className="page-head">
        <div className="page-title">
          <h1>{info.name || info.model_id}</h1>
          <span className={info.status === 'LOGGED_MODEL_UPLOAD_FAILED' ? 'deleted-note' : 'faint'}>
            {statuses[info.status ?? ''] ?? ''}
          </span>
        </div>
        <ModelFacts model={model} experimentId={info.experiment_id || experimentId} />
      </div>
      <div className="page-body whole">
        <ArtifactBrowser
          key={modelId}
          kind="model"
          id={modelId}
          path={path}
          hrefOf={(to) => modelHref(info.experiment_id || experimentId, modelId, to)}
          live={info.status === 'LOGGED_MODEL_PENDING'}
          // What was tested is what is there: a model's files come from the client that logs it.
          readOnly
          empty={() => <p className="no-files faint">This model has no files yet.</p>}
        />
      </div>
    </div>
  );
}

function ModelFacts({ model, experimentId }: { model: LoggedModel; experimentId: string }) {
  const { info } = model;
  const experiment = useExperiment(experimentId);
  return (
    <dl className="facts-grid">
      <Fact label="Model ID">
        <code>{info.model_id}</code>
        <Copy text={info.model_id} label="Copy model ID" />
      </Fact>
      <Fact label="Experiment">
        <a href={experimentHref(experimentId)}>{experiment.data?.name ?? experimentId}</a>
      </Fact>
      {info.source_run_id && <SourceRun id={info.source_run_id} experimentId={experimentId} />}
      {info.model_type && <Fact label="Type">{info.model_type}</Fact>}
      {info.creation_timestamp_ms !== undefined && (
        <Fact label="Created">
          <Ago ms={info.creation_timestamp_ms} />{' '}
          <span className="faint wide-only">{formatMoment(info.creation_timestamp_ms)}</span>
        </Fact>
      )}
      <VersionsOf of={{ model_id: info.model_id }} />
      {info.status_message && <Fact label="Note">{info.status_message}</Fact>}
    </dl>
  );
}

function SourceRun({ id, experimentId }: { id: string; experimentId: string }) {
  const { data } = useRun(id);
  return (
    <Fact label="Made by">
      <a href={runHref({ run_id: id, experiment_id: data?.info.experiment_id ?? experimentId })}>
        {data ? runName(data) : id.slice(0, 8)}
      </a>
    </Fact>
  );
}
