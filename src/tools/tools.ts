/** The tools of a turn: what is settled before it is accepted, and what its credentials make of that afterwards. */
import type { Backend } from '../backend/backend.ts';
import type { Config, McpServerConfig } from '../config/config.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { TurnCredentials } from '../types/credentials.ts';
import type { JsonObject } from '../types/json.ts';
import type { WarningBody } from '../types/turn-event.ts';
import type { Viewer } from '../types/viewer.ts';
import { createHeaderValues, type HeaderValues } from './header-values.ts';
import { type Lookup, lookupAll, resolveAddresses } from './mcp-address.ts';
import type { Tool } from './tool.ts';

export interface ToolRequest {
  /** True: no tools at all. */
  readonly noTools: boolean;
  /** Exactly these stores; null: those that the backend searches by default. */
  readonly vectorStoreIds: readonly string[] | null;
}

export interface ToolQuestion {
  readonly backend: ToolBackend;
  readonly request: ToolRequest;
}

/** What a turn may use. Plain data without secrets. */
export interface ToolPlan {
  readonly vectorStoreIds: readonly string[];
  /** Names of MCP servers. */
  readonly mcpServers: readonly string[];
}

export type ToolWarning = Pick<WarningBody, 'warning' | 'message'>;

export interface ResolvedTools {
  /** Definitions in the Responses API's own form; they hold secrets. */
  readonly tools: readonly JsonObject[];
  readonly warnings: readonly ToolWarning[];
}

export interface ToolGroup {
  /** The name of the MCP server; `builtin` for what needs none. */
  readonly name: string;
  readonly kind: 'BUILT_IN' | 'MCP_SERVER';
  readonly tools: readonly Tool[];
  /** Why its tools are not listed. */
  readonly error: string | null;
}

export interface ClientAuthOptions {
  /** The name of an MCP server. */
  readonly name: string;
  /** The headers that a request has to bring for it. */
  readonly headers: readonly string[];
}

export interface ToolDeps {
  readonly config: Pick<Config, 'mcpServers'>;
  readonly log: Log;
  /** For tests: looks a host name up. */
  readonly lookup?: Lookup;
  /** Longest time for the listing of one server, in milliseconds. */
  readonly listingTimeoutMs?: number;
}

export type ToolBackend = Pick<Backend, 'id' | 'knownVectorStores' | 'defaultVectorStores'>;

export interface Tools {
  /**
   * What the viewer's question may use. Contacts no MCP server. Throws NOT_FOUND for a store that the backend is known not
   * to have, and BACKEND_*.
   */
  plan(viewer: Viewer, question: ToolQuestion, signal: AbortSignal): Promise<ToolPlan>;
  /**
   * Looks headers and addresses up; a server for which that fails is left out and named in a warning without secrets.
   * Contacts no MCP server either. Throws the signal's reason only.
   */
  resolve(plan: ToolPlan, credentials: TurnCredentials, signal: AbortSignal): Promise<ResolvedTools>;
  /** Asks every MCP server that the viewer may use. One that fails is there with its error. */
  list(viewer: Viewer, credentials: TurnCredentials, signal: AbortSignal): Promise<readonly ToolGroup[]>;
  /** Those of the MCP servers that the viewer may use that take headers from the client. */
  listClientAuthOptions(viewer: Viewer): readonly ClientAuthOptions[];
}

/** Passages that one search may return. */
const MAX_RESULTS = 10;
const LISTING_TIMEOUT_MS = 10_000;

const BUILT_IN: ToolGroup = {
  name: 'builtin',
  kind: 'BUILT_IN',
  tools: [
    {
      name: 'file_search',
      description: 'Searches vector stores. Its calls appear as knowledge_search.',
      inputSchema: null,
    },
  ],
  error: null,
};

interface ToolParts {
  readonly servers: readonly McpServerConfig[];
  readonly values: HeaderValues;
  readonly lookup: Lookup;
  readonly listingTimeoutMs: number;
  readonly log: Log;
}

export function createTools(deps: ToolDeps): Tools {
  const { config, log, lookup = lookupAll, listingTimeoutMs = LISTING_TIMEOUT_MS } = deps;
  const servers = config.mcpServers;
  const values = createHeaderValues(servers, log);
  const parts: ToolParts = { servers, values, lookup, listingTimeoutMs, log };
  return {
    plan: (viewer, question, signal) => planTools(listAllowed(servers, viewer), question, signal),
    resolve: (plan, credentials, signal) => resolveTools(parts, { plan, credentials }, signal),
    list: async (viewer, credentials, signal) => {
      const allowed = listAllowed(servers, viewer);
      const listing = allowed.map((server) => listGroup(parts, { server, credentials }, signal));
      return [BUILT_IN, ...(await Promise.all(listing))];
    },
    listClientAuthOptions: (viewer) => listAllowed(servers, viewer).flatMap(toClientAuthOptions),
  };
}

/** The servers of the viewer's roles. To the others they are not there. */
function listAllowed(servers: readonly McpServerConfig[], viewer: Viewer): readonly McpServerConfig[] {
  return servers.filter(
    ({ roles }) => roles.includes('*') || roles.some((role) => viewer.roles.includes(role)),
  );
}

