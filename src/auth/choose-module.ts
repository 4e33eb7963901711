/** Makes the configured module. */
import type { AuthenticationConfig } from '../config/config.ts';
import { k8sSchema } from '../config/sections/authentication.ts';
import type { Log } from '../log.ts';
import type { Identify } from './authenticate.ts';
import { createApiKey } from './modules/api-key.ts';
import { createJwk } from './modules/jwk.ts';
import { createK8s } from './modules/k8s.ts';
import { createNoop } from './modules/noop.ts';
import { createNoopWithToken } from './modules/noop-with-token.ts';
import { createRhIdentity } from './modules/rh-identity.ts';

export interface ChooseModuleDeps {
  readonly settings: AuthenticationConfig;
  readonly log: Log;
  /** Called when what was accepted may not be any more. */
  onChange(): void;
}

/** Throws BAD_USER_INPUT, in one line, when a file of its settings cannot be read. Sends nothing. */
export function createModule({ settings, log, onChange }: ChooseModuleDeps): Identify {
  const { module = 'noop', apiKey, jwk, k8s, rhIdentity } = settings;
  switch (module) {
    case 'noop':
      return createNoop();
    case 'noop-with-token':
      return createNoopWithToken();
    case 'api-key-token':
      return createApiKey({ settings: apiKey?.keys ?? [], log });
    case 'jwk-token':
      if (jwk === undefined) throw new TypeError('the configuration was checked');
      return createJwk({ settings: jwk, log, onChange });
    case 'k8s':
      return createK8s(k8s ?? k8sSchema.parse({}));
    case 'rh-identity':
      return createRhIdentity(rhIdentity ?? { requiredEntitlements: [] });
    default:
      return module satisfies never;
  }
}

/** Whether viewers are who they say they are, by the configured module. */
export function provesIdentity({ module = 'noop' }: Pick<AuthenticationConfig, 'module'>): boolean {
  return module !== 'noop' && module !== 'noop-with-token';
}
