/** `millrace serve`: starts the application, shows where it is, and takes it down in order when the process is told to stop. */
import process from 'node:process';
import closeWithGrace from 'close-with-grace';
import type { Config } from '../config/config.ts';
import { listWarnings } from '../config/warnings.ts';
import type { App } from '../types/app.ts';
import { watchInterrupts } from './interrupts.ts';
import { type Shell, toFailureText } from './shell.ts';
import { renderStartScreen } from './start-screen.ts';

export interface ServeDeps {
  /** Rejects as soon as the signal is aborted and the application not yet up. */
  readonly createApp: (config: Config, signal: AbortSignal) => Promise<App>;
  readonly shell: Shell;
}

interface StopReason {
  readonly err?: Error;
  readonly signal?: string;
}

/**
 * Resolves when the server is up, or was told to stop before; rejects when it does not come up. From then on the process ends by itself: with 0
 * after a signal, when the application has drained; with 1 after an error that nobody caught, which ends what runs, or
 * after a second signal, which waits for nothing.
 */
export async function serve(config: Config, { createApp, shell }: ServeDeps): Promise<void> {
  for (const warning of listWarnings(config)) shell.err(`millrace: warning: ${warning}\n`);
  const stopping = new AbortController();
  const starting = createApp(config, stopping.signal);
  let app: App | undefined;
  const stop = async ({ err, signal = 'SIGINT' }: StopReason): Promise<void> => {
    stopping.abort();
    if (err) shell.err(toFailureText(err, config));
    else shell.out(`  ${signal}: ${renderFarewell(app?.runningTurns ?? 0, config.turns.drainMs)}\n`);
    app ??= await starting.catch(() => undefined);
    if (!err) await app?.drain();
    await app?.[Symbol.asyncDispose]();
  };
  // No limit here: how long running turns may take to finish is the application's to say.
  const guard = closeWithGrace({ delay: false, logger: false, skip: ['beforeExit', 'SIGINT'] }, stop);
  const unwatch = watchInterrupts(() => (stopping.signal.aborted ? process.exit(1) : guard.close()));
  try {
    app = await starting;
    if (stopping.signal.aborted) return;
    shell.out(renderStartScreen(app.startupSummary));
  } catch (error) {
    // Told to stop before it was up: the process ends by that.
    if (stopping.signal.aborted) return;
    guard.uninstall();
    unwatch();
    throw error;
  }
}

/** What happens now, and how to have it over with. */
function renderFarewell(runningTurns: number, drainMs: number): string {
  if (runningTurns === 0) return 'stopping. Once more stops at once.';
  const turns = runningTurns === 1 ? '1 turn is running' : `${runningTurns} turns are running`;
  return `${turns}; waiting for the end, at most ${Math.ceil(drainMs / 1000)} s. Once more stops at once.`;
}
