/** The rules that span several settings, and the defaults that follow from others. */
import { resolve } from 'node:path';
import { isLoopbackHost } from '../lib/loopback.ts';
import { toAuthentication } from './auth-rules.ts';
import { type Config, configSchema, type Settings } from './config.ts';
import { type RuleContext, toConfigError } from './problems.ts';

const OPENAI_URL = 'https://api.openai.com/v1';

/** Throws a configuration error when settings contradict each other. */
export function toConfig(settings: Settings, context: RuleContext): Config {
  const { openai, mode, ...rest } = settings;
  const config: Config = {
    ...rest,
    mode: mode ?? (isLoopbackHost(settings.server.host) ? 'development' : 'production'),
    authentication: toAuthentication(settings, context),
    dataDir: resolve(context.cwd, settings.dataDir),
    customization: resolveFiles(settings.customization, context),
    transcripts: toTranscripts(settings.transcripts, context),
    persistedOperations: toPersistedOperations(settings.persistedOperations, context),
    backends: settings.backends.map((backend) => ({ ...backend, tls: resolveTls(backend.tls, context) })),
    ...(usesShortForm(settings) ? toSingleBackend(settings, openai) : {}),
  };
  requireWholeBackends(settings, context);
  requireEffect(settings, context);
  requireUniqueIds(config.backends, context);
  requireKnownDefault(config, context);
  requireKnownShieldProviders(config, context);
  return config;
}

function resolveFiles(
  customization: Settings['customization'],
  { cwd }: RuleContext,
): Settings['customization'] {
  const { profile, systemPromptFile, ...rest } = customization;
  return {
    ...rest,
    ...(profile !== undefined && { profile: resolve(cwd, profile) }),
    ...(systemPromptFile !== undefined && { systemPromptFile: resolve(cwd, systemPromptFile) }),
  };
}

type Tls = Settings['backends'][number]['tls'];

function resolveTls({ insecureSkipVerify, ...files }: Tls, { cwd }: RuleContext): Tls {
  const paths = Object.entries(files).map(([key, file]) => [key, file && resolve(cwd, file)]);
  return { insecureSkipVerify, ...Object.fromEntries(paths) };
}

function requireWholeBackends({ backends }: Settings, context: RuleContext): void {
  for (const [index, { apiKey, entra, tls }] of backends.entries()) {
    if (apiKey !== undefined && entra !== undefined) {
      throw toConfigError(context.label('backends', index, 'entra'), 'set either this or apiKey, not both');
    }
    if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
      throw toConfigError(
        context.label('backends', index, 'tls'),
        'set both certFile and keyFile, or neither',
      );
    }
  }
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

function requireKnownShieldProviders({ shields, backends }: Config, context: RuleContext): void {
  for (const [index, { provider }] of shields.entries()) {
    if (provider === undefined || backends.some((backend) => backend.id === provider)) continue;
    const known = backends.map((backend) => backend.id).join(', ') || 'none';
    throw toConfigError(
      context.label('shields', index, 'provider'),
      `expected the id of a backend (${known}), got "${provider}"`,
    );
  }
}

function toPersistedOperations(
  { mode, manifest }: Settings['persistedOperations'],
  { label, cwd }: RuleContext,
): Settings['persistedOperations'] {
  if (mode !== 'off' && manifest === undefined) {
    throw toConfigError(label('persistedOperations', 'manifest'), `missing; needed when mode is ${mode}`);
  }
  return { mode, ...(manifest !== undefined && { manifest: resolve(cwd, manifest) }) };
}

/** Transcripts have no place and no key of their own: enabled, they need both. */
function toTranscripts(transcripts: Settings['transcripts'], context: RuleContext): Settings['transcripts'] {
  const { enabled, directory } = transcripts;
  const missing = (['directory', 'hmacKey'] as const).find((key) => transcripts[key] === undefined);
  if (enabled && missing !== undefined) {
    throw toConfigError(
      context.label('transcripts', missing),
      'missing; needed when transcripts are enabled',
    );
  }
  return directory === undefined
    ? transcripts
    : { ...transcripts, directory: resolve(context.cwd, directory) };
}
