/** What the id of a viewer, and their name, may be. */

export const MAX_ID_LENGTH = 255;

/** It goes into the database and into paths of the log: what cannot stand there is nobody's. */
export function isViewerName(text: string): boolean {
  return text !== '' && text.length <= MAX_ID_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(text);
}
