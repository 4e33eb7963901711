/** What kind of server a backend is, as far as its configuration tells, and what servers of that kind can do. Pure. */
import type { BackendConfig } from '../config/config.ts';
import type { Capabilities } from './backend.ts';

/** OGX is the later name of llama-stack. */
export type Kind = 'openai' | 'azure' | 'llama-stack' | 'other';

const AZURE_HOST = /\.(openai\.azure|cognitiveservices\.azure|services\.ai\.azure)\.(com|us|cn)$/;

/** Undefined where only a look at the backend can tell. */
export function toKind({ kind, baseUrl }: Pick<BackendConfig, 'kind' | 'baseUrl'>): Kind | undefined {
  if (kind !== 'auto') return kind === 'ogx' ? 'llama-stack' : kind;
  const { hostname } = new URL(baseUrl);
  if (hostname === 'api.openai.com') return 'openai';
  return AZURE_HOST.test(hostname) ? 'azure' : undefined;
}

/** What is not known of a server counts as there, but for lists that nobody asked it for: the request shows. */
const CAPABILITIES: Readonly<Record<Kind, Capabilities>> = {
  openai: toCapabilities({ shields: false }),
  azure: toCapabilities({ shields: false, moderations: false }),
  'llama-stack': toCapabilities({ background: false }),
  other: toCapabilities({ shields: false, vectorStores: false }),
};

function toCapabilities(lacking: Partial<Capabilities>): Capabilities {
  return {
    conversations: true,
    moderations: true,
    shields: true,
    vectorStores: true,
    fileSearch: true,
    mcp: true,
    models: true,
    images: true,
    maxOutputTokens: true,
    background: true,
    ...lacking,
  };
}

/** What the configuration says goes before what the kind implies. */
export function listCapabilities(kind: Kind, configured: BackendConfig['capabilities']): Capabilities {
  const said = Object.entries(configured).filter(([, value]) => value !== undefined);
  return { ...CAPABILITIES[kind], ...Object.fromEntries(said) };
}
