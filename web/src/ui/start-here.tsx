// What a person does first: the exact lines to log something into this very server.
import { usePhase } from '../api/session';
import { workspace } from '../lib/workspace';
import { Copy } from './parts';

/** The address of this server as a client needs it: the page's own, without its last slash. */
export function serverAddress(): string {
  return new URL('.', location.href.split('#')[0]).href.replace(/\/$/, '');
}

/** What a client's environment says to find this server, and a shell to be let in by it. */
export function clientLines(token: string | undefined): { environment: string; curl: string } {
  const name = workspace === undefined ? [] : [`export MLFLOW_WORKSPACE=${workspace}`];
  const secret = token === undefined ? [] : [`export MLFLOW_TRACKING_TOKEN=${token}`];
  return {
    environment: [`export MLFLOW_TRACKING_URI=${serverAddress()}`, ...secret, ...name].join('\n'),
    curl: [
      ...(token === undefined ? [] : ['  -H "Authorization: Bearer $MLFLOW_TRACKING_TOKEN" \\\n']),
      ...(workspace === undefined ? [] : [`  -H 'X-MLFLOW-WORKSPACE: ${workspace}' \\\n`]),
    ].join(''),
  };
}

/** The same for the person who looks: they have tokens where people log in. */
export function useClientLines() {
  return clientLines(usePhase() === 'in' ? '…' : undefined);
}

/** Where a token comes from; nothing where none is needed. */
export function TokenHint() {
  if (usePhase() !== 'in') return null;
  return (
    <p className="faint">
      <code>MLFLOW_TRACKING_TOKEN</code> holds a token of yours: <a href="#/profile">make one</a>.
    </p>
  );
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
  const lines = useClientLines();
  const python = [
    'import mlflow',
    `mlflow.set_experiment(${JSON.stringify(experiment)})`,
    'with mlflow.start_run():',
    '    for step in range(100):',
    '        mlflow.log_metric("loss", 1 / (step + 1), step=step)',
  ].join('\n');
  const curl = [
    `curl ${address}/api/2.0/mlflow/runs/create \\`,
    `${lines.curl}  -H 'Content-Type: application/json' \\`,
    `  -d '{"experiment_id": "${experimentId}", "run_name": "from-curl"}'`,
  ].join('\n');
  return (
    <div className="start-here">
      <Snippet title="1. Point your MLflow client at this server" text={lines.environment} />
      <TokenHint />
      <Snippet title="2. Log a first run from Python" text={python} />
      <Snippet title="or create one from the shell" text={curl} />
      <p className="faint">The run appears here by itself, no reload needed.</p>
    </div>
  );
}
