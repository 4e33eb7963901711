/** Who answers. */
import type { Services } from './context.ts';
import type { Parts } from './parts.ts';

export function declareService({ builder }: Parts): void {
  const info = builder.objectRef<Services>('ServiceInfo').implement({
    description: 'Who answers.',
    fields: (t) => ({
      name: t.string({ description: 'Name of the service.', resolve: ({ service }) => service.name }),
      version: t.string({ description: 'Its version.', resolve: ({ service }) => service.version }),
      defaultProvider: t.string({
        nullable: true,
        description: 'The backend that is configured to answer when nothing names another.',
        resolve: ({ config }) => config.inference.defaultProvider,
      }),
      defaultModel: t.string({
        nullable: true,
        description: 'The model that is configured to answer when nothing names another.',
        resolve: ({ config }) => config.inference.defaultModel,
      }),
    }),
  });
  builder.queryField('serviceInfo', (t) =>
    t.field({
      type: info,
      description: 'The service itself.',
      authScopes: { action: 'INFO' },
      resolve: (_root, _args, { services }) => services,
    }),
  );
}
