/** Puts together who may come in and what they may do, as the configuration says. */
import type { Config } from '../config/config.ts';
import { isAppError } from '../errors.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { createNotifier, type Notifier } from '../lib/notifier.ts';
import type { Log } from '../log.ts';
import type { AccessMetrics } from '../metrics.ts';
import { type Authenticate, createAuthenticate } from './authenticate.ts';
import { createModule } from './choose-module.ts';
import { createPolicy, type Policy } from './policy.ts';
import { createRoleRules } from './role-rules.ts';

export interface AccessDeps {
  readonly config: Pick<Config, 'authentication' | 'authorization' | 'server'>;
  readonly log: Log;
  readonly metrics: Pick<AccessMetrics, 'credentialsChecked'>;
}

export interface Access {
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  /** Says that open sockets and streams are to be looked at again. */
  readonly credentialChanges: Pick<Notifier, 'wait'>;
}

/** Throws BAD_USER_INPUT, in one line, when a file of the settings cannot be read. Asks nobody anything yet. */
export function createAccess({ config, log, metrics }: AccessDeps): Access {
  const { authentication, authorization, server } = config;
  const { module = 'noop' } = authentication;
  const credentialChanges = createNotifier();
  return {
    credentialChanges,
    authenticate: counted(
      createAuthenticate(
        createModule({ settings: authentication, log, onChange: credentialChanges.notify }),
        createRoleRules(authorization.roleRules),
      ),
      metrics,
    ),
    policy: createPolicy({
      accessRules: authorization.accessRules,
      localOperator: module === 'noop' && isLoopbackHost(server.host),
    }),
  };
}

function counted(authenticate: Authenticate, metrics: AccessDeps['metrics']): Authenticate {
  return async (credentials) => {
    const startedAt = performance.now();
    let outcome = 'accepted';
    try {
      return await authenticate(credentials);
    } catch (error) {
      outcome = isAppError(error) ? error.code : 'INTERNAL_SERVER_ERROR';
      throw error;
    } finally {
      metrics.credentialsChecked({ outcome, durationMs: performance.now() - startedAt });
    }
  };
}
