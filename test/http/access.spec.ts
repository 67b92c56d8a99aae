import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../src/config/settings.js';
import { RouteList, type Route } from '../../src/http/route-list.js';
import { aSite } from '../support/app.js';

const site = aSite();
let routes: Route[];
beforeAll(() => {
  routes = site.app.get(RouteList).all();
});

/** Every route that a stranger may call. A new one is added here with care. */
const openToStrangers = [
  'GET /',
  'GET /.well-known/change-password',
  'GET /api/docs',
  'GET /api/v1/openapi.json',
  'GET /assets/:name',
  'GET /email/confirmation',
  'GET /health',
  'GET /login',
  'GET /login/factor',
  'GET /login/link',
  'GET /login/open',
  'GET /logout',
  'GET /password/forgot',
  'GET /password/reset',
  'GET /ready',
  'GET /register',
  'GET /setup',
  'POST /api/v1/auth/login',
  'POST /api/v1/auth/register',
  'POST /api/v1/password-resets',
  'POST /email/confirmation',
  'POST /login',
  'POST /login/factor',
  'POST /login/link',
  'POST /login/open',
  'POST /login/passkey',
  'POST /logout',
  'POST /password/forgot',
  'POST /password/reset',
  'POST /register',
  'POST /setup',
  'PUT /api/v1/email-confirmations',
  'PUT /api/v1/password-resets',
];

const nameOf = ({ method, path }: Route) => `${method} ${path}`;
const isFor = (who: string) => (route: Route) => route.access?.to === who;

describe('every live route', () => {
  it('is on the list: what the server answers and what the controllers declare are the same', () => {
    expect(routes.length).toBeGreaterThan(openToStrangers.length);
    expect(routes.map(nameOf)).toEqual(
      expect.arrayContaining(['GET /secrets', 'GET /download', 'GET /api/v1/users/me']),
    );
  });

  it('declares who may call it', () => {
    expect(routes.filter(({ access }) => access === undefined).map(nameOf)).toEqual([]);
  });

  it('is closed to strangers, but for those named here', () => {
    const open = routes.filter(isFor('everyone')).filter(({ method }) => method !== 'HEAD');
    expect(open.map(nameOf).sort()).toEqual(openToStrangers);
  });

  it('answers to HEAD for whom it answers to GET', () => {
    const pairs = routes
      .filter(({ method }) => method === 'GET')
      .map((get) => [get, routes.find(({ method, path }) => method === 'HEAD' && path === get.path)]);
    expect(pairs.length).toBeGreaterThan(0);
    for (const [get, head] of pairs) expect(head?.access).toEqual(get?.access);
  });

  it('turns a stranger away where it is not open', async () => {
    const closed = routes.filter((route) => !isFor('everyone')(route));
    expect(closed.length).toBeGreaterThan(0);
    for (const route of closed) {
      const path = route.path.replace(/:\w+/g, () => randomUUID());
      const answer = await fetch(new URL(path, site.url), { method: route.method, redirect: 'manual' });
      await answer.arrayBuffer();
      if (path.startsWith('/api/'))
        expect([nameOf(route), answer.status, answer.headers.get('www-authenticate')]).toEqual([
          nameOf(route),
          401,
          'Bearer',
        ]);
      else
        expect([nameOf(route), answer.status, answer.headers.get('location')]).toEqual([
          nameOf(route),
          303,
          // what was posted is not posted again by the login: forms.spec.ts says where it leads back to
          route.method === 'GET' || route.path === '/account/proof'
            ? `/login?next=${encodeURIComponent(path)}`
            : expect.stringMatching(/^\/login\?next=%2F/),
        ]);
    }
  });

  it('renders a page that is there', () => {
    const views = [...new Set(routes.flatMap(({ view }) => view ?? []))].sort();
    expect(views).toEqual(
      expect.arrayContaining(['auth/login', 'auth/register', 'files/secrets', 'site/docs', 'site/home']),
    );
    for (const view of views)
      expect([view, existsSync(join(projectFolder, 'views', `${view}.hbs`))]).toEqual([view, true]);
  });
});

describe('a route that nobody declared', () => {
  it('is listed with no access, though it went around the controllers', () => {
    const list = site.app.get(RouteList);
    list.add({ method: 'GET', url: '/backdoor' });
    expect(list.all().find(({ path }) => path === '/backdoor')).toEqual({
      method: 'GET',
      path: '/backdoor',
      access: undefined,
      view: undefined,
    });
  });
});
