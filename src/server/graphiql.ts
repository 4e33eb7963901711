/** The GraphiQL page of development mode, whole in one document: it loads nothing from anywhere. */
import type { GraphiQLOptions } from 'graphql-yoga';
import { GRAPHIQL_TABS } from './graphiql-tabs.ts';

export const GRAPHIQL_OPTIONS: GraphiQLOptions = {
  title: 'Millrace',
  // Without it, GraphiQL adds an empty tab whenever the page is loaded again.
  query: GRAPHIQL_TABS[0]?.query,
  subscriptionsProtocol: 'WS',
  shouldPersistHeaders: false,
  defaultEditorToolsVisibility: true,
  defaultTabs: GRAPHIQL_TABS.map(({ query, variables }) => ({
    query,
    ...(Object.keys(variables).length > 0 && { variables: JSON.stringify(variables, null, 2) }),
  })),
};

/** Everything is inline and workers are blobs; the page may speak to its own server only. */
export const GRAPHIQL_CSP = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  'worker-src blob:',
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Nine megabytes of script, so it is loaded when somebody asks for it. */
export async function renderGraphiql(options: GraphiQLOptions): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL(options);
}
