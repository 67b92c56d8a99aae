import { describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { messageOf } from '../support/html.js';
import { Visitor } from '../support/people.js';

const site = aSite();

const member = async () => {
  const visitor = new Visitor(site.url);
  await visitor.register();
  return visitor;
};

/** Another browser with the same cookies. */
const copyOf = (visitor: Visitor) => {
  const copy = new Visitor(site.url);
  for (const [name, value] of visitor.cookies) copy.cookies.set(name, value);
  return copy;
};

describe.each(['POST', 'GET'])('logging out by %s', (method) => {
  it('ends the session on the server, clears its cookie and says so once', async () => {
    const ada = await member();
    const thief = copyOf(ada);
    const answer = await ada.ask('/logout', { method });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(ada.cookies.has('gatehouse-session')).toBe(false);
    expect(messageOf((await ada.visit('/')).html, 'status')).toBe('You are logged out.');
    expect(messageOf((await ada.visit('/')).html, 'status')).toBeUndefined();
    expect((await thief.ask('/secrets')).headers.get('location')).toBe('/login?next=%2Fsecrets');
  });

  it('sends a stranger to the front page', async () => {
    const stranger = new Visitor(site.url);
    const answer = await stranger.ask('/logout', { method });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(messageOf((await stranger.visit('/')).html, 'status')).toBeUndefined();
  });

  it('works from a link or a form of this site', async () => {
    const ada = await member();
    const answer = await ada.ask('/logout', { method, headers: { 'sec-fetch-site': 'same-origin' } });
    expect(answer.headers.get('location')).toBe('/');
    expect((await ada.ask('/secrets')).status).toBe(303);
  });
});

describe('a logout that the member may not have asked for', () => {
  it.each([
    ['a link on another site', { 'sec-fetch-site': 'cross-site' }],
    ['a link on a neighbouring site', { 'sec-fetch-site': 'same-site' }],
    ['a browser that reads ahead', { 'sec-purpose': 'prefetch' }],
    ['a browser that renders ahead', { 'sec-purpose': 'prefetch;prerender' }],
    ['an older browser that reads ahead', { purpose: 'prefetch' }],
  ])('changes nothing and shows the button: %s', async (_what, headers) => {
    const ada = await member();
    const { status, at, html } = await ada.visit('/logout', { headers });
    expect([status, at]).toEqual([200, '/logout']);
    expect(html.match(/<form method="post" action="\/logout">/g)).toHaveLength(1);
    expect((await ada.ask('/secrets')).status).toBe(200);
    await ada.visit('/logout', { method: 'POST' });
    expect((await ada.ask('/secrets')).status).toBe(303);
  });

  it('is refused where another site posts the form', async () => {
    const ada = await member();
    const answer = await ada.ask('/logout', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } });
    expect(answer.status).toBe(403);
    expect((await ada.ask('/secrets')).status).toBe(200);
  });
});
