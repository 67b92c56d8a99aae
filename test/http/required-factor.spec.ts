import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Route } from '../../src/http/route-list.js';
import { aSite, startApp } from '../support/app.js';
import { Cast, roles } from '../support/roles.js';
import { table } from '../support/route-table.js';
import { routesOf } from '../support/routes.js';

const site = aSite(() => startApp({ REQUIRE_MFA: 'all' }));
let cast: Cast;
beforeAll(async () => {
  cast = await Cast.for(site);
});

const columnOf = (name: string) => table[name]?.[roles.indexOf('admin')];

/** Every live route by its name, with who may call it. */
const routes = () =>
  new Map<string, Route>(routesOf(site).map((route) => [`${route.method} ${route.path}`, route] as const));

/** What is open to somebody who must still set up a second factor: the way to one, the own sessions, and the way out. */
const open = [
  /^GET \/account$/,
  /^\w+ \/account\/(factors|proof|sessions)(\/|$)/,
  /^GET \/api\/v1\/users\/me$/,
  /^\w+ \/api\/v1\/users\/me\/(factors|proof|sessions)(\/|$)/,
  /^POST \/api\/v1\/auth\/logout$/,
];

describe('where everybody must have a second factor, one who has none', () => {
  it('finds open what one needs for it, the own sessions and the way out, and no more', () => {
    const expected = [...routes().keys()].filter((name) => open.some((pattern) => pattern.test(name)));
    const found = [...routes()].filter(([, { access }]) => access?.beforeFactor).map(([name]) => name);
    expect(found).toEqual(expected);
    expect(found.length).toBeGreaterThan(30);
  });

  it.each(Object.keys(table))('%s', async (name) => {
    const route = routes().get(name);
    if (!route) throw new Error('There is no such route.');
    const { access, path } = route;
    // an admin, to whom nothing else is closed
    const answer = await cast.knock(route, 'admin');
    const isClosed = access?.to !== 'everyone' && !access?.beforeFactor;
    const turnedAway = path.startsWith('/api/') ? '403' : '→/account/factors';
    expect(answer).toBe(isClosed ? turnedAway : columnOf(name));
  });
});
