// Smooths a noisy curve for the eye: an exponential moving average without start-up bias.

/**
 * Weight 0 leaves the values alone, towards 1 smooths more. Values that are not finite stay as they are and
 * do not enter the average, so one NaN does not blank the rest of the curve.
 */
export function smooth(values: readonly number[], weight: number): number[] {
  if (weight <= 0) return [...values];
  let average = 0;
  let mass = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    average = average * weight + (1 - weight) * value;
    mass = mass * weight + (1 - weight);
    return average / mass;
  });
}
