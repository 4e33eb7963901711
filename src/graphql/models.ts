/** What may be asked: providers and their models. */
import type { BackendModel } from '../backend/backend.ts';
import {
  getProvider,
  listModels,
  listProviders,
  type OfferedModel,
  type Provider,
} from '../models/list-models.ts';
import type { Builder } from './builder.ts';
import { describe } from './enums.ts';
import type { Parts } from './parts.ts';

export function declareModels({ builder }: Parts): void {
  const model = declareModel(builder);
  const provider = builder.objectRef<Provider>('Provider').implement({
    description: 'A backend that answers questions.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Its name in the configuration: the `provider` of a question.' }),
      models: t.field({
        type: [model],
        nullable: true,
        description: 'Its models, in its own order; null, with an error, when it cannot be reached.',
        authScopes: { action: 'GET_MODELS' },
        resolve: ({ id }, _args, { services, signal }) => listModels(services, id, signal),
      }),
    }),
  });
  builder.queryField('providers', (t) =>
    t.field({
      type: [provider],
      description: 'The configured backends.',
      authScopes: { action: 'LIST_PROVIDERS' },
      resolve: (_root, _args, { services }) => listProviders(services),
    }),
  );
  builder.queryField('provider', (t) =>
    t.field({
      type: provider,
      nullable: true,
      description:
        'One of the configured backends. Null, with the error NOT_FOUND, when there is none of this name.',
      authScopes: { action: 'GET_PROVIDER' },
      args: { id: t.arg.id({ required: true, description: 'Its name in the configuration.' }) },
      resolve: (_root, { id }, { services }) => getProvider(services, id),
    }),
  );
  builder.queryField('models', (t) =>
    t.field({
      type: [model],
      nullable: true,
      description:
        'The models that may be asked, in the order of the backends. A backend that cannot be reached is left out; ' +
        'its error is at `Provider.models`. Null, with an error, when none can be reached.',
      authScopes: { action: 'GET_MODELS' },
      args: { provider: t.arg.id({ description: 'Only the models of this provider.' }) },
      resolve: (_root, args, { services, signal }) =>
        listModels(services, args.provider ?? undefined, signal),
    }),
  );
}

function declareModel(builder: Builder) {
  const kind = builder.enumType('ModelKind', {
    description: 'What a model is for.',
    values: describe<BackendModel['kind']>({
      LLM: 'It answers questions.',
      EMBEDDING: 'It turns text into vectors and cannot answer.',
      OTHER: 'Something that has no kind here.',
    }),
  });
  return builder.objectRef<OfferedModel>('Model').implement({
    description: 'A model of a backend.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Its id at the backend: the `model` of a question.' }),
      provider: t.exposeID('provider', { description: 'The backend that offers it.' }),
      kind: t.expose('kind', { type: kind, description: 'What it is for.' }),
      contextWindow: t.expose('contextWindow', {
        type: 'Count',
        description: 'Tokens that fit into one request, question and answer together.',
      }),
      isDefault: t.exposeBoolean('isDefault', {
        description:
          'Whether it is configured to answer when neither the question nor its conversation names one.',
      }),
    }),
  });
}
