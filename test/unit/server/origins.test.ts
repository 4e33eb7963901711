import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { createOriginPolicy } from '../../../src/server/origins.ts';

function allows(
  mode: 'development' | 'production',
  origin: string | undefined,
  host = 'api.example',
): boolean {
  const { server } = configSchema.parse({ server: { allowedOrigins: ['https://app.example'] } });
  return createOriginPolicy({ mode, server }).allows(origin, host);
}

describe('the origin policy', () => {
  it.each(['development', 'production'] as const)(
    'allows listed origins and programs without one in %s',
    (mode) => {
      expect(allows(mode, 'https://app.example')).toBe(true);
      expect(allows(mode, undefined)).toBe(true);
    },
  );

  it.each([
    'null',
    'https://evil.example',
    'https://app.example.evil.example',
    'https://sub.app.example',
    'http://app.example',
    'https://app.example:8443',
    'http://localhost.evil.example',
    'http://localhost:1.evil.example',
  ])('refuses %s in both modes', (origin) => {
    expect(allows('development', origin)).toBe(false);
    expect(allows('production', origin)).toBe(false);
  });

  it.each(['http://localhost', 'http://localhost:5173', 'http://127.0.0.1:4000', 'http://[::1]:4000'])(
    'allows %s in development only',
    (origin) => {
      expect(allows('development', origin)).toBe(true);
      expect(allows('production', origin)).toBe(false);
    },
  );

  it('allows the server’s own origin in production', () => {
    expect(allows('production', 'https://api.example')).toBe(true);
  });

  it('refuses a name that was rebound to this machine in development', () => {
    expect(allows('development', 'http://evil.example:4000', 'evil.example:4000')).toBe(false);
  });
});
