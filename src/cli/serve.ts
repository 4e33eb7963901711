/** `millrace serve`: starts the application, shows where it is, and takes it down in order when the process is told to stop. */
import closeWithGrace from 'close-with-grace';
import type { Config } from '../config/config.ts';
import { listWarnings } from '../config/warnings.ts';
import type { App } from '../types/app.ts';
import { type Shell, toFailureText } from './shell.ts';
import { renderStartScreen } from './start-screen.ts';

export interface ServeDeps {
  readonly createApp: (config: Config) => Promise<App>;
  readonly shell: Shell;
}

/**
 * Resolves when the server is up; rejects when it does not come up. From then on the process ends by itself: with 0
 * after a signal, with 1 after an error that nobody caught or after a second signal, which waits for nothing.
 */
export async function serve(config: Config, { createApp, shell }: ServeDeps): Promise<void> {
  for (const warning of listWarnings(config)) shell.err(`millrace: warning: ${warning}\n`);
  const starting = createApp(config);
  const stop = async (reason: { readonly err?: Error; readonly signal?: string }): Promise<void> => {
    if (reason.err) shell.err(toFailureText(reason.err, config));
    else shell.out(`  ${reason.signal}: stopping. Once more stops at once.\n`);
    const app = await starting.catch(() => undefined);
    await app?.[Symbol.asyncDispose]();
  };
  // No limit here: how long running turns may take to finish is the application's to say.
  const guard = closeWithGrace({ delay: false, logger: false, skip: ['beforeExit'] }, stop);
  try {
    const app = await starting;
    shell.out(renderStartScreen(app.startupSummary));
  } catch (error) {
    guard.uninstall();
    throw error;
  }
}
