/** The rule of lists whose items have names: no name twice. */
import type { z } from 'zod';

/** Says in the words of the configuration's own problems which item has the name of an earlier one. */
export function refuseRepeated<Key extends string>(key: Key) {
  return (items: readonly Readonly<Record<Key, string>>[], context: z.core.$RefinementCtx): void => {
    const names = items.map((item) => item[key]);
    const repeated = names.findIndex((name, index) => names.indexOf(name) < index);
    if (repeated === -1) return;
    context.addIssue({
      code: 'custom',
      path: [repeated, key],
      message: `"${names[repeated]}" is the ${key} of another one`,
      params: { isProblem: true },
    });
  };
}
