import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { Lifecycle } from '../../src/http/lifecycle.js';
import { aSite } from '../support/app.js';

const site = aSite();

const ask = async (path: string) => {
  const answer = await fetch(new URL(path, site.url));
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};

describe('whoever watches the process', () => {
  it.each([
    ['/health', { status: 'alive' }],
    ['/ready', { status: 'ready' }],
  ])('is told by %s that all is well', async (path, words) => {
    const { status, headers, text } = await ask(path);
    expect([status, JSON.parse(text)]).toEqual([200, words]);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.getSetCookie()).toEqual([]);
  });

  it('is told that it lives, but is not ready, while it ends', async () => {
    await site.app.get(Lifecycle).drain(0);
    expect((await ask('/health')).status).toBe(200);
    const ready = await ask('/ready?now');
    expect([ready.status, JSON.parse(ready.text)]).toEqual([503, { status: 'unready', reason: expect.any(String) }]);
    expect([ready.headers.get('content-type'), ready.headers.get('retry-after')]).toEqual([
      expect.stringContaining('application/json'),
      '5',
    ]);
    for (const path of ['/', '/api/v1/users/me']) {
      const { status, headers } = await ask(path);
      expect([status, headers.get('retry-after'), headers.get('connection')]).toEqual([503, '5', 'close']);
    }
    expect(site.app.get(DataSource).isInitialized).toBe(true);
  });
});
