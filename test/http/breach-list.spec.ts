import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startApp } from '../support/app.js';
import { person, Script, Visitor } from '../support/people.js';

const hashOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();

describe('where nobody answers at BREACH_LIST', () => {
  const asked: string[] = [];
  let silent: Server;
  let absent: Server;
  beforeAll(async () => {
    // one takes every question and answers none, the other is gone
    silent = createServer(({ url }) => void asked.push(url ?? '')).listen(0, '127.0.0.1');
    absent = createServer().listen(0, '127.0.0.1');
    await Promise.all([silent, absent].map((server) => once(server, 'listening')));
  });
  afterAll(() => {
    silent.closeAllConnections();
    silent.close();
  });

  const passwords = [person().password, 'another sentence of my own'];
  const rangeOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/range`;

  it.each([
    ['a service that is silent', () => rangeOf(silent)],
    [
      'a service that is not there',
      () => {
        const range = rangeOf(absent);
        absent.close();
        return range;
      },
    ],
  ])('people register all the same, and the log says so: %s', async (_what, range) => {
    const site = await startApp({ BREACH_LIST: range() });
    try {
      const [ada, grace] = passwords.map((password) => person({ password }));
      const [page, call] = await Promise.all([
        new Visitor(site.url).visit('/register', { form: { ...ada } }),
        new Script(site.url).ask('/api/v1/auth/register', { json: grace }),
      ]);
      expect([page.at, call.status]).toEqual(['/secrets', 201]);
      const lines = site
        .log()
        .split('\n')
        .filter((line) => line.includes('BREACH_LIST'));
      const told = { level: 40, msg: expect.stringContaining('the password was let pass') };
      expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
        expect.objectContaining(told),
        expect.objectContaining(told),
      ]);
      for (const password of passwords)
        for (const secret of [password, hashOf(password).slice(5)]) expect(site.log()).not.toContain(secret);
    } finally {
      await site.close();
    }
  });

  it('the service has heard no more than five digits of each hash', () => {
    const heard = passwords.map((password) => `/range/${hashOf(password).slice(0, 5)}`);
    expect(asked.toSorted()).toEqual(heard.toSorted());
  });
});
