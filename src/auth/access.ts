/** Puts together who may come in and what they may do, as the configuration says. */
import type { Config } from '../config/config.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import type { Log } from '../log.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { createModule } from './choose-module.ts';
import { createPolicy, type Policy } from './policy.ts';
import { createRoleRules } from './role-rules.ts';

export interface AccessDeps {
  readonly config: Pick<Config, 'authentication' | 'authorization' | 'server'>;
  readonly log: Log;
}

export interface Access {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
}

/** Throws BAD_USER_INPUT, in one line, when a file of the settings cannot be read. Asks nobody anything yet. */
export function createAccess({ config, log }: AccessDeps): Access {
  const { authentication, authorization, server } = config;
  const { module = 'noop' } = authentication;
  return {
    authenticate: createAuthenticate(
      createModule({ settings: authentication, log }),
      createRoleRules(authorization.roleRules),
    ),
    policy: createPolicy({
      accessRules: authorization.accessRules,
      localOperator: module === 'noop' && isLoopbackHost(server.host),
    }),
  };
}
