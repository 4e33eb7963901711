/** The running application as the command line sees it, and what it tells about itself at start. */

export interface App extends AsyncDisposable {
  /** Root of the server without a trailing slash, such as `http://127.0.0.1:4000`; the API is at `/graphql` below it. */
  readonly url: string;
  readonly startupSummary: StartupSummary;
  /** Turns that run on this node. */
  readonly runningTurns: number;
  /**
   * Leaves politely: not ready and no new turns from now on, clients are sent elsewhere, running turns may end within the
   * grace time. Resolves when there is nothing left to wait for; disposing is the next step. Disposing alone waits for no turn.
   */
  drain(): Promise<void>;
}

/** What an operator wants to know first. Holds no secrets. */
export interface StartupSummary {
  readonly version: string;
  /** The same as the application's `url`. */
  readonly url: string;
  /** Where to open GraphiQL; null when it is not served. */
  readonly graphiqlUrl: string | null;
  /** The backends that answer, the built-in one included. */
  readonly backends: readonly BackendSummary[];
  readonly database: `built-in (${string})` | 'DATABASE_URL';
}

export interface BackendSummary {
  readonly id: string;
  /** Where it is, in words or as a URL without credentials. */
  readonly location: string;
  /** The model that answers when a request names none. */
  readonly model?: string | undefined;
}
