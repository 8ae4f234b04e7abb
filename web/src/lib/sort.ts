// Orders cells of the run table: numbers as numbers, text naturally, and what is missing always last.
import { toNumber, type WireNumber } from './format';
import { naturalOrder } from './group';

/**
 * Compares two cells for a column sorted in the given direction. Missing cells come last either way, NaN just
 * before them, so that the best value is on top in both directions.
 */
export function compareCells(
  a: WireNumber | undefined,
  b: WireNumber | undefined,
  descending: boolean,
): number {
  const rankA = rank(a);
  const rankB = rank(b);
  if (rankA !== rankB) return rankA - rankB;
  if (rankA !== 0) return 0;
  const direction = descending ? -1 : 1;
  const numberA = numeric(a);
  const numberB = numeric(b);
  if (numberA !== undefined && numberB !== undefined) {
    return numberA === numberB ? 0 : numberA < numberB ? -direction : direction;
  }
  if (numberA !== undefined) return -direction;
  if (numberB !== undefined) return direction;
  return direction * naturalOrder(String(a), String(b));
}

function rank(value: WireNumber | undefined): number {
  if (value === undefined || value === '') return 2;
  if (value === 'NaN' || (typeof value === 'number' && Number.isNaN(value))) return 1;
  return 0;
}

function numeric(value: WireNumber | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (value === undefined || value.trim() === '') return undefined;
  const number = toNumber(value);
  return Number.isNaN(number) ? undefined : number;
}
