/** The configuration of a backend for tests, with the defaults that operators get. */
import { type BackendConfig, configSchema } from '../../src/config/config.ts';

export function toBackendConfig(baseUrl: string, overrides: Partial<BackendConfig> = {}): BackendConfig {
  const [backend] = configSchema.parse({ backends: [{ id: 'fake', baseUrl }] }).backends;
  if (backend === undefined) throw new Error('the schema lost the backend');
  return { ...backend, ...overrides };
}
