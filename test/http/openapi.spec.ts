import { beforeAll, describe, expect, it } from '@jest/globals';
import { aSite } from '../support/app.js';
import { DescribedApi, validatorFor } from '../support/described.js';
import { linksOf } from '../support/html.js';
import { Visitor } from '../support/people.js';
import { routesOf } from '../support/routes.js';

const site = aSite();
let api: DescribedApi;
beforeAll(async () => {
  api = await DescribedApi.of(site);
});

/** The live routes of the API, named as the description names them. */
const routes = () =>
  routesOf(site)
    .filter(({ path }) => path.startsWith('/api/v1/') && path !== '/api/v1/openapi.json')
    .map(({ method, path, access }) => ({ name: `${method} ${path.replace(/:(\w+)/g, '{$1}')}`, to: access?.to }));

/** Every value under that key, however deep. */
function valuesOf(key: string, within: unknown): unknown[] {
  if (typeof within !== 'object' || within === null) return [];
  return Object.entries(within).flatMap(([name, value]: [string, unknown]) =>
    name === key ? [value] : valuesOf(key, value),
  );
}

describe('the description of the API', () => {
  it('is of OpenAPI 3.1 and says what it describes', async () => {
    const answer = await fetch(new URL('/api/v1/openapi.json', site.url));
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await answer.json()).toMatchObject({
      openapi: expect.stringMatching(/^3\.1\.\d$/),
      info: { title: 'Gatehouse', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      servers: [{ url: site.settings.publicUrl }],
    });
  });

  it('refers only to what it holds', () => {
    const references = valuesOf('$ref', api.document) as string[];
    expect(references.length).toBeGreaterThan(0);
    for (const reference of references) {
      const name = reference.replace('#/components/schemas/', '');
      expect([reference, name in api.document.components.schemas]).toEqual([reference, true]);
    }
  });

  it('holds schemas that are JSON Schema of 2020-12, as 3.1 wants it', () => {
    const { components, paths } = api.document;
    const ajv = validatorFor(components.schemas);
    expect(valuesOf('nullable', api.document)).toEqual([]);
    for (const name of Object.keys(components.schemas))
      expect(ajv.getSchema(`#/components/schemas/${name}`)).toBeInstanceOf(Function);
    for (const schema of valuesOf('schema', paths)) expect(ajv.compile(schema as object)).toBeInstanceOf(Function);
  });

  it('names each operation once, with a summary, a tag and its parameters', () => {
    const ids = api.operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { operationId, path, summary, tags, parameters = [], responses } of api.operations) {
      expect(summary).toMatch(/\w/);
      expect([operationId, tags.length]).toEqual([operationId, 1]);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(
        parameters.filter((parameter) => parameter.in === 'path' && parameter.required).map(({ name }) => name),
      ).toEqual(inPath);
      for (const response of Object.values(responses)) expect(response.description).toMatch(/\w/);
    }
  });

  it('explains exactly the tags that are used', () => {
    const explained = api.document.tags.map(({ name }) => name);
    expect(explained.sort()).toEqual([...new Set(api.operations.flatMap(({ tags }) => tags))].sort());
  });

  it('lists exactly the live routes of the API', () => {
    const listed = api.operations.map(({ method, path }) => `${method} ${path}`);
    expect(listed.sort()).toEqual(
      routes()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('asks for a token exactly where a route does, and says what is for admins', () => {
    const access = new Map(routes().map(({ name, to }) => [name, to]));
    for (const { method, path, security, tags, responses } of api.operations) {
      const name = `${method} ${path}`;
      const to = access.get(name);
      expect([name, security]).toEqual([name, to === 'everyone' ? undefined : [{ bearer: [] }]]);
      if (security) expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining(['401'])]);
      expect([name, tags.includes('Administration')]).toEqual([name, to === 'admins']);
    }
    expect(Object.keys(api.document.components.securitySchemes)).toEqual(['bearer']);
  });
});

it('the page that shows the description names every operation, and links to the document', async () => {
  const { status, html } = await new Visitor(site.url).visit('/api/docs');
  expect(status).toBe(200);
  expect(linksOf(html)).toContain('/api/v1/openapi.json');
  for (const { operationId, method, path, summary, responses } of api.operations) {
    const article = new RegExp(`<article[^>]* id="${operationId}"[^]*?</article>`).exec(html)?.[0];
    expect(linksOf(html)).toContain(`#${operationId}`);
    for (const words of [method, path, summary.replaceAll("'", '&#x27;'), ...Object.keys(responses)])
      expect(article).toContain(words);
  }
});
