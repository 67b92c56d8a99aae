import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { Cast, roles } from '../support/roles.js';
import { table } from '../support/route-table.js';
import { routesOf } from '../support/routes.js';

const site = aSite();
let cast: Cast;
beforeAll(async () => {
  cast = await Cast.for(site);
});

const routes = () => routesOf(site);
const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`;

describe('who may do what', () => {
  it('is declared for every live route, and for no other', () => {
    expect(routes().map(nameOf).sort()).toEqual(Object.keys(table).sort());
  });

  it('is declared for everybody', () => {
    for (const [route, cells] of Object.entries(table)) expect([route, cells.length]).toEqual([route, roles.length]);
  });

  it.each(Object.entries(table))('%s', async (name, cells) => {
    const route = routes().find((one) => nameOf(one) === name);
    if (!route) throw new Error('There is no such route.');
    const found = await Promise.all(roles.map(async (role) => `${role}: ${await cast.knock(route, role)}`));
    expect(found).toEqual(roles.map((role, index) => `${role}: ${cells[index]}`));
  });
});
