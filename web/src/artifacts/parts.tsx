// Small parts that the panels of artifacts share.
import type { ReactNode } from 'react';
import { ApiError } from '../api/http';
import type { ArtifactFile } from '../api/types';
import { previewKind } from '../lib/artifact';
import { Icon, type IconName } from '../ui/icons';
import { Copy } from '../ui/parts';

export function iconOf(file: ArtifactFile): IconName {
  if (file.is_dir) return 'folder';
  return previewKind(file.path, file.content_type) === 'image' ? 'image' : 'file';
}

/** Something could not be read; what is around it stays. */
export function Trouble(props: { what: string; error: unknown; onRetry?: () => void }) {
  const { what, error, onRetry } = props;
  const elsewhere = error instanceof ApiError && error.status === 501;
  return (
    <div className="trouble" role="alert">
      <h3>{what}</h3>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {error instanceof ApiError && error.requestId && (
        <p className="faint">
          Request <code>{error.requestId}</code>
        </p>
      )}
      {onRetry && !elsewhere && (
        <button type="button" onClick={onRetry}>
          <Icon name="refresh" /> Try again
        </button>
      )}
    </div>
  );
}

/** The beginning of a SHA-256; the whole is copied. */
export function Digest({ sha256, of }: { sha256: string | undefined; of: string }) {
  if (!sha256) return <span className="faint">–</span>;
  return (
    <span className="digest">
      <code title={`SHA-256 ${sha256}`}>{sha256.slice(0, 12)}</code>
      <Copy text={sha256} label={`Copy SHA-256 of ${of}`} />
    </span>
  );
}

/** The line over a preview: what is shown on the left, how on the right. */
export function PreviewBar({ note, children }: { note: ReactNode; children?: ReactNode }) {
  return (
    <div className="preview-bar">
      <span className="preview-note" role="status">
        {note}
      </span>
      {children}
    </div>
  );
}
