// What a person does first: the exact lines to log something into this very server.
import { Copy } from './parts';

/** The address of this server as a client needs it: the page's own, without its last slash. */
export function serverAddress(): string {
  return new URL('.', location.href.split('#')[0]).href.replace(/\/$/, '');
}

/** Lines to be copied, under a title. */
export function Snippet({ title, text }: { title: string; text: string }) {
  return (
    <div className="snippet">
      <div className="snippet-head">
        <h3>{title}</h3>
        <Copy text={text} label={`Copy: ${title}`} />
      </div>
      <pre tabIndex={0} className="scrolls" aria-label={title}>
        <code>{text}</code>
      </pre>
    </div>
  );
}

export function StartHere({ experiment, experimentId }: { experiment: string; experimentId: string }) {
  const address = serverAddress();
  const python = [
    'import mlflow',
    `mlflow.set_experiment(${JSON.stringify(experiment)})`,
    'with mlflow.start_run():',
    '    for step in range(100):',
    '        mlflow.log_metric("loss", 1 / (step + 1), step=step)',
  ].join('\n');
  const curl = [
    `curl ${address}/api/2.0/mlflow/runs/create \\`,
    "  -H 'Content-Type: application/json' \\",
    `  -d '{"experiment_id": "${experimentId}", "run_name": "from-curl"}'`,
  ].join('\n');
  return (
    <div className="start-here">
      <Snippet
        title="1. Point your MLflow client at this server"
        text={`export MLFLOW_TRACKING_URI=${address}`}
      />
      <Snippet title="2. Log a first run from Python" text={python} />
      <Snippet title="or create one from the shell" text={curl} />
      <p className="faint">The run appears here by itself, no reload needed.</p>
    </div>
  );
}
