import { RouteList, type Route } from '../../src/http/route-list.js';
import type { TestApp } from './app.js';

/** The live routes, but for what the server answers to HEAD where there is a GET, which is the same. */
export function routesOf({ app }: Pick<TestApp, 'app'>): Route[] {
  const all = app.get(RouteList).all();
  const gets = new Set(all.filter(({ method }) => method === 'GET').map(({ path }) => path));
  return all.filter(({ method, path }) => method !== 'HEAD' || !gets.has(path));
}
