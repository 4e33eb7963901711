/** The job queue of one node on a test's database. */
import { createListener } from '../../src/db/listener.ts';
import { createJobs, type Jobs } from '../../src/jobs/jobs.ts';
import { createRecordedLog, type RecordedLog } from './recorded-log.ts';

export interface TestJobs extends Jobs {
  readonly log: RecordedLog;
}

/** A queue that looks often and retries soon; the listener is disposed with it. */
export async function startTestJobs(
  databaseUrl: string,
  options: { readonly shutdownMs?: number } = {},
): Promise<TestJobs> {
  const log = createRecordedLog();
  await using resources = new AsyncDisposableStack();
  const listener = resources.use(createListener({ url: databaseUrl, log }));
  const jobs = resources.use(
    await createJobs({ databaseUrl, listener, log, pollS: 0.5, retryDelayS: 0, ...options }),
  );
  const owned = resources.move();
  return { ...jobs, log, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
