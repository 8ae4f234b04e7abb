// The way to who can see an experiment or a registered model.
import { lazy, Suspense, useState } from 'react';
import { usePhase } from '../api/session';
import type { AccessObject } from '../lib/access-object';
import { Icon } from './icons';

const SharingDialog = lazy(() => import('../access/sharing'));

/** Opens who can see something; not there where everybody can. */
export function ShareButton(props: { object: AccessObject; name: string; canManage: boolean }) {
  const { object, name, canManage } = props;
  const [open, setOpen] = useState(false);
  const known = usePhase() === 'in';
  if (!known) return null;
  const label = canManage ? 'Share' : 'My rights';
  return (
    <>
      <button
        type="button"
        className="quiet end"
        aria-label={label}
        title={canManage ? 'Who can see this' : 'What you may do here, and why'}
        onClick={() => setOpen(true)}
      >
        <Icon name={canManage ? 'people' : 'lock'} /> <span className="wide-only">{label}</span>
      </button>
      {open && (
        <Suspense>
          <SharingDialog object={object} title={name} canManage={canManage} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
