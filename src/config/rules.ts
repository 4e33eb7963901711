/** The rules that span several settings, and the defaults that follow from others. */
import { resolve } from 'node:path';
import { isLoopbackHost } from '../lib/loopback.ts';
import { type Config, configSchema, type Settings } from './config.ts';
import { toConfigError } from './problems.ts';

const OPENAI_URL = 'https://api.openai.com/v1';

export interface RuleContext {
  /** What the operator knows a setting by. */
  label(...path: readonly PropertyKey[]): string;
  readonly cwd: string;
}

/** Throws a configuration error when settings contradict each other. */
export function toConfig(settings: Settings, context: RuleContext): Config {
  const { openai, mode, ...rest } = settings;
  const config: Config = {
    ...rest,
    mode: mode ?? (isLoopbackHost(settings.server.host) ? 'development' : 'production'),
    dataDir: resolve(context.cwd, settings.dataDir),
    ...(usesShortForm(settings) ? toSingleBackend(settings, openai) : {}),
  };
  requireEffect(settings, context);
  requireUniqueIds(config.backends, context);
  requireKnownDefault(config, context);
  return config;
}

function usesShortForm({ backends, openai }: Settings): boolean {
  return backends.length === 0 && (openai?.apiKey !== undefined || openai?.baseUrl !== undefined);
}

function toSingleBackend(
  { inference }: Settings,
  openai: Settings['openai'] = {},
): Pick<Config, 'backends' | 'inference'> {
  const { apiKey, baseUrl = OPENAI_URL, model } = openai;
  const backend = { id: 'openai', baseUrl, ...(apiKey === undefined ? {} : { apiKey }) };
  const { backends } = configSchema.parse({ backends: [backend] });
  if (model === undefined) return { backends, inference };
  return { backends, inference: { defaultProvider: backend.id, defaultModel: model } };
}

function requireEffect(settings: Settings, context: RuleContext): void {
  const { openai, backends } = settings;
  if (openai?.model === undefined || backends.length > 0 || usesShortForm(settings)) return;
  throw toConfigError(context.label('openai', 'model'), 'needs OPENAI_API_KEY or OPENAI_BASE_URL beside it');
}

function requireUniqueIds(backends: Config['backends'], context: RuleContext): void {
  const ids = backends.map((backend) => backend.id);
  const repeated = ids.findIndex((id, index) => ids.indexOf(id) < index);
  if (repeated === -1) return;
  throw toConfigError(
    context.label('backends', repeated, 'id'),
    `"${ids[repeated]}" is the id of another backend`,
  );
}

function requireKnownDefault({ inference, backends }: Config, context: RuleContext): void {
  const { defaultProvider, defaultModel } = inference;
  if ((defaultProvider === undefined) !== (defaultModel === undefined)) {
    throw toConfigError(context.label('inference'), 'set both defaultProvider and defaultModel, or neither');
  }
  if (defaultProvider === undefined || backends.some((backend) => backend.id === defaultProvider)) return;
  const known = backends.map((backend) => backend.id).join(', ') || 'none';
  throw toConfigError(
    context.label('inference', 'defaultProvider'),
    `expected the id of a backend (${known}), got "${defaultProvider}"`,
  );
}
