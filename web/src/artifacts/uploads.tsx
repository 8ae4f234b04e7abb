// Files from the person's disk on their way to the server: one after another, each with its progress.
import { useCallback, useEffect, useRef, useState } from 'react';
import { upload } from '../api/artifacts';
import { formatBytes, plural } from '../lib/format';
import { Icon } from '../ui/icons';
import { announce, toast } from '../ui/toast';

export interface Upload {
  id: number;
  name: string;
  size: number;
  sent: number;
  state: 'waiting' | 'sending' | 'failed';
  message?: string;
}

interface Task {
  id: number;
  url: string;
  file: File;
  stop: AbortController;
}

/** A queue of uploads; what is done leaves it, what failed stays until it is dismissed. */
export function useUploads(onDone: () => void) {
  const [list, setList] = useState<Upload[]>([]);
  const tasks = useRef<Task[]>([]);
  const working = useRef(false);
  const next = useRef(1);
  const done = useRef(onDone);
  useEffect(() => {
    done.current = onDone;
  });
  useEffect(() => {
    const all = tasks;
    return () => {
      const left = all.current.length;
      all.current.forEach((task) => task.stop.abort());
      if (left > 0) toast(`${plural(left, 'upload')} stopped, for the page was left.`, 'failed');
    };
  }, []);

  const change = (id: number, changes: Partial<Upload>) =>
    setList((now) => now.map((one) => (one.id === id ? { ...one, ...changes } : one)));
  const drop = useCallback((id: number) => {
    tasks.current.find((task) => task.id === id)?.stop.abort();
    tasks.current = tasks.current.filter((task) => task.id !== id);
    setList((now) => now.filter((one) => one.id !== id));
  }, []);

  const work = useCallback(async () => {
    if (working.current) return;
    working.current = true;
    for (let task = tasks.current[0]; task; task = tasks.current[0]) {
      const { id, file } = task;
      change(id, { state: 'sending' });
      try {
        await upload(task.url, file, (sent) => change(id, { sent }), task.stop.signal);
        announce(`${file.name} is stored.`);
        drop(id);
        done.current();
      } catch (cause) {
        tasks.current = tasks.current.filter((one) => one.id !== id);
        if (!task.stop.signal.aborted)
          change(id, { state: 'failed', message: cause instanceof Error ? cause.message : String(cause) });
      }
    }
    working.current = false;
  }, [drop]);

  const start = useCallback(
    (files: readonly { url: string; file: File }[]) => {
      const added = files.map(({ url, file }) => ({
        id: next.current++,
        url,
        file,
        stop: new AbortController(),
      }));
      tasks.current.push(...added);
      setList((now) => [
        ...now,
        ...added.map(({ id, file }) => ({
          id,
          name: file.name,
          size: file.size,
          sent: 0,
          state: 'waiting' as const,
        })),
      ]);
      void work();
    },
    [work],
  );
  return { list, start, drop };
}

export function UploadList({ list, onDrop }: { list: readonly Upload[]; onDrop: (id: number) => void }) {
  if (list.length === 0) return null;
  return (
    <ul className="uploads scrolls" aria-label="Uploads" tabIndex={0}>
      {list.map((one) => (
        <li key={one.id} className={one.state}>
          <span className="clip" title={one.name}>
            {one.name}
          </span>
          <button
            type="button"
            className="quiet icon-only"
            aria-label={one.state === 'failed' ? `Dismiss ${one.name}` : `Stop ${one.name}`}
            onClick={() => onDrop(one.id)}
          >
            <Icon name="cross" />
          </button>
          {one.state === 'failed' ? (
            <span className="upload-state" role="alert">
              {one.message}
            </span>
          ) : (
            <>
              <progress value={one.sent} max={one.size || 1} aria-label={`Progress of ${one.name}`} />
              <span className="upload-state">
                {one.state === 'waiting'
                  ? 'Waiting'
                  : `${formatBytes(Math.min(one.sent, one.size))} of ${formatBytes(one.size)}`}
              </span>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
