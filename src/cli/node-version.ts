/** Whether this Node can run Millrace. Imports nothing, so that a Node that is too old gets as far as being told. */

/** The first with `await using`: https://nodejs.org/en/blog/release/v24.0.0 */
const OLDEST_MAJOR = 24;

/** One line for the operator; undefined when the version will do. */
export function findVersionProblem(version: string): string | undefined {
  if (Number.parseInt(version, 10) >= OLDEST_MAJOR) return undefined;
  return (
    `Node ${version} is too old, Millrace needs ${OLDEST_MAJOR} or later. ` +
    'In a clone, `npm start` brings its own; elsewhere `npm install node@24` does.'
  );
}
