/** The rules of authentication and authorisation that span several settings: what is missing, without effect, or too weak. */
import { resolve } from 'node:path';
import { isLoopbackHost } from '../lib/loopback.ts';
import type { AuthenticationConfig, Settings } from './config.ts';
import { type RuleContext, toConfigError } from './problems.ts';
import { API_KEY, type AuthModuleName, isUsableKey, toKeys } from './sections/authentication.ts';

type Section = 'apiKey' | 'jwk' | 'k8s' | 'rhIdentity';

/** The section of a module, and whether the module can do without it. */
const SECTIONS: Readonly<Partial<Record<AuthModuleName, readonly [section: Section, needed: boolean]>>> = {
  'api-key-token': ['apiKey', true],
  'jwk-token': ['jwk', true],
  k8s: ['k8s', false],
  'rh-identity': ['rhIdentity', false],
};
const ALL_SECTIONS: readonly Section[] = ['apiKey', 'jwk', 'k8s', 'rhIdentity'];

/** The settings with their defaults that follow from others; throws a configuration error when they are not safe. */
export function toAuthentication(settings: Settings, context: RuleContext): AuthenticationConfig {
  const { authentication } = settings;
  const module = authentication.module ?? toDefaultModule(settings, context);
  requireSections(authentication, module, context);
  requireKeys(authentication.apiKey, context);
  requireJwk(authentication.jwk, context);
  requireKnownRoles(settings, context);
  return resolveFiles({ ...authentication, module }, context);
}

/** Settings of a module that was not chosen would look like a closed door that stands open. */
function requireSections(
  authentication: AuthenticationConfig,
  module: AuthModuleName,
  { label }: RuleContext,
): void {
  const [own, needed] = SECTIONS[module] ?? [];
  const idle = ALL_SECTIONS.find((section) => section !== own && authentication[section] !== undefined);
  if (idle !== undefined) {
    throw toConfigError(label('authentication', idle), `has no effect with the module ${module}`);
  }
  if (own === undefined || !needed || authentication[own] !== undefined) return;
  throw toConfigError(label('authentication', own), `missing; the module ${module} needs it`);
}

function toDefaultModule({ server, authentication }: Settings, { label }: RuleContext): AuthModuleName {
  const hasSection = ALL_SECTIONS.some((section) => authentication[section] !== undefined);
  if (isLoopbackHost(server.host) && !hasSection) return 'noop';
  throw toConfigError(
    label('authentication', 'module'),
    hasSection
      ? 'missing; say which module the settings are for'
      : `missing; a server on ${server.host} must say who may come in, and be it everybody as one viewer: noop`,
  );
}

function requireKeys(apiKey: AuthenticationConfig['apiKey'], { label }: RuleContext): void {
  const seen = new Set<string>();
  for (const [index, { key, keyFile }] of apiKey?.keys.entries() ?? []) {
    const where = label('authentication', 'apiKey', 'keys', index, 'key');
    if (key === undefined && keyFile === undefined) throw toConfigError(where, 'missing; set key or keyFile');
    const keys = toKeys(key ?? '');
    if (key !== undefined && !keys.every(isUsableKey)) {
      throw toConfigError(where, `expected ${API_KEY}`);
    }
    if (keys.some((one) => seen.has(one))) throw toConfigError(where, 'is the key of another viewer too');
    for (const one of keys) seen.add(one);
  }
}

function requireJwk(jwk: AuthenticationConfig['jwk'], { label }: RuleContext): void {
  if (jwk === undefined) return;
  const { protocol, hostname } = new URL(jwk.url);
  if (protocol === 'http:' && !isLoopbackHost(hostname)) {
    throw toConfigError(
      label('authentication', 'jwk', 'url'),
      'expected https://: whoever is on the way could send keys of their own',
    );
  }
  const pairs = [
    ['issuer', 'insecureAnyIssuer'],
    ['audience', 'insecureAnyAudience'],
  ] as const;
  for (const [key, waiver] of pairs) {
    const where = label('authentication', 'jwk', key);
    if (jwk[key] === undefined && !jwk[waiver]) throw toConfigError(where, `missing; or set ${waiver}: true`);
    if (jwk[key] !== undefined && jwk[waiver]) throw toConfigError(where, `set either this or ${waiver}`);
  }
}

/** A role that nobody can have is a slip of the pen, and the door that it should open stays shut. */
function requireKnownRoles({ authentication, authorization }: Settings, { label }: RuleContext): void {
  const given = [
    '*',
    ...authorization.roleRules.flatMap(({ roles }) => roles),
    ...(authentication.apiKey?.keys.flatMap(({ roles }) => roles) ?? []),
  ];
  const unknown = authorization.accessRules.findIndex(({ role }) => !given.includes(role));
  if (unknown === -1) return;
  throw toConfigError(
    label('authorization', 'accessRules', unknown, 'role'),
    `nobody has the role "${authorization.accessRules[unknown]?.role}"; roles that are given are ${given.join(', ')}`,
  );
}

function resolveFiles(settings: AuthenticationConfig, { cwd }: RuleContext): AuthenticationConfig {
  const { apiKey, jwk, k8s } = settings;
  return {
    ...settings,
    ...(apiKey && { apiKey: { keys: apiKey.keys.map((entry) => resolveKeys(entry, ['keyFile'], cwd)) } }),
    ...(jwk && { jwk: resolveKeys(jwk, ['caFile'], cwd) }),
    ...(k8s && { k8s: resolveKeys(k8s, ['caFile', 'tokenFile'], cwd) }),
  };
}

function resolveKeys<T extends object>(settings: T, names: readonly (keyof T)[], cwd: string): T {
  const files = names.flatMap((name) => {
    const file = settings[name];
    return typeof file === 'string' ? [[name, resolve(cwd, file)]] : [];
  });
  return { ...settings, ...Object.fromEntries(files) };
}
