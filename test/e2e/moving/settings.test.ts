/** What the page on moving says of settings: each is written to a file and loaded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createDefaultPolicy } from '../../../src/auth/policy.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { listLeaves } from '../../../src/config/outline.ts';
import { AUTH_MODULES } from '../../../src/config/sections/authentication.ts';
import { startTestApp } from '../../support/app.ts';
import { describeTable } from '../../support/moving.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

const BACKEND = 'id: llama, kind: llama-stack, baseUrl: "http://localhost:8321/v1", apiKey: key';
const SERVER = 'name: tickets, url: "https://tickets.example.com/mcp"';

async function load(yaml: string) {
  await using folder = await createOpenDirectory();
  await writeFile(join(folder.path, 'millrace.yaml'), yaml);
  return loadConfig({ env: {}, flags: { config: 'millrace.yaml' }, cwd: folder.path });
}

/** Every given path as the page writes it: dotted, `[]` for the items of a list; the same without the parts before. */
function listPaths(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null) return [path];
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => listPaths(item, `${path}[]`))];
  const entries = Object.entries(value);
  return [path, ...entries.flatMap(([key, child]) => listPaths(child, path === '' ? key : `${path}.${key}`))];
}

/** The file is taken, and the values of it that a row is about arrive. */
const takes = (yaml: string, expected: object) => async () => {
  const config = await load(yaml);
  expect(config).toMatchObject(expected);
  return [yaml, listPaths(config)];
};

/** No setting has this name at any place. */
function isAbsent(...names: readonly string[]) {
  const known = new Set(listLeaves().flatMap(({ path }) => path.toLowerCase().split(/[.[\]]+/)));
  expect(known.has('contextwindow')).toBe(true);
  expect(names.filter((name) => known.has(name.replaceAll('_', '').toLowerCase()))).toEqual([]);
  return names;
}

const refuses = async (yaml: string, words: string) => {
  await expect(load(yaml)).rejects.toThrow(words);
  return yaml;
};

const backend = (settings: string, expected: object) =>
  takes(`backends: [{ ${BACKEND}, ${settings} }]`, { backends: [expected] });

const jwk = (settings: string) =>
  takes(
    `authentication: { module: jwk-token, jwk: { url: "https://a.example/jwks", issuer: i, audience: a, ${settings} } }`,
    { authentication: { module: 'jwk-token', jwk: { issuer: 'i', audience: 'a' } } },
  );

const keepsShields = () => {
  const viewer = { id: 'ada', name: 'Ada', roles: ['*'] };
  const policies = [true, false].map((localOperator) => createDefaultPolicy({ localOperator }));
  expect(policies.map((policy) => policy.can(viewer, 'SHIELD_OVERRIDE'))).toEqual([false, false]);
  return 'SHIELD_OVERRIDE';
};

/** A page of an allowed origin asks for leave to send a header of its own. */
async function asksForLeave() {
  const origin = 'https://app.example.com';
  await using app = await startTestApp({ config: { server: { allowedOrigins: [origin] } } });
  const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-own' };
  const answer = await fetch(app.graphql, { method: 'OPTIONS', headers: { origin, ...asked } });
  const told = ['credentials', 'methods', 'headers'].map((what) =>
    answer.headers.get(`access-control-allow-${what}`),
  );
  expect(told).toEqual([null, 'GET, POST', 'x-own']);
}

/** Node answers for us, before anybody looks at the credentials. */
async function boundsHeaders() {
  await using app = await startTestApp();
  const headers = { 'x-rh-identity': 'x'.repeat(16 * 1024) };
  expect((await fetch(app.graphql, { headers })).status).toBe(431);
}

/** Where nobody else gets in without a key. */
async function probesAskNobody() {
  const keys = [{ id: 'ada', key: 'sixteen-characters' }];
  await using app = await startTestApp({
    config: { authentication: { module: 'api-key-token', apiKey: { keys } } },
  });
  const paths = ['/readyz', '/livez', '/metrics'];
  const answers = await Promise.all(paths.map(async (path) => (await fetch(`${app.url}${path}`)).status));
  expect(answers).toEqual([200, 200, 401]);
}

const headers = 'A: {file: path}, B: {from: kubernetes}, C: {from: client}';
const entra = '{ tenantId: t, clientId: c, clientSecret: s }';
const timeouts = ['connectTimeoutMs', 'firstEventTimeoutMs', 'idleTimeoutMs', 'turnTimeoutMs'];
const customization = (key: string, value: string | boolean) =>
  takes(`customization: { ${key}: ${value} }`, {
    customization: { [key]: typeof value === 'boolean' ? value : expect.stringContaining(value) },
  });

