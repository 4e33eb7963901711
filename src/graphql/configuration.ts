/** The configuration, as far as it may be shown. */
import type { Parts } from './parts.ts';

export function declareConfiguration({ builder }: Parts): void {
  builder.queryField('configuration', (t) =>
    t.field({
      type: 'JSON',
      description:
        'The effective configuration of the node that answers, by the keys of the configuration file. Secrets are masked.',
      authScopes: { action: 'GET_CONFIG' },
      resolve: (_root, _args, { services }) => services.configuration,
    }),
  );
}
