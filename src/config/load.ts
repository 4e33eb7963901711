/** Makes the configuration: flags over environment over YAML file over defaults, checked and frozen. */
import { type Config, configSchema } from './config.ts';
import { fromComplaints, toLabel } from './problems.ts';
import { toConfig } from './rules.ts';
import { type ConfigSources, collectSettings } from './sources.ts';

/** Throws an AppError BAD_USER_INPUT of one line that names the setting, what is allowed and what was found. */
export function loadConfig(sources: ConfigSources): Config {
  const collected = collectSettings(sources);
  const parsed = configSchema.safeParse(collected.tree, { reportInput: true });
  if (!parsed.success) throw fromComplaints(parsed.error, collected);
  return freeze(
    toConfig(parsed.data, {
      label: (...path) => toLabel(path, collected),
      cwd: sources.cwd,
    }),
  );
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) freeze(child);
  return Object.freeze(value);
}