describeTable('Which setting is which?', {
  name: () => refuses('name: mine', 'name'),
  'service.host, service.port': async () => [
    await refuses('server: { host: 0.0.0.0 }', 'authentication.module'),
    await takes('{ server: { host: 0.0.0.0, port: 8080 }, authentication: { module: k8s } }', {
      server: { host: '0.0.0.0', port: 8080 },
    })(),
  ],
  'service.cors.allow_origins': async () => [
    await refuses('server: { allowedOrigins: ["*"] }', 'refused'),
    await takes('server: { allowedOrigins: ["https://app.example.com"] }', {
      server: { host: '127.0.0.1', port: 4000, allowedOrigins: ['https://app.example.com'] },
    })(),
  ],
  'service.cors.allow_credentials, allow_methods, allow_headers': async () => [
    isAbsent('allow_credentials', 'allow_methods', 'allow_headers'),
    await asksForLeave(),
  ],
  'service.auth_enabled': async () => [
    isAbsent('auth_enabled'),
    await takes('authentication: { module: noop }', { authentication: { module: 'noop' } })(),
  ],
  'authentication.module': async () => [
    await refuses('server: { host: 0.0.0.0 }', 'noop'),
    await refuses('authentication: { module: trusted-proxy }', 'authentication.module'),
    AUTH_MODULES,
    'trusted-proxy',
  ],
  'authentication.trusted_proxy_config': async () => [
    isAbsent('trusted_proxy_config'),
    await takes('authentication: { module: rh-identity }', { authentication: { module: 'rh-identity' } })(),
    AUTH_MODULES,
  ],
  'authentication.skip_for_health_probes': async () => [
    isAbsent('skip_for_health_probes'),
    await probesAskNobody(),
  ],
  'authentication.skip_for_metrics': takes('server: { openMetrics: true }', {
    server: { openMetrics: true },
  }),
  'authentication.api_key_config.api_key': takes(
    'authentication: { module: api-key-token, apiKey: { keys: [{ id: ada, key: sixteen-characters }] } }',
    { authentication: { apiKey: { keys: [{ id: 'ada', key: 'sixteen-characters' }] } } },
  ),
  'authentication.jwk_config.url': jwk(''),
  'jwt_configuration.user_id_claim, username_claim': jwk('userIdClaim: sub, usernameClaim: name'),
  'jwt_configuration.role_rules': takes(
    'authorization: { roleRules: [{ jsonpath: $.sub, operator: match, value: ^a, roles: [r] }] }',
    { authorization: { roleRules: [{ jsonpath: '$.sub', operator: 'match', negate: false }] } },
  ),
  'authentication.k8s_cluster_api, k8s_ca_cert_path, skip_tls_verification': async () => [
    isAbsent('skip_tls_verification'),
    await takes('authentication: { module: k8s, k8s: { apiUrl: "https://k", caFile: ca.crt } }', {
      authentication: { k8s: { apiUrl: 'https://k', caFile: expect.stringMatching(/ca\.crt$/) } },
    })(),
  ],
  'rh_identity_config.required_entitlements': takes(
    'authentication: { module: rh-identity, rhIdentity: { requiredEntitlements: [rhel] } }',
    { authentication: { rhIdentity: { requiredEntitlements: ['rhel'] } } },
  ),
  'rh_identity_config.max_header_size': async () => [isAbsent('max_header_size'), await boundsHeaders()],
  'authorization.access_rules': async () => [
    await refuses('authorization: { accessRules: [{ role: "*", actions: [info] }] }', 'INFO'),
    await takes('authorization: { accessRules: [{ role: "*", actions: [INFO] }] }', {
      authorization: { accessRules: [{ role: '*', actions: ['INFO'] }] },
    })(),
  ],
  'service.workers': () => isAbsent('workers'),
  'service.tls_config, service.root_path, service.base_url': () =>
    isAbsent('service', 'tls_config', 'root_path'),
  'service.max_concurrent_file_uploads, max_concurrent_vector_store_attaches, delete_file_after_vector_store_attach':
    () =>
      isAbsent(
        'max_concurrent_file_uploads',
        'max_concurrent_vector_store_attaches',
        'delete_file_after_vector_store_attach',
      ),
  'service.access_log, service.color_log': async () => [
    isAbsent('access_log', 'color_log'),
    await takes('logLevel: debug', { logLevel: 'debug' })(),
  ],
  ogx: async () => [
    'llama_stack',
    await takes('backends: [{ id: o, kind: ogx, baseUrl: "http://localhost:8321/v1" }]', {
      backends: [{ kind: 'ogx' }],
    })(),
  ],
  'llama_stack.url, llama_stack.api_key': backend('models: []', { apiKey: 'key', kind: 'llama-stack' }),
  'llama_stack.use_as_library_client, library_client_config_path, llama_stack.config': () =>
    isAbsent('use_as_library_client', 'library_client_config_path', 'llama_stack'),
  'llama_stack.timeout': backend(
    timeouts.map((key) => `${key}: 77`).join(', '),
    Object.fromEntries(timeouts.map((key) => [key, 77])),
  ),
  'llama_stack.max_retries, retry_delay, allow_degraded_mode': () =>
    isAbsent('max_retries', 'retry_delay', 'allow_degraded_mode'),
  'inference.default_provider, default_model': takes(
    `{ backends: [{ ${BACKEND} }], inference: { defaultProvider: llama, defaultModel: m } }`,
    { inference: { defaultProvider: 'llama', defaultModel: 'm' } },
  ),
  'inference.context_windows': backend('contextWindow: 9000', { contextWindow: 9000 }),
  'inference.providers': backend('models: [m]', { id: 'llama', models: ['m'] }),
  'inference.max_infer_iters': () => isAbsent('max_infer_iters'),
  'inference.max_tool_calls': takes('turns: { maxToolCalls: 9 }', { turns: { maxToolCalls: 9 } }),
  'customization.system_prompt': customization('systemPrompt', 'Be brief.'),
  'customization.system_prompt_path': customization('systemPromptFile', 'prompt.txt'),
  'customization.profile_path': customization('profile', 'profile.yaml'),
  'customization.disable_query_system_prompt': customization('disableQuerySystemPrompt', true),
  'customization.disable_shield_ids_override': keepsShields,
  'customization.agent_card_path, agent_card_config, a2a_state, rlsapi_v1': () =>
    isAbsent('agent_card_path', 'agent_card_config', 'agentCard', 'a2a_state', 'a2a', 'rlsapi_v1', 'rlsapi'),
  mcp_servers: takes(`mcpServers: [{ ${SERVER}, requireApproval: always, headers: { A: b } }]`, {
    mcpServers: [{ name: 'tickets', requireApproval: 'always', headers: { A: 'b' } }],
  }),
  'mcp_servers[].require_approval with lists of tools': async () => [
    await refuses(`mcpServers: [{ ${SERVER}, requireApproval: { always: [close] } }]`, 'requireApproval'),
    await takes(`mcpServers: [{ ${SERVER}, requireApproval: always }]`, {
      mcpServers: [{ requireApproval: 'always' }],
    })(),
  ],
  'mcp_servers[].authorization_headers': async () => [
    await refuses(`mcpServers: [{ ${SERVER}, headers: { A: {from: oauth} } }]`, 'headers'),
    await takes(`mcpServers: [{ ${SERVER}, headers: { ${headers} } }]`, {
      mcpServers: [
        { headers: { A: { file: expect.any(String) }, B: { from: 'kubernetes' }, C: { from: 'client' } } },
      ],
    })(),
  ],
  'mcp_servers[].headers, timeout, provider_id': async () => [
    isAbsent('timeout', 'provider_id'),
    await refuses(`mcpServers: [{ ${SERVER}, headers: [x-request-id] }]`, 'headers'),
  ],
  'user_data_collection.feedback_enabled, feedback_storage': async () => [
    isAbsent('feedback_storage'),
    await takes('feedback: { enabled: false }', { feedback: { enabled: false } })(),
  ],
  'user_data_collection.transcripts_enabled, transcripts_storage': takes(
    'transcripts: { enabled: true, directory: saved, hmacKey: sixteen characters }',
    {
      transcripts: {
        enabled: true,
        directory: expect.stringMatching(/saved$/),
        hmacKey: 'sixteen characters',
      },
    },
  ),
  'database, conversation_cache': takes('database: { url: "postgres://localhost/millrace" }', {
    database: { url: 'postgres://localhost/millrace' },
  }),
  'quota_handlers.limiters': takes(
    'quotas: { limiters: [{ name: daily, kind: USER, initialQuota: 10, quotaIncrease: 5, period: 1 day }] }',
    {
      quotas: {
        limiters: [{ name: 'daily', kind: 'USER', initialQuota: 10, quotaIncrease: 5, period: '1 day' }],
      },
    },
  ),
  'quota_handlers.sqlite, postgres, scheduler, enable_token_history': () =>
    isAbsent('sqlite', 'postgres', 'scheduler', 'enable_token_history'),
  'byok_rag, rag, vector_store, vector_store_providers': backend('vectorStores: [vs_1]', {
    vectorStores: ['vs_1'],
  }),
  'shields, each with a name, a provider_id and a config': async () => [
    isAbsent('provider_id', 'question_validity', 'redaction', 'granite_guardian'),
    await takes('shields: [{ id: guard, model: granite-guardian, message: Not this. }]', {
      shields: [{ id: 'guard', model: 'granite-guardian', message: 'Not this.' }],
    })(),
    await takes('transcripts: { redactions: [{ pattern: "[0-9]{16}" }] }', {
      transcripts: { redactions: [{ pattern: '[0-9]{16}' }] },
    })(),
  ],
  'okp, reranker, compaction, approvals, skills, saved_prompts, splunk': () =>
    isAbsent('okp', 'reranker', 'compaction', 'approvals', 'skills', 'saved_prompts', 'splunk'),
  observability: () => isAbsent('observability', 'otel'),
  config_format_version: () => isAbsent('config_format_version'),
  azure_entra_id: takes(
    `backends: [{ id: a, kind: azure, baseUrl: "https://a.openai.azure.com/openai/v1", entra: ${entra} }]`,
    { backends: [{ entra: { tenantId: 't', clientId: 'c', clientSecret: 's' } }] },
  ),
  deployment_environment: async () => [
    isAbsent('deployment_environment'),
    await takes('mode: production', { mode: 'production' })(),
  ],
});
