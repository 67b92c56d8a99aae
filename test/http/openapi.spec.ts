import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { randomUUID } from 'node:crypto';
import { RateLimits } from '../../src/limits/rate-limits.js';
import { RouteList } from '../../src/http/route-list.js';
import { startApp, type TestApp } from '../support/app.js';
import { linksOf } from '../support/html.js';
import { person, Script, Visitor } from '../support/people.js';

interface Described {
  readonly description?: string;
  readonly content?: Record<string, { schema: object }>;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly parameters?: { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: Described;
  readonly responses: Record<string, Described>;
  readonly security?: Record<string, string[]>[];
}

interface Description {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly servers: { url: string }[];
  readonly tags: { name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

let site: TestApp;
let description: Description;
let ajv: Ajv2020;
beforeAll(async () => {
  site = await startApp({ RATE_LIMITS: 'on' });
  const answer = await fetch(new URL('/api/v1/openapi.json', site.url));
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  description = (await answer.json()) as Description;
  ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  addFormats.default(ajv);
  // annotations that OpenAPI adds to JSON Schema
  ajv.addVocabulary(['example', 'discriminator', 'xml', 'externalDocs']);
  for (const [name, schema] of Object.entries(description.components.schemas))
    ajv.addSchema(schema, `#/components/schemas/${name}`);
});
afterAll(() => site.close());

const operations = () =>
  Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );

/** Every value under that key, however deep. */
function valuesOf(key: string, within: unknown): unknown[] {
  if (typeof within !== 'object' || within === null) return [];
  return Object.entries(within).flatMap(([name, value]: [string, unknown]) =>
    name === key ? [value] : valuesOf(key, value),
  );
}

describe('the description of the API', () => {
  it('is of OpenAPI 3.1 and says what it describes', () => {
    expect(description.openapi).toMatch(/^3\.1\.\d$/);
    expect(description.info).toMatchObject({ title: 'Gatehouse', version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(description.servers).toEqual([{ url: site.settings.publicUrl }]);
  });

  it('refers only to what it holds', () => {
    const references = valuesOf('$ref', description) as string[];
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      const name = reference.replace('#/components/schemas/', '');
      expect([reference, name in description.components.schemas]).toEqual([reference, true]);
    }
  });

  it('holds schemas that are JSON Schema of 2020-12, as 3.1 wants it', () => {
    expect(valuesOf('nullable', description)).toEqual([]);
    for (const name of Object.keys(description.components.schemas))
      expect(ajv.getSchema(`#/components/schemas/${name}`)).toBeInstanceOf(Function);
    for (const schema of valuesOf('schema', description.paths))
      expect(ajv.compile(schema as object)).toBeInstanceOf(Function);
  });

  it('names each operation once, with a summary, a tag and its parameters', () => {
    const ids = operations().map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, summary, tags, parameters = [], responses } of operations()) {
      expect(summary).toMatch(/\w/);
      for (const tag of tags) expect(description.tags.map(({ name }) => name)).toContain(tag);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(
        parameters.filter((parameter) => parameter.in === 'path' && parameter.required).map(({ name }) => name),
      ).toEqual(inPath);
      for (const response of Object.values(responses)) expect(response.description).toMatch(/\w/);
    }
  });

  it('lists exactly the live routes of the API', () => {
    const live = site.app
      .get(RouteList)
      .all()
      .filter(({ method, path }) => path.startsWith('/api/v1/') && path !== '/api/v1/openapi.json' && method !== 'HEAD')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(live.sort());
  });

  it('asks for a token exactly where a route does', () => {
    const access = new Map(
      site.app
        .get(RouteList)
        .all()
        .map((route) => [`${route.method} ${route.path}`, route.access?.to]),
    );
    for (const { method, path, security, responses } of operations()) {
      const isOpen = access.get(`${method} ${path.replace(/\{(\w+)\}/g, ':$1')}`) === 'everyone';
      expect([path, security]).toEqual([path, isOpen ? undefined : [{ bearer: [] }]]);
      if (!isOpen) expect(Object.keys(responses)).toContain('401');
    }
    expect(Object.keys(description.components.securitySchemes)).toEqual(['bearer']);
  });
});

/** Checks that an answer is one that the description knows, and as it describes it. */
async function expectDescribed(operationId: string, answer: Response, status: number): Promise<void> {
  expect(answer.status).toBe(status);
  const operation = operations().find((one) => one.operationId === operationId);
  const response = operation?.responses[status];
  expect(response).toBeDefined();
  const contentType = answer.headers.get('content-type')?.split(';', 1)[0];
  if (!response?.content) {
    expect(await answer.text()).toBe('');
    return;
  }
  const schema = (response.content[contentType ?? ''] ?? response.content['*/*'])?.schema;
  if (!schema) throw new Error(`${operationId} does not say that ${status} can be ${contentType}.`);
  if ('format' in schema && schema.format === 'binary') {
    await answer.arrayBuffer();
    return;
  }
  // nothing leaves that the description does not name
  const validate = ajv.compile({ type: 'object', ...schema, unevaluatedProperties: false });
  const body: unknown = await answer.json();
  expect([validate(body), validate.errors]).toEqual([true, null]);
}

describe('real answers are as the description has them', () => {
  const asMember = async () => {
    const script = new Script(site.url);
    const who = await script.register();
    const { items } = (await (await script.ask('/api/v1/files')).json()) as { items: { id: string }[] };
    return { script, who, id: items[0]?.id ?? '' };
  };
  const stranger = () => new Script(site.url);
  const broken = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } };
  const tooLarge = { ...broken, body: JSON.stringify({ name: 'x'.repeat(20_000) }) };

