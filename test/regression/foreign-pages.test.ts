import { describe, expect, it } from 'vitest';
import { startTransportServer } from '../support/transport-server.ts';

const MUTATION = 'mutation { count }';
const multipart = new FormData();
multipart.set('operations', JSON.stringify({ query: MUTATION, variables: { file: null } }));
multipart.set('map', '{"0":["__proto__.polluted"]}');
multipart.set('0', new File(['x'], 'x.txt'));

describe('what a foreign page can send without asking', () => {
  it.each([
    ['a form', new URLSearchParams({ query: MUTATION })],
    ['a multipart form', multipart],
    ['text', JSON.stringify({ query: MUTATION })],
    ['nothing said about its content', new Blob([JSON.stringify({ query: MUTATION })])],
  ])('runs no mutation: %s', async (_name, body) => {
    await using server = await startTransportServer({ mode: 'development' });
    const response = await fetch(server.endpoint, { method: 'POST', body });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }],
    });
    expect(server.seen.mutations).toBe(0);
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
  });

  it('starts no subscription: an EventSource', async () => {
    await using server = await startTransportServer({ mode: 'development' });
    const url = `${server.endpoint}?query=${encodeURIComponent('subscription { waits }')}`;
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', origin: 'https://evil.example' },
    });
    expect(response.status).toBe(403);
    expect(server.seen.started).toEqual([]);
  });
});

describe('a foreign origin', () => {
  it('is not reflected, and credentials are never allowed', async () => {
    await using server = await startTransportServer();
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'POST' };
    const answer = await fetch(server.endpoint, { method: 'OPTIONS', headers });
    const allowed = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'));
    expect(allowed).toEqual([]);
  });
});
