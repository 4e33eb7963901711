/** What answers may draw on: tools, the headers that clients send for them, and vector stores. */
import type { Tool } from '../tools/tool.ts';
import type { ClientAuthOptions, ToolGroup } from '../tools/tools.ts';
import { listVectorStores, type OfferedVectorStore } from '../tools/vector-stores.ts';
import type { Builder } from './builder.ts';
import { describe } from './enums.ts';
import type { Parts } from './parts.ts';

export function declareTools({ builder }: Parts): void {
  declareToolGroups(builder);
  declareClientAuthOptions(builder);
  declareVectorStores(builder);
}

function declareToolGroups(builder: Builder): void {
  const kind = builder.enumType('ToolGroupKind', {
    description: 'Where tools come from.',
    values: describe<ToolGroup['kind']>({
      BUILT_IN: 'From the backends themselves.',
      MCP_SERVER: 'From an MCP server.',
    }),
  });
  const tool = builder.objectRef<Tool>('Tool').implement({
    description: 'Something that a model may call while it answers.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'Its name.' }),
      description: t.exposeString('description', {
        nullable: true,
        description: 'What it does, in the words of whoever offers it.',
      }),
      inputSchema: t.expose('inputSchema', {
        type: 'JSON',
        nullable: true,
        description:
          'JSON schema of its arguments; null when there is none, or one that is too large to show.',
      }),
    }),
  });
  const group = builder.objectRef<ToolGroup>('ToolGroup').implement({
    description: 'Tools that come from one place.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'The name of the MCP server, or `builtin`.' }),
      kind: t.expose('kind', { type: kind, description: 'Where the tools come from.' }),
      tools: t.expose('tools', { type: [tool], description: 'The tools; none when they cannot be listed.' }),
      error: t.exposeString('error', {
        nullable: true,
        description: 'Why the tools cannot be listed: the end of a sentence about the server.',
      }),
    }),
  });
  builder.queryField('tools', (t) =>
    t.field({
      type: [group],
      description:
        'The tools that questions of the viewer may use. Every MCP server of theirs is asked for its own.',
      authScopes: { action: 'GET_TOOLS' },
      resolve: (_root, _args, { services, viewer, credentials, signal }) =>
        services.tools.list(viewer, credentials, signal),
    }),
  );
}

function declareClientAuthOptions(builder: Builder): void {
  const options = builder.objectRef<ClientAuthOptions>('McpClientAuthOptions').implement({
    description: 'The headers that a client has to send for an MCP server.',
    fields: (t) => ({
      name: t.exposeString('name', { description: 'The name of the MCP server.' }),
      headers: t.exposeStringList('headers', { description: 'Names of the headers.' }),
    }),
  });
  builder.queryField('mcpClientAuthOptions', (t) =>
    t.field({
      type: [options],
      description:
        'The MCP servers that take headers from the client. A client sends them as the HTTP header `MCP-HEADERS`, a ' +
        'JSON object of header values by header name by server name; without them the server is left out of a turn.',
      authScopes: { action: 'GET_TOOLS' },
      resolve: (_root, _args, { services, viewer }) => services.tools.listClientAuthOptions(viewer),
    }),
  );
}

function declareVectorStores(builder: Builder): void {
  const store = builder.objectRef<OfferedVectorStore>('VectorStore').implement({
    description: 'A store of documents that a question can search.',
    fields: (t) => ({
      id: t.exposeID('id', { description: 'Its id: what `vectorStoreIds` of a question names.' }),
      name: t.exposeString('name', { nullable: true, description: 'Its name, when it has one.' }),
      provider: t.exposeID('provider', { description: 'The backend that has it.' }),
    }),
  });
  builder.queryField('vectorStores', (t) =>
    t.field({
      type: [store],
      nullable: true,
      description:
        'The vector stores that are known, in the order of the backends. A backend that cannot be reached is left ' +
        'out. Null, with an error, when none can be reached.',
      authScopes: { action: 'LIST_RAGS' },
      resolve: (_root, _args, { services, signal }) => listVectorStores(services, signal),
    }),
  );
}
