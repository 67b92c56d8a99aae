import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { person, Script, Visitor } from '../support/people.js';

const site = aSite();
let script: Script;
beforeAll(async () => {
  script = new Script(site.url);
  await script.register();
});

/** Checks that an answer is problem+json of that status, and gives it. */
async function problemOf(answer: Response, status: number): Promise<Record<string, unknown>> {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json(; charset=utf-8)?$/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const problem = (await answer.json()) as Record<string, unknown>;
  expect(problem).toMatchObject({
    type: 'about:blank',
    status,
    title: expect.stringMatching(/\w/),
    detail: expect.stringMatching(/\w/),
  });
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  return problem;
}

const post = (body: string, contentType = 'application/json', path = '/api/v1/auth/login') =>
  fetch(new URL(path, site.url), { method: 'POST', body, headers: { 'content-type': contentType } });

describe('an error of the API is a problem in JSON', () => {
  it.each(['{', 'null', '[]', '"text"', '1', '{"__proto__":{}}'])(
    '400 where the body cannot be read: %j',
    async (body) => {
      expect((await problemOf(await post(body), 400)).title).toBe('Bad Request');
    },
  );

  it('401 without a token, with the way to get in', async () => {
    const answer = await new Script(site.url).ask('/api/v1/users/me');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    await problemOf(answer, 401);
  });

  it.each(['Bearer nonsense', 'Bearer a.b.c', 'Bearer', 'Basic YTpi'])(
    '401 with a token that is none, and says so: %s',
    async (authorization) => {
      const answer = await new Script(site.url).ask('/api/v1/users/me', { headers: { authorization } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
      await problemOf(answer, 401);
    },
  );

  it.each(['/api/v1/nothing', '/api/v2/users/me', '/api/', '/api/v1/files/1/2/3'])(
    '404 where there is nothing: %s',
    async (path) => {
      expect((await problemOf(await script.ask(path), 404)).detail).toBe('There is nothing at this address.');
    },
  );

  it.each([
    ['GET', '/api/v1/auth/login', 'POST'],
    ['DELETE', '/api/v1/auth/register', 'POST'],
    ['POST', '/api/v1/users/me', 'DELETE, GET, HEAD, PATCH'],
    ['PUT', '/api/v1/files', 'GET, HEAD, POST'],
    ['OPTIONS', '/api/v1/files', 'GET, HEAD, POST'],
    ['POST', '/api/v1/openapi.json', 'GET, HEAD'],
  ])('405 where %s is no method of %s', async (method, path, allow) => {
    const answer = await script.ask(path, { method });
    expect(answer.headers.get('allow')).toBe(allow);
    expect((await problemOf(answer, 405)).title).toBe('Method Not Allowed');
  });

  it('409 where an email is taken', async () => {
    const who = await new Script(site.url).register();
    await problemOf(await script.ask('/api/v1/auth/register', { json: who }), 409);
  });

  it('413 where the body is too large, whether its length is told or not', async () => {
    const body = JSON.stringify(person({ name: 'x'.repeat(20_000) }));
    expect((await problemOf(await post(body), 413)).title).toBe('Payload Too Large');
    const stream = new Blob([body]).stream();
    const init = { method: 'POST', body: stream, duplex: 'half', headers: { 'content-type': 'application/json' } };
    await problemOf(await fetch(new URL('/api/v1/auth/login', site.url), init as RequestInit), 413);
  });

  it.each(['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'nonsense'])(
    '415 where the body is %s',
    async (contentType) => {
      expect((await problemOf(await post('x', contentType), 415)).title).toBe('Unsupported Media Type');
    },
  );

  it('422 where the input is not right, with the fields', async () => {
    const problem = await problemOf(await script.ask('/api/v1/auth/register', { json: {} }), 422);
    expect(problem.errors).toEqual(
      ['name', 'email', 'password'].map((field) => ({ field, message: expect.stringMatching(/^Please /) })),
    );
  });
});

describe('an error of a page is a page that says what to do next', () => {
  it('404 where there is nothing', async () => {
    const { status, html, response } = await new Visitor(site.url).visit('/nothing/here');
    expect(status).toBe(404);
    expect(html).toContain('Nothing is here');
    expect(html).toContain(response.headers.get('x-request-id'));
    expect(html).toContain('<header');
  });

  it.each([
    ['POST', '/secrets', 'GET, HEAD'],
    ['DELETE', '/', 'GET, HEAD'],
    ['PUT', '/login', 'GET, HEAD, POST'],
    ['PATCH', '/logout', 'GET, HEAD, POST'],
    ['POST', '/health', 'GET, HEAD'],
  ])('405 where %s is no method of %s', async (method, path, allow) => {
    const { status, html, response } = await new Visitor(site.url).visit(path, { method });
    expect([status, response.headers.get('allow')]).toEqual([405, allow]);
    expect(html).toContain('This address works differently');
  });

  it('413 where the form is too large', async () => {
    const { status, html } = await new Visitor(site.url).visit('/register', {
      form: { ...person({ name: 'x'.repeat(20_000) }) },
    });
    expect(status).toBe(413);
    expect(html).toContain('That was too much at once');
  });

  it('415 where a form comes as something else', async () => {
    const { status } = await new Visitor(site.url).visit('/login', {
      form: 'x',
      headers: { 'content-type': 'text/plain' },
    });
    expect(status).toBe(415);
  });

  it('400 where the address or the body cannot be read', async () => {
    expect((await new Visitor(site.url).visit('/files/%E0%A4%A/download')).status).toBe(400);
    const { status } = await new Visitor(site.url).visit('/login', {
      form: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect(status).toBe(400);
  });
});
