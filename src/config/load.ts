/** Makes the configuration: flags over environment over YAML file over defaults, checked and frozen. */
import { type Config, configSchema } from './config.ts';
import type { LoadedConfig } from './explain.ts';
import { fromComplaints, toLabel } from './problems.ts';
import { toConfig } from './rules.ts';
import { type ConfigSources, collectSettings } from './sources.ts';

/** Throws an AppError BAD_USER_INPUT of one line that names the setting, what is allowed and what was found. */
export function loadConfig(sources: ConfigSources): Config {
  return loadExplained(sources).config;
}

/** The same, with what it was made of. */
export function loadExplained(sources: ConfigSources): LoadedConfig {
  const { tree: written, ...provenance } = collectSettings(sources);
  const parsed = configSchema.safeParse(written, { reportInput: true });
  if (!parsed.success) throw fromComplaints(parsed.error, provenance);
  const config = toConfig(parsed.data, {
    label: (...path) => toLabel(path, provenance),
    cwd: sources.cwd,
  });
  return { config: freeze(config), settings: parsed.data, written, provenance };
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) freeze(child);
  return Object.freeze(value);
}
