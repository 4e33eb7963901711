/** What speaks against a URL. */
import { describe, expect, it } from 'vitest';
import { findUrlFault } from '../../../src/lib/public-url.ts';

const strict = { allowPrivateAddresses: false };
const lenient = { allowPrivateAddresses: true };

describe('a URL that has to be public', () => {
  it.each([
    'https://mcp.example.com/mcp',
    'http://mcp.example.com:8080/',
    'https://8.8.8.8/mcp',
    'https://[2606:4700::1111]/mcp',
    'https://localhost.example.com/',
    'https://bücher.example/',
  ])('may be %s', (url) => {
    expect(findUrlFault(url, strict)).toBeUndefined();
  });

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.0.0.1./',
    'http://１２７.０.０.１/',
    'http://0.0.0.0/',
    'http://0/',
    'http://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::]/',
    'http://[fd00::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://localhost:8080/',
  ])('does not lead to the public internet: %s', (url) => {
    expect(findUrlFault(url, strict)).toBe('does not lead to the public internet');
  });

  it.each([22, 25, 1023, 3306, 5432, 6379])('names no port of another kind of service: %i', (port) => {
    expect(findUrlFault(`http://mcp.example.com:${port}/`, strict)).toBe(
      'names a port of another kind of service',
    );
  });
});

describe('any URL', () => {
  it.each([
    ['file:///etc/passwd', 'is neither http:// nor https://'],
    ['gopher://127.0.0.1:6379/_', 'is neither http:// nor https://'],
    ['unix:/run/docker.sock', 'is neither http:// nor https://'],
    ['javascript:alert(1)', 'is neither http:// nor https://'],
    ['https://example.com@10.0.0.1/', 'holds a user name or a password'],
    ['https://:secret@mcp.example.com/', 'holds a user name or a password'],
    ['mcp.example.com/mcp', 'is not a URL'],
    ['http://[fe80::1%25eth0]/', 'is not a URL'],
    ['', 'is not a URL'],
  ])('is refused even where private addresses are allowed: %s', (url, fault) => {
    expect(findUrlFault(url, strict)).toBe(fault);
    expect(findUrlFault(url, lenient)).toBe(fault);
  });

  it('may lead anywhere where private addresses are allowed', () => {
    expect(findUrlFault('http://127.0.0.1:6379/mcp', lenient)).toBeUndefined();
  });
});
