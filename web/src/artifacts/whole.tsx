// Formats that make sense only as a whole (JSON, Markdown): read up to a size, otherwise shown as text.
import { useEffect, type ReactNode } from 'react';
import type { Source } from '../lib/artifact';
import { formatBytes } from '../lib/format';
import { WholeText } from '../lib/growing';
import { Loading } from '../ui/parts';
import { PreviewBar, Trouble } from './parts';
import TextPreview from './text';
import { useGrowing } from './use-growing';

export function Whole(props: {
  source: Source;
  path: string;
  size: number;
  /** Larger files are shown as text. */
  most: number;
  children: (text: string) => ReactNode;
}) {
  const { source, path, size, most } = props;
  if (size > most)
    return (
      <TextPreview source={source} path={path}>
        <span className="faint">As text, for it has more than {formatBytes(most)}.</span>
      </TextPreview>
    );
  return <Small {...props} />;
}

function Small({ source, path, most, children }: Parameters<typeof Whole>[0]) {
  const growing = useGrowing(source, path, () => new WholeText());
  const { loaded, complete, busy, binary, error, total = 0 } = growing;
  const grows = loaded > 0 && !complete && !busy && error === undefined && total <= most;
  useEffect(() => {
    if (grows) void growing.more();
  }, [grows, growing]);
  // Text that is none, or a file that was replaced by a large one: the text preview tells.
  if (binary || total > most) return <TextPreview source={source} path={path} />;
  if (error !== undefined)
    return <Trouble what="The file could not be read" error={error} onRetry={() => void growing.more()} />;
  if (!complete) return <Loading rows={6} />;
  if (total === 0) return <PreviewBar note="The file is empty." />;
  return children(growing.taker.text);
}
