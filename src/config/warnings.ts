/** What an operator should hear at start about a configuration that is allowed but risky. */
import { isLoopbackHost } from '../lib/loopback.ts';
import type { Config } from './config.ts';

/** Sentences, the weightiest first; none for a safe configuration. */
export function listWarnings(config: Config): readonly string[] {
  if (isLoopbackHost(config.server.host)) return [];
  return [
    `No authentication: everyone who reaches ${config.server.host} is the same viewer and reads the same ` +
      'conversations. Listen on 127.0.0.1, or let a proxy decide who may come in.',
  ];
}
