import { describe, expect, it } from '@jest/globals';
import { safePath } from '../../src/http/safe-path.js';

describe('where a login leads', () => {
  it.each([
    ['/', '/'],
    ['/secrets', '/secrets'],
    ['/secrets?q=a%26b&cursor=1', '/secrets?q=a%26b&cursor=1'],
    ['/files/0198/download', '/files/0198/download'],
    ['/secrets#top', '/secrets'],
    ['/a/../secrets', '/secrets'],
    ['/größe', '/gr%C3%B6%C3%9Fe'],
    ['/?next=//evil.example', '/?next=//evil.example'],
    ['/loginpage', '/loginpage'],
  ])('to %j on this site', (next, path) => {
    expect(safePath(next, '/fallback')).toBe(path);
  });

  it.each([
    '',
    'secrets',
    'https://evil.example',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/secrets\\..\\x',
    '/\t/evil.example',
    '/\n/evil.example',
    '/\r\nSet-Cookie: a=b',
    '/\u0000',
    '/\u0085x',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'javascript:alert(1)',
    ' /secrets',
    '/login',
    '/login?next=/secrets',
    '/logout',
    '/x/../logout',
    '/register',
    `/${'x'.repeat(2_000)}`,
  ])('never to %j', (next) => {
    expect(safePath(next, '/fallback')).toBe('/fallback');
  });

  it.each([undefined, null, 1, {}, ['/secrets'], true])('never to what is no text: %j', (next) => {
    expect(safePath(next, '/fallback')).toBe('/fallback');
  });
});
