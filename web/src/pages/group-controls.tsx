// Chooses what runs are grouped by, and by which metric groups are compared.
import { columnLabel, isOwnTag, splitColumn, type ColumnId, type KnownKeys } from '../lib/cells';
import { bestFirst, fieldOfColumn, newestFirst, type Sort } from '../lib/columns';
import { Segmented } from '../ui/parts';

export function GroupControls(props: {
  by: ColumnId;
  sort: Sort;
  known: KnownKeys;
  onGroup: (by: ColumnId | undefined) => void;
  onSort: (sort: Sort) => void;
}) {
  const { by, sort, known, onGroup, onSort } = props;
  const groups: [string, ColumnId[]][] = [
    ['Parameters', known.param.map((key) => `param:${key}`)],
    ['Tags', known.tag.filter(isOwnTag).map((key) => `tag:${key}`)],
    ['Attributes', ['attribute:status', 'attribute:user', 'attribute:source', 'attribute:commit']],
  ];
  const offered = groups.map(([label, ids]) => [label, ids.filter(fieldOfColumn)] as const);
  const measured = splitColumn(sort.column).kind === 'metric' ? splitColumn(sort.column).key : '';
  const metrics = known.metric.filter((key) => fieldOfColumn(`metric:${key}`) && key !== measured);
  return (
    <>
      <label className="choose">
        <span>Group by</span>
        <select
          value={by}
          onChange={(event) => onGroup(event.target.value === '' ? undefined : event.target.value)}
        >
          <option value="">nothing</option>
          {by !== '' && !offered.some(([, ids]) => ids.includes(by)) && (
            <option value={by}>{columnLabel(by)}</option>
          )}
          {offered.map(
            ([label, ids]) =>
              ids.length > 0 && (
                <optgroup key={label} label={label}>
                  {ids.map((id) => (
                    <option key={id} value={id}>
                      {columnLabel(id)}
                    </option>
                  ))}
                </optgroup>
              ),
          )}
        </select>
      </label>
      {by !== '' && (
        <>
          <label className="choose">
            <span>Metric</span>
            <select
              value={measured}
              onChange={(event) =>
                onSort(event.target.value === '' ? newestFirst : bestFirst(event.target.value))
              }
            >
              <option value="">none</option>
              {measured !== '' && <option value={measured}>{measured}</option>}
              {metrics.map((key) => (
                <option key={key} value={key}>
                  {key}
                </option>
              ))}
            </select>
          </label>
          {measured !== '' && (
            <Segmented
              label="Which value is best"
              value={sort.descending ? 'highest' : 'lowest'}
              options={[
                { value: 'lowest', label: 'Lowest best' },
                { value: 'highest', label: 'Highest best' },
              ]}
              onChange={(value) => onSort({ ...sort, descending: value === 'highest' })}
            />
          )}
        </>
      )}
    </>
  );
}