async function planTools(
  servers: readonly McpServerConfig[],
  { backend, request }: ToolQuestion,
  signal: AbortSignal,
): Promise<ToolPlan> {
  if (request.noTools) return { vectorStoreIds: [], mcpServers: [] };
  const vectorStoreIds = await chooseStores(backend, request.vectorStoreIds, signal);
  return { vectorStoreIds, mcpServers: servers.map(({ name }) => name) };
}

async function chooseStores(
  backend: ToolBackend,
  wanted: readonly string[] | null,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const ids = [...new Set(wanted ?? (await backend.defaultVectorStores(signal)))];
  const known = ids.length === 0 ? undefined : await backend.knownVectorStores(signal);
  const unknown = known && ids.find((id) => !known.some((store) => store.id === id));
  if (unknown === undefined) return ids;
  throw new AppError('NOT_FOUND', 'Vector store not found', {
    details: { explanation: `Vector store with ID ${unknown} does not exist at ${backend.id}` },
  });
}

async function resolveTools(
  parts: ToolParts,
  wanted: { readonly plan: ToolPlan; readonly credentials: TurnCredentials },
  signal: AbortSignal,
): Promise<ResolvedTools> {
  const { plan, credentials } = wanted;
  const servers = parts.servers.filter(({ name }) => plan.mcpServers.includes(name));
  const resolved = await Promise.all(
    servers.map((server) => resolveServer(parts, { server, credentials }, signal)),
  );
  return {
    tools: [...toFileSearch(plan.vectorStoreIds), ...resolved.flatMap(({ tools }) => tools)],
    warnings: resolved.flatMap(({ warnings }) => warnings),
  };
}

function toFileSearch(vectorStoreIds: readonly string[]): readonly JsonObject[] {
  if (vectorStoreIds.length === 0) return [];
  return [{ type: 'file_search', vector_store_ids: vectorStoreIds, max_num_results: MAX_RESULTS }];
}

interface ServerUse {
  readonly server: McpServerConfig;
  readonly credentials: TurnCredentials;
}

async function resolveServer(parts: ToolParts, use: ServerUse, signal: AbortSignal): Promise<ResolvedTools> {
  const { server } = use;
  try {
    const { headers } = await getAccess(parts, use, signal);
    return { tools: [toDefinition(server, headers)], warnings: [] };
  } catch (error) {
    if (!isAppError(error)) throw error;
    parts.log.warn({ server: server.name, reason: error.message }, 'an MCP server is left out of a turn');
    return { tools: [], warnings: [toWarning(server.name, error.message)] };
  }
}

/** The headers and addresses of a server. Throws an AppError whose message is the end of a sentence about it. */
async function getAccess(
  { values, lookup }: ToolParts,
  { server, credentials }: ServerUse,
  signal: AbortSignal,
) {
  const resolved = await values.resolve(server, credentials);
  if ('problem' in resolved) throw new AppError('NOT_FOUND', resolved.problem);
  const addresses = await resolveAddresses(server, lookup, signal);
  return { url: server.url, headers: resolved.headers, addresses };
}

function toDefinition(server: McpServerConfig, headers: Readonly<Record<string, string>>): JsonObject {
  return {
    type: 'mcp',
    server_label: server.name,
    server_url: server.url,
    require_approval: server.requireApproval,
    ...(server.tools && { allowed_tools: server.tools }),
    ...(Object.keys(headers).length > 0 && { headers }),
  };
}

function toWarning(name: string, reason: string): ToolWarning {
  return { warning: 'MCP_SERVER_SKIPPED', message: `MCP server ${name} was left out: ${reason}` };
}

async function listGroup(parts: ToolParts, use: ServerUse, signal: AbortSignal): Promise<ToolGroup> {
  const group = { name: use.server.name, kind: 'MCP_SERVER' } as const;
  try {
    // Loaded when it is needed: the client takes a good part of a second to load, and most servers never ask.
    const { listMcpTools } = await import('./mcp-listing.ts');
    const access = await getAccess(parts, use, signal);
    const tools = await listMcpTools({ ...access, timeoutMs: parts.listingTimeoutMs }, signal);
    return { ...group, tools: tools.filter(({ name }) => isAllowed(use.server, name)), error: null };
  } catch (error) {
    if (!isAppError(error)) throw error;
    parts.log.warn(
      { server: group.name, reason: error.message },
      'the tools of an MCP server cannot be listed',
    );
    return { ...group, tools: [], error: error.message };
  }
}

const isAllowed = ({ tools }: McpServerConfig, name: string): boolean => tools?.includes(name) ?? true;

function toClientAuthOptions({ name, headers }: McpServerConfig): readonly ClientAuthOptions[] {
  const fromClient = Object.entries(headers).filter(
    ([, source]) => typeof source === 'object' && 'from' in source && source.from === 'client',
  );
  return fromClient.length === 0 ? [] : [{ name, headers: fromClient.map(([header]) => header) }];
}
