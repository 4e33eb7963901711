/** What the page on moving says of settings: each is written to a file and loaded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createDefaultPolicy } from '../../../src/auth/policy.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { listLeaves } from '../../../src/config/outline.ts';
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
  'service.auth_enabled': async () => [
    isAbsent('auth_enabled'),
    await takes('authentication: { module: noop }', { authentication: { module: 'noop' } })(),
  ],
  'authentication.module': async () => [
    await refuses('server: { host: 0.0.0.0 }', 'noop'),
    await takes('authentication: { module: noop-with-token }', {
      authentication: { module: 'noop-with-token' },
    })(),
  ],
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
  'authorization.access_rules': async () => [
    await refuses('authorization: { accessRules: [{ role: "*", actions: [info] }] }', 'INFO'),
    await takes('authorization: { accessRules: [{ role: "*", actions: [INFO] }] }', {
      authorization: { accessRules: [{ role: '*', actions: ['INFO'] }] },
    })(),
  ],
  'service.workers': () => isAbsent('workers'),
  'service.tls_config, service.root_path, service.base_url': () =>
    isAbsent('service', 'tls_config', 'root_path'),
  'service.access_log, service.color_log': async () => [
    isAbsent('access_log', 'color_log'),
    await takes('logLevel: debug', { logLevel: 'debug' })(),
  ],
  'llama_stack.url, llama_stack.api_key': backend('models: []', { apiKey: 'key', kind: 'llama-stack' }),
  'llama_stack.use_as_library_client, llama_stack.config': () =>
    isAbsent('use_as_library_client', 'llama_stack'),
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
  'customization.agent_card_path, a2a_state, rlsapi_v1': () =>
    isAbsent('agent_card_path', 'agentCard', 'a2a_state', 'a2a', 'rlsapi_v1', 'rlsapi'),
  mcp_servers: takes(`mcpServers: [{ ${SERVER}, requireApproval: always, headers: { A: b } }]`, {
    mcpServers: [{ name: 'tickets', requireApproval: 'always', headers: { A: 'b' } }],
  }),
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
  'user_data_collection.feedback_enabled': takes('feedback: { enabled: false }', {
    feedback: { enabled: false },
  }),
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
  'byok_rag, rag, vector_store_providers': backend('vectorStores: [vs_1]', { vectorStores: ['vs_1'] }),
  'okp, reranker, compaction, approvals, skills, splunk': () =>
    isAbsent('okp', 'reranker', 'compaction', 'approvals', 'skills', 'splunk'),
  azure_entra_id: takes(
    `backends: [{ id: a, kind: azure, baseUrl: "https://a.openai.azure.com/openai/v1", entra: ${entra} }]`,
    { backends: [{ entra: { tenantId: 't', clientId: 'c', clientSecret: 's' } }] },
  ),
  deployment_environment: async () => [
    isAbsent('deployment_environment'),
    await takes('mode: production', { mode: 'production' })(),
  ],
});
