// What a user or a group was granted, wherever that is.
import { useGrants, type Subject } from '../api/sharing';
import { objectHref } from '../lib/access-object';
import { levelLabel } from '../lib/rights';
import { Badge, ListState } from './parts';

export function GrantsOf({ of, isAdmin }: { of: Subject; isAdmin?: boolean }) {
  const list = useGrants(of);
  return (
    <section className="card" aria-labelledby="grants">
      <h2 id="grants">Grants {list.data && <span className="count">{list.data.length}</span>}</h2>
      {isAdmin && <p className="faint empty">An administrator may do everything, with or without grants.</p>}
      {!list.data ? (
        <ListState what="The grants" query={list} rows={3} />
      ) : list.data.length === 0 ? (
        <p className="faint empty">
          {'username' in of ? 'None of its own: its groups and the default for everybody count.' : 'None.'}
        </p>
      ) : (
        <table className="plain" aria-label="Grants">
          <thead>
            <tr>
              <th scope="col">For</th>
              <th scope="col">Permission</th>
            </tr>
          </thead>
          <tbody>
            {list.data.map((grant) => {
              const href = objectHref(grant.object);
              const title = grant.title ?? grant.object;
              return (
                <tr key={grant.object}>
                  <th scope="row">
                    {href ? <a href={href}>{title}</a> : title} <span className="faint">{grant.object}</span>
                  </th>
                  <td>
                    <span className="with-badges">
                      {levelLabel(grant.permission)}
                      {grant.actions?.map((action) => (
                        <Badge key={action}>{action}</Badge>
                      ))}
                    </span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}
