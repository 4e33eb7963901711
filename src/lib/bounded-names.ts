/** Keeping a set of names small. */

/** Gives each of the first `max` different names itself, and all that come after them the name of the rest. */
export function createBoundedNames(max: number, rest: string): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.size < max) known.add(name);
    return known.has(name) ? name : rest;
  };
}
