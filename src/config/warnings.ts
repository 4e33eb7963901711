/** What an operator should hear at start about a configuration that is allowed but risky. */
import { isLoopbackHost } from '../lib/loopback.ts';
import type { Config } from './config.ts';

/** Sentences, the weightiest first; none for a safe configuration. */
export function listWarnings(config: Config): readonly string[] {
  return [...warnOfOpenDoor(config), ...config.backends.flatMap(warnOfBackend)];
}

function warnOfOpenDoor(config: Config): readonly string[] {
  const { module = 'noop' } = config.authentication;
  if (isLoopbackHost(config.server.host) || !module.startsWith('noop')) return [];
  return [
    `No authentication: everyone who reaches ${config.server.host} is whoever they say and reads every ` +
      'conversation. Choose another authentication.module, or let a proxy decide who may come in.',
  ];
}

function warnOfBackend({ id, tls }: Config['backends'][number]): readonly string[] {
  if (!tls.insecureSkipVerify) return [];
  return [
    `The certificate of the backend ${id} is not checked: whoever is on the way to it can read and change everything. ` +
      'Name its authority in tls.caFile instead of setting tls.insecureSkipVerify.',
  ];
}
