/** The shields that look at questions. */
import type { ListedShield } from '../shields/shields.ts';
import type { Parts } from './parts.ts';

export function declareShields({ builder }: Parts): void {
  const shield = builder.objectRef<ListedShield>('Shield').implement({
    description: 'A moderation model that looks at questions before they are answered.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Its name: what `shieldIds` of a question names.' }),
      provider: t.exposeID('provider', {
        nullable: true,
        description: 'The backend that has its model; null when none can moderate.',
      }),
      model: t.exposeString('model', { description: 'The moderation model.' }),
      message: t.exposeString('message', { description: 'The answer to a question that it blocks.' }),
      judgesImages: t.exposeBoolean('judgesImages', {
        description: 'Whether it is shown the images of a question, too.',
      }),
    }),
  });
  builder.queryField('shields', (t) =>
    t.field({
      type: [shield],
      description:
        'The shields of the configuration, in the order in which questions pass them, then those of the backends that ' +
        'list their own. A backend that cannot be reached is left out.',
      authScopes: { action: 'GET_SHIELDS' },
      resolve: (_root, _args, { services, signal }) => services.shields.list(signal),
    }),
  );
}
