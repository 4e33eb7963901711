/** Which settings can also be given by environment variable and by flag. What they mean is said in config.ts. */

export interface Setting {
  /** Environment variable. */
  readonly env: string;
  /** Flag of `millrace serve`, without the dashes. */
  readonly flag: string;
  /** Word for the flag's value in the help. */
  readonly value: string;
  /** Where the setting stands in the configuration, dotted. */
  readonly path: string;
  readonly kind: 'text' | 'number' | 'list';
  /** A secret can also be in a file that `<env>_FILE` names. */
  readonly secret: boolean;
}

/** The YAML file itself: a variable and a flag, but not a key. */
export const CONFIG_FILE = {
  env: 'MILLRACE_CONFIG',
  flag: 'config',
  value: 'file',
  description: 'YAML file with settings; flags and environment variables win over it',
} as const;

export const SETTINGS: readonly Setting[] = [
  setting('HOST', 'host', 'address', 'server.host'),
  { ...setting('PORT', 'port', 'number', 'server.port'), kind: 'number' },
  setting('MILLRACE_MODE', 'mode', 'mode', 'mode'),
  { ...setting('ALLOWED_ORIGINS', 'allowed-origins', 'list', 'server.allowedOrigins'), kind: 'list' },
  setting('MILLRACE_AUTH_MODULE', 'auth-module', 'module', 'authentication.module'),
  { ...setting('DATABASE_URL', 'database-url', 'url', 'database.url'), secret: true },
  { ...setting('DATABASE_DIRECT_URL', 'database-direct-url', 'url', 'database.directUrl'), secret: true },
  setting('MILLRACE_DATA_DIR', 'data-dir', 'folder', 'dataDir'),
  setting('LOG_LEVEL', 'log-level', 'level', 'logLevel'),
  { ...setting('OPENAI_API_KEY', 'openai-api-key', 'key', 'openai.apiKey'), secret: true },
  setting('OPENAI_BASE_URL', 'openai-base-url', 'url', 'openai.baseUrl'),
  setting('OPENAI_MODEL', 'openai-model', 'model', 'openai.model'),
];

function setting(env: string, flag: string, value: string, path: string): Setting {
  return { env, flag, value, path, kind: 'text', secret: false };
}
