// The files of a run, and the way to those of the models that it made.
import { useState } from 'react';
import { clientUploadAddress } from '../api/artifacts';
import { useLoggedModel } from '../api/queries';
import type { Run } from '../api/types';
import { isLive, modelHref, runArtifactHref } from '../lib/run';
import { serverAddress, Snippet, TokenHint, useClientLines } from '../ui/start-here';
import ArtifactBrowser from './browser';

// More models are a list, for which the overview is the better place.
const fewModels = 12;

export default function RunArtifacts(props: { run: Run; path: string; mayEdit: boolean }) {
  const { run, path, mayEdit } = props;
  const { info } = run;
  const models = [...new Set(run.outputs?.model_outputs?.map((one) => one.model_id))];
  return (
    <div className="run-artifacts">
      {models.length > 0 && <Models ids={models} experimentId={info.experiment_id} />}
      <ArtifactBrowser
        key={info.run_id}
        kind="run"
        id={info.run_id}
        path={path}
        hrefOf={(to) => runArtifactHref(info, to)}
        live={isLive(run)}
        readOnly={info.lifecycle_stage === 'deleted' || !mayEdit}
        empty={(rootUri) =>
          mayEdit ? (
            <NoFiles runId={info.run_id} rootUri={rootUri} />
          ) : (
            <p className="no-files faint">This run has no files yet.</p>
          )
        }
      />
    </div>
  );
}

function Models({ ids, experimentId }: { ids: readonly string[]; experimentId: string }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? ids : ids.slice(0, fewModels);
  return (
    <nav className="models" aria-label="Models of the run">
      <span className="faint">Models of this run have files of their own:</span>
      {shown.map((id) => (
        <ModelChip key={id} id={id} experimentId={experimentId} />
      ))}
      {shown.length < ids.length && (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          and {ids.length - shown.length} more
        </button>
      )}
    </nav>
  );
}

function ModelChip({ id, experimentId }: { id: string; experimentId: string }) {
  const { data } = useLoggedModel(id);
  return (
    <a className="chip" href={modelHref(data?.info.experiment_id ?? experimentId, id)} title={id}>
      {data?.info.name ?? id}
    </a>
  );
}

function NoFiles({ runId, rootUri }: { runId: string; rootUri: string | undefined }) {
  const server = serverAddress();
  const url = clientUploadAddress(server, rootUri, 'plot.png');
  const { curl } = useClientLines();
  return (
    <div className="no-files scrolls" tabIndex={0} role="region" aria-label="How to log a file">
      <h2>This run has no files yet</h2>
      <p className="faint">
        Log one inside of the run, or from anywhere by its ID
        {url === undefined ? '.' : '; or drop a file on this page.'} It appears here by itself.
      </p>
      <div className="start-here">
        <Snippet title="In the training code" text={'mlflow.log_artifact("plot.png")'} />
        <Snippet
          title="From Python, by the ID of the run"
          text={`import mlflow\nmlflow.set_tracking_uri("${server}")\nmlflow.log_artifact("plot.png", run_id="${runId}")`}
        />
        <TokenHint />
        {url !== undefined && (
          <Snippet title="From the shell" text={`curl -T plot.png \\\n${curl}  '${url}'`} />
        )}
      </div>
    </div>
  );
}
