/** Who is asking, what they may do, and how they stay. */
import { AppError } from '../errors.ts';
import { ACTIONS, type Action } from '../types/action.ts';
import type { Viewer } from '../types/viewer.ts';
import type { Builder } from './builder.ts';
import { describe } from './enums.ts';
import type { Parts } from './parts.ts';

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

export function declareViewer({ builder }: Parts): void {
  const viewer = declareViewerType(builder);
  builder.queryField('viewer', (t) =>
    t.field({
      type: viewer,
      description: 'Who the server takes the client for, and what they may do.',
      authScopes: { action: 'INFO' },
      resolve: (_root, _args, context) => context.viewer,
    }),
  );
  declareRefreshToken(builder, viewer);
}

type ViewerRef = ReturnType<typeof declareViewerType>;

function declareViewerType(builder: Builder) {
  const action = declareAction(builder);
  return builder.objectRef<Viewer>('Viewer').implement({
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
      tokenExpiresAt: t.field({
        type: 'DateTime',
        nullable: true,
        description:
          'When the token that the client showed expires; null for credentials that do not expire by themselves. Open ' +
          'streams end then, unless the token was refreshed.',
        resolve: ({ expiresAt }) => expiresAt,
      }),
    }),
  });
}

function declareRefreshToken(builder: Builder, viewer: ViewerRef): void {
  const input = builder.inputType('RefreshTokenInput', {
    description: 'A new token for an open WebSocket.',
    fields: (t) => ({
      token: t.string({ required: true, description: 'The token, without the word Bearer.' }),
    }),
  });
  const payload = builder.objectRef<{ readonly viewer: Viewer }>('RefreshTokenPayload').implement({
    description: 'Who the socket is for now.',
    fields: (t) => ({
      viewer: t.expose('viewer', { type: viewer, description: 'The same viewer, with the new expiry.' }),
    }),
  });
  builder.mutationField('refreshToken', (t) =>
    t.field({
      type: payload,
      description:
        'Gives the WebSocket that it is sent on a new token before the old one expires, so that its streams go on. ' +
        'It must be of the same viewer, with no fewer roles; otherwise nothing changes. Over HTTP each request brings ' +
        'its own token: there it is refused.',
      authScopes: { action: 'INFO' },
      args: { input: t.arg({ type: input, required: true, description: 'The token.' }) },
      resolve: async (_root, args, { refreshToken }) => {
        if (refreshToken === null) {
          throw new AppError(
            'BAD_USER_INPUT',
            'refreshToken is for WebSockets; over HTTP send the token with the request',
          );
        }
        return { viewer: await refreshToken(args.input.token) };
      },
    }),
  );
}