  it('when somebody registers', async () => {
    const [path, who] = ['/api/v1/auth/register', person()];
    await expectDescribed('register', await stranger().ask(path, { json: who }), 201);
    await expectDescribed('register', await stranger().ask(path, { json: who }), 409);
    await expectDescribed('register', await stranger().ask(path, { json: {} }), 422);
    await expectDescribed('register', await fetch(new URL(path, site.url), broken), 400);
    await expectDescribed('register', await fetch(new URL(path, site.url), tooLarge), 413);
  });

  it('when somebody logs in', async () => {
    const [path, { who }] = ['/api/v1/auth/login', await asMember()];
    await expectDescribed('login', await stranger().ask(path, { json: who }), 200);
    await expectDescribed('login', await stranger().ask(path, { json: { ...who, password: 'a wrong one' } }), 401);
    await expectDescribed('login', await stranger().ask(path, { json: {} }), 422);
    await expectDescribed('login', await fetch(new URL(path, site.url), broken), 400);
    await expectDescribed('login', await fetch(new URL(path, site.url), tooLarge), 413);
  });

  it('when somebody logs out', async () => {
    const { script } = await asMember();
    const logOut = () => script.ask('/api/v1/auth/logout', { method: 'POST' });
    await expectDescribed('logout', await logOut(), 204);
    await expectDescribed('logout', await logOut(), 401);
  });

  it('when somebody asks who they are', async () => {
    const { script } = await asMember();
    await expectDescribed('getMe', await script.ask('/api/v1/users/me'), 200);
    await expectDescribed('getMe', await stranger().ask('/api/v1/users/me'), 401);
  });

  it('when somebody lists the files', async () => {
    const { script } = await asMember();
    await expectDescribed('listFiles', await script.ask('/api/v1/files'), 200);
    await expectDescribed('listFiles', await script.ask('/api/v1/files?q=nowhere'), 200);
    await expectDescribed('listFiles', await script.ask('/api/v1/files?limit=0'), 422);
    await expectDescribed('listFiles', await stranger().ask('/api/v1/files'), 401);
  });

  it('when somebody looks at a file', async () => {
    const { script, id } = await asMember();
    await expectDescribed('getFile', await script.ask(`/api/v1/files/${id}`), 200);
    await expectDescribed('getFile', await script.ask(`/api/v1/files/${randomUUID()}`), 404);
    await expectDescribed('getFile', await stranger().ask(`/api/v1/files/${id}`), 401);
  });

  it('when somebody downloads a file', async () => {
    const { script, id } = await asMember();
    const download = (headers: Record<string, string> = {}) => script.ask(`/api/v1/files/${id}/content`, { headers });
    const whole = await download();
    const etag = whole.headers.get('etag') ?? '';
    await expectDescribed('getFileContent', whole, 200);
    await expectDescribed('getFileContent', await download({ range: 'bytes=0-9' }), 206);
    await expectDescribed('getFileContent', await download({ 'if-none-match': etag }), 304);
    await expectDescribed('getFileContent', await download({ 'if-match': '"another"' }), 412);
    await expectDescribed('getFileContent', await download({ range: 'bytes=99999999-' }), 416);
    await expectDescribed('getFileContent', await script.ask(`/api/v1/files/${randomUUID()}/content`), 404);
    await expectDescribed('getFileContent', await stranger().ask(`/api/v1/files/${id}/content`), 401);
  });

  it('when somebody tries too often', async () => {
    const guess = () =>
      stranger().ask('/api/v1/auth/login', { json: { email: 'nobody@example.com', password: 'a guess' } });
    for (let tries = 0; tries < 10; tries++) await expectDescribed('login', await guess(), 401);
    await expectDescribed('login', await guess(), 429);

    // as many registrations as one address may have, without the work of their passwords
    const register = () => stranger().ask('/api/v1/auth/register', { json: person() });
    for (let tries = 0; tries < 300; tries++)
      await site.app
        .get(RateLimits)
        .spendRegistration('127.0.0.1')
        .catch(() => undefined);
    await expectDescribed('register', await register(), 429);
  });

  it('and each answer that it names was seen here, but for 503, which a storm shows', () => {
    const named = operations().map(({ operationId, responses }) => [
      operationId,
      Object.keys(responses).filter((status) => status !== '503'),
    ]);
    expect(Object.fromEntries(named)).toEqual({
      register: ['201', '400', '409', '413', '422', '429'],
      login: ['200', '400', '401', '413', '422', '429'],
      logout: ['204', '401'],
      getMe: ['200', '401'],
      listFiles: ['200', '401', '422'],
      getFile: ['200', '401', '404'],
      getFileContent: ['200', '206', '304', '401', '404', '412', '416'],
    });
  });
});

it('the page that shows the description names every operation, and links to the document', async () => {
  const { status, html } = await new Visitor(site.url).visit('/api/docs');
  expect(status).toBe(200);
  expect(linksOf(html)).toContain('/api/v1/openapi.json');
  for (const { operationId, method, path, summary, responses } of operations()) {
    const article = new RegExp(`<article[^>]* id="${operationId}"[^]*?</article>`).exec(html)?.[0];
    expect(linksOf(html)).toContain(`#${operationId}`);
    for (const words of [method, path, summary.replaceAll('’', '&#x27;'), ...Object.keys(responses)])
      expect(article).toContain(words);
  }
});
