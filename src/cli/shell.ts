/** What a command has of the process it runs in, and how it ends: the exit codes and the one line of a failure. */
import { inspect } from 'node:util';
import { createAccess } from '../auth/access.ts';
import type { Config } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/explain.ts';
import { loadExplained } from '../config/load.ts';
import { isAppError } from '../errors.ts';
import { FAULTS_VARIABLE, parseFaults } from '../faults.ts';
import { createLog } from '../log.ts';
import { createSystemPrompts } from '../prompts/system-prompts.ts';

export interface Shell {
  readonly env: Environment;
  readonly cwd: string;
  /** Writes to standard output and standard error; a line ends with its own line feed. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Where to draw progress; absent, or no terminal: nowhere. */
  readonly terminal?: NodeJS.WriteStream;
}

export const EXIT = {
  ok: 0,
  failure: 1,
  /** EX_CONFIG of sysexits.h: starting again without a change is pointless. */
  badConfig: 78,
} as const;

/** The values of settings that were given as flags, by the flag's name. */
export type Flags = Readonly<Record<string, string | undefined>>;

/** Loads the configuration and does the work, which says its exit code; a failure becomes one line on standard error. */
export async function runWithConfig(
  shell: Shell,
  flags: Flags,
  work: (loaded: LoadedConfig) => Promise<number>,
): Promise<number> {
  const loaded = await loadOrComplain(shell, flags);
  if (loaded === undefined) return EXIT.badConfig;
  try {
    return await work(loaded);
  } catch (error) {
    shell.err(toFailureText(error, loaded.config));
    return EXIT.failure;
  }
}

/** Loads what it needs only when there is something to check: every command comes by here. */
async function checkPersistedOperations(config: Config): Promise<void> {
  if (config.persistedOperations.mode === 'off') return;
  const { createPersistedOperations } = await import('../server/persisted-operations.ts');
  await createPersistedOperations(config);
}

/** The files that hold prompts and operations are part of the configuration: what is wrong with them is found here, too. So are faults. */
async function loadOrComplain(shell: Shell, flags: Flags): Promise<LoadedConfig | undefined> {
  try {
    const loaded = loadExplained({ env: shell.env, flags, cwd: shell.cwd });
    await createSystemPrompts(loaded.config);
    await checkPersistedOperations(loaded.config);
    createAccess({
      config: loaded.config,
      log: createLog('silent'),
      metrics: { credentialsChecked: () => {} },
    });
    parseFaults(shell.env[FAULTS_VARIABLE], loaded.config.mode);
    return loaded;
  } catch (error) {
    if (!isAppError(error, 'BAD_USER_INPUT')) throw error;
    shell.err(`millrace: ${error.message}\n`);
    return undefined;
  }
}

/** One line that ends with the reason, where the error has one, and the whole error with its causes when the log level is debug. */
export function toFailureText(error: unknown, { logLevel }: Pick<Config, 'logLevel'>): string {
  const line = toLine(error);
  const reason = error instanceof Error && error.cause !== undefined ? toLine(error.cause) : '';
  const whole = line.includes(reason) ? line : `${line} (${reason})`;
  return `millrace: ${whole}\n${logLevel === 'debug' ? `${inspect(error)}\n` : ''}`;
}

function toLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split('\n', 1).join();
}
