import { serverAudits } from 'graphql-http';
import { describe, expect, it } from 'vitest';
import { startTransportServer } from '../../support/transport-server.ts';

describe('the GraphQL over HTTP specification', () => {
  it('is met in every audit', async () => {
    await using server = await startTransportServer({
      config: { authentication: { module: 'api-key-token' } },
    });
    const audits = serverAudits({
      url: server.endpoint,
      fetchFn: (url: string, init: RequestInit) => {
        const headers = new Headers(init?.headers);
        headers.set('graphql-require-preflight', '1');
        return fetch(url, { ...init, headers });
      },
    });
    const failed: string[] = [];
    for (const audit of audits) {
      const result = await audit.fn();
      if (result.status !== 'ok') failed.push(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
    }
    expect(failed).toEqual([]);
    expect(audits.length).toBeGreaterThan(50);
  });
});
