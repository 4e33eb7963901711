/** Who is asking, and who answers. */
import { ACTIONS, type Action } from '../types/action.ts';
import type { Viewer } from '../types/viewer.ts';
import type { Builder } from './builder.ts';
import type { Services } from './context.ts';
import { describe } from './enums.ts';
import type { Parts } from './parts.ts';

export function declareService(parts: Parts): void {
  declareViewer(parts);
  declareServiceInfo(parts);
}

function declareAction(builder: Builder) {
  return builder.enumType('Action', {
    description: 'Something that a viewer may be allowed to do. Every root field needs one.',
    values: describe<Action>({
      ADMIN: 'Everything.',
      LIST_OTHERS_CONVERSATIONS: "List other viewers' conversations.",
      READ_OTHERS_CONVERSATIONS: "Read other viewers' conversations and turns.",
      QUERY_OTHERS_CONVERSATIONS: "Continue other viewers' conversations.",
      DELETE_OTHERS_CONVERSATIONS: "Delete other viewers' conversations.",
      CANCEL_OTHERS_TURNS: "Stop other viewers' turns.",
      QUERY: 'Ask a question and wait for its answer.',
      STREAMING_QUERY: 'Ask a question and follow its turn.',
      GET_CONVERSATION: 'Read a conversation and its turns.',
      LIST_CONVERSATIONS: 'List conversations and the documents that their answers refer to.',
      DELETE_CONVERSATION: 'Delete a conversation.',
      UPDATE_CONVERSATION: 'Rename a conversation.',
      FEEDBACK: 'Give feedback on answers.',
      GET_MODELS: 'List models.',
      GET_TOOLS: 'List tools.',
      GET_SHIELDS: 'List shields.',
      LIST_PROVIDERS: 'List providers.',
      GET_PROVIDER: 'Read about one provider.',
      LIST_RAGS: 'List documents.',
      GET_RAG: 'Read and search documents.',
      GET_METRICS: 'Read metrics.',
      GET_CONFIG: 'Read the configuration.',
      INFO: 'Read about oneself and the service.',
      MODEL_OVERRIDE: 'Name the model of a question.',
      SHIELD_OVERRIDE: 'Name the shields of a question.',
      MANAGE_DOCUMENTS: 'Import and delete documents.',
      MANAGE_QUOTAS: 'Change quotas.',
    }),
  });
}

function declareViewer({ builder }: Parts): void {
  const action = declareAction(builder);
  const viewer = builder.objectRef<Viewer>('Viewer').implement({
    description: 'Who is asking.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Stable id of the person or service.' }),
      name: t.exposeString('name', { description: 'Name for people to read.' }),
      roles: t.exposeStringList('roles', { description: 'Role names; everyone also has the role "*".' }),
      actions: t.field({
        type: [action],
        description: 'What the viewer may do.',
        resolve: (parent, _args, { services }) => ACTIONS.filter((name) => services.policy.can(parent, name)),
      }),
    }),
  });
  builder.queryField('viewer', (t) =>
    t.field({
      type: viewer,
      description: 'Who the server takes the client for, and what they may do.',
      authScopes: { action: 'INFO' },
      resolve: (_root, _args, context) => context.viewer,
    }),
  );
}

function declareServiceInfo({ builder }: Parts): void {
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
