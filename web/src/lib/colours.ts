// Gives each run a colour of its own: the same on every page until the tab is closed.

/** Number of --run-N colours in the style sheet, chosen apart from each other in both themes. */
export const colourCount = 16;

const given = new Map<string, number>();

function base(id: string): number {
  let index = given.get(id);
  if (index === undefined) {
    index = given.size;
    given.set(id, index);
  }
  return index;
}

/** Claims colours in this order, so that neighbours in a list differ. */
export function claimColours(ids: Iterable<string>): void {
  for (const id of ids) base(id);
}

/** The colour number of a run seen alone. */
export function colourOf(id: string): number {
  return base(id) % colourCount;
}

/** Colour numbers for runs drawn together: as long as there are colours enough no two are equal. */
export function coloursOf(ids: readonly string[]): Map<string, number> {
  const chosen = new Map<string, number>();
  const uses = new Array<number>(colourCount).fill(0);
  const later: string[] = [];
  for (const id of ids) {
    const wanted = colourOf(id);
    if (uses[wanted] === 0) {
      uses[wanted] = 1;
      chosen.set(id, wanted);
    } else later.push(id);
  }
  for (const id of later) {
    const colour = uses.indexOf(Math.min(...uses));
    uses[colour] = (uses[colour] ?? 0) + 1;
    chosen.set(id, colour);
  }
  return chosen;
}
