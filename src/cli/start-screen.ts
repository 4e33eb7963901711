/** The screen that `millrace serve` shows when it is ready. */
import type { BackendSummary, StartupSummary } from '../types/app.ts';

/** Where to go, who answers, where the data is and how to stop; ends with a line feed. */
export function renderStartScreen(summary: StartupSummary): string {
  const { version, url, graphiqlUrl, backends, database } = summary;
  const lines = [
    ...(graphiqlUrl === null ? [] : [['GraphiQL', graphiqlUrl]]),
    ['GraphQL', `${url}/graphql (HTTP, SSE, WebSocket)`],
    ...backends.map((backend, index) => [index === 0 ? 'Answers' : '', toBackendText(backend)]),
    ['Data', database === 'DATABASE_URL' ? 'Postgres at DATABASE_URL' : `Postgres, ${database}`],
    ['Stop', 'Ctrl+C'],
  ];
  const body = lines.map(([label = '', text = '']) => `  ${label.padEnd(10)}${text}`);
  return ['', `  Millrace ${version} is ready.`, '', ...body, '', ''].join('\n');
}

function toBackendText({ id, location, model }: BackendSummary): string {
  return model === undefined ? `${id}, ${location}` : `${id}, ${location}, model ${model}`;
}
