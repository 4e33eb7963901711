/** Who is asking: the plain data that every domain receives. How one becomes a viewer lives in auth/. */

export interface Viewer {
  /** Stable id of the person or service; the owner of everything they create. */
  readonly id: string;
  readonly name: string;
  /** Role names; everyone also has the role `*`. */
  readonly roles: readonly string[];
  /** When what they showed stops being accepted; absent: it does not end by itself. */
  readonly expiresAt?: Date | undefined;
}
