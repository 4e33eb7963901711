/** The GraphiQL page of development mode, whole in one document: it loads nothing from anywhere. */
import type { GraphiQLOptions } from 'graphql-yoga';
import { GRAPHIQL_TABS } from './graphiql-tabs.ts';

/** With the query that is shown first: without it, GraphiQL opens an empty tab when the page is loaded again. */
export const GRAPHIQL_OPTIONS: GraphiQLOptions & { readonly query: string | undefined } = {
  title: 'Millrace',
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

/** GraphiQL moves a tab away from under the pointer that is pressed on it for the first time: the click is lost. */
const STYLE = '<style>.graphiql-tab { transform: none !important; }</style>';

/** Nine megabytes of script, so it is loaded when somebody asks for it. */
export async function renderGraphiql(options: GraphiQLOptions): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return renderGraphiQL(options).replace('</head>', `${STYLE}</head>`);
}
