import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Visitor } from '../support/people.js';
import { startServer, type Server } from '../support/server.js';

describe('of two sites on one host, which a browser sends the same cookies', () => {
  let site: Server;
  let other: Server;
  beforeAll(async () => {
    [site, other] = await Promise.all([startServer(), startServer()]);
  });
  afterAll(() => Promise.all([site.kill(), other.kill()]));

  /** One browser on both sites: whoever it is on one, it is nobody on the other yet. */
  const inBoth = () => {
    const here = new Visitor(site.url, new Map<string, string>());
    return { here, there: new Visitor(other.url, here.cookies) };
  };
  const isIn = async (visitor: Visitor) => (await visitor.ask('/secrets')).status === 200;
  const named = ({ cookies }: Visitor, beginning: string) =>
    [...cookies].filter(([name]) => name.startsWith(beginning));

  /** Gives the cookies of a browser the names that they had before they told sites apart. */
  const rename = ({ cookies }: Visitor) => {
    for (const [name, value] of [...cookies]) {
      cookies.delete(name);
      cookies.set(name.replace(/-[0-9a-f]{8}$/, ''), value);
    }
  };

  it('neither logs members of the other out, nor forgets a browser that the other knows', async () => {
    const { here, there } = inBoth();
    await here.register();
    expect(await isIn(there)).toBe(false);
    await there.register();
    expect([await isIn(here), await isIn(there)]).toEqual([true, true]);
    expect([named(here, 'gatehouse-session-').length, named(here, 'gatehouse-device-').length]).toEqual([2, 2]);
    await there.ask('/logout', { method: 'POST' });
    expect([await isIn(here), await isIn(there)]).toEqual([true, false]);
    expect(named(here, 'gatehouse-device-')).toHaveLength(2);
  });

  it('shows no message of the other', async () => {
    const { here, there } = inBoth();
    await here.ask('/login', { form: { email: 'nobody@example.com', password: 'a wrong password' } });
    const [message] = named(here, 'gatehouse-flash-');
    await there.visit('/login');
    expect(named(here, 'gatehouse-flash-')).toEqual([message]);
  });

  it('each takes the cookies that it set under the old name, and clears them once they are of no use', async () => {
    const { here } = inBoth();
    const { email, password } = await here.register();
    rename(here);
    expect([...here.cookies.keys()].sort()).toEqual(['gatehouse-device', 'gatehouse-session']);
    expect(await isIn(here)).toBe(true);
    await here.ask('/logout', { method: 'POST' });
    expect([...here.cookies.keys()].filter((name) => name.includes('session'))).toEqual([]);
    const device = here.cookies.get('gatehouse-device') ?? '';
    await here.ask('/login', { form: { email, password } });
    expect(await isIn(here)).toBe(true);
    expect(here.cookies.has('gatehouse-device')).toBe(false);
    const known = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;
    expect(known(named(here, 'gatehouse-device-')[0]?.[1])).toMatchObject({
      devices: (known(device) as { devices: object }).devices,
    });
  });

  it('and leaves alone what the other has set under it', async () => {
    const { here, there } = inBoth();
    await there.register();
    rename(there);
    const old = [...there.cookies];
    const login = await here.ask('/secrets');
    expect([login.status, login.headers.get('location')]).toEqual([303, '/login?next=%2Fsecrets']);
    await here.register();
    expect([await isIn(here), await isIn(there)]).toEqual([true, true]);
    await here.ask('/logout', { method: 'POST' });
    expect([...there.cookies]).toEqual(expect.arrayContaining(old));
    expect([await isIn(here), await isIn(there)]).toEqual([false, true]);
  });
});
