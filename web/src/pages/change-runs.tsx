// Deletes or restores several runs after a question.
import { deleteRun, restoreRun } from '../api/client';
import { plural } from '../lib/format';
import { FormDialog } from '../ui/dialog';
import { toast } from '../ui/toast';

// Enough at once to be quick, few enough to leave the server to others.
const atOnce = 4;

/** Deletes or restores runs, and offers the way back. */
async function changeAll(ids: readonly string[], change: (id: string) => Promise<unknown>): Promise<void> {
  const waiting = [...ids];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) await change(id);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

export function ChangeRuns(props: {
  ids: readonly string[];
  name: string | undefined;
  restore: boolean;
  onClose: () => void;
  onDone: () => void;
}) {
  const { ids, name, restore, onClose, onDone } = props;
  const what = plural(ids.length, 'run');
  return (
    <FormDialog
      title={`${restore ? 'Restore' : 'Delete'} ${what}`}
      action={restore ? 'Restore' : 'Delete'}
      danger={!restore}
      onClose={onClose}
      onSubmit={async () => {
        await changeAll(ids, restore ? restoreRun : deleteRun);
        onDone();
        toast(
          `${restore ? 'Restored' : 'Deleted'} ${what}.`,
          'done',
          restore
            ? undefined
            : {
                label: 'Undo',
                run: () => {
                  changeAll(ids, restoreRun).then(onDone, (cause: Error) => toast(cause.message, 'failed'));
                },
              },
        );
      }}
    >
      <p>
        {restore ? 'Bring back ' : 'Delete '}
        <strong>{name ?? what}</strong>
        {restore ? '?' : '? Deleted runs can be restored from the list of deleted runs.'}
      </p>
    </FormDialog>
  );
}
