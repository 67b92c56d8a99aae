import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { randomUUID } from 'node:crypto';
import type { TestApp } from './app.js';
import type { Script } from './people.js';

interface Described {
  readonly description?: string;
  readonly content?: Record<string, { schema: object }>;
}

/** One operation of the API, as the description has it. */
export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tags: string[];
  readonly parameters?: { name: string; in: string; required: boolean; schema: object }[];
  readonly requestBody?: Described;
  readonly responses: Record<string, Described>;
  readonly security?: Record<string, string[]>[];
}

interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly servers: { url: string }[];
  readonly tags: { name: string }[];
  readonly paths: Record<string, Record<string, Omit<Operation, 'method' | 'path'>>>;
  readonly components: { schemas: Schemas; securitySchemes: Record<string, object> };
}

type Schemas = Record<string, { properties?: object }>;

/** What somebody calls an operation with: a stranger where nobody is named, nothing where nothing is. */
export interface Call {
  readonly by?: Script | undefined;
  /** What stands in the path; where it is not given, an id that nothing has. */
  readonly id?: string;
  /** What stands in a second place. */
  readonly secondId?: string;
  readonly query?: string;
  readonly json?: object;
  /** A body as it is, in place of `json`. */
  readonly body?: string | FormData;
  readonly headers?: Record<string, string>;
}

/** The API by its own description: operations are called by name, and each answer must be one that is described. */
export class DescribedApi {
  readonly operations: readonly Operation[];
  private readonly ajv: Ajv2020;

  private constructor(
    private readonly url: string,
    readonly document: Document,
    private readonly seen: Set<string>,
  ) {
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
    );
    this.ajv = validatorFor(closed(document.components.schemas));
  }

  /** Reads the description that a site gives. What is seen is noted in `seen`, as `login 200`. */
  static async of({ url }: TestApp, seen = new Set<string>()): Promise<DescribedApi> {
    const answer = await fetch(new URL('/api/v1/openapi.json', url));
    return new DescribedApi(url, (await answer.json()) as Document, seen);
  }

  find(operationId: string): Operation {
    const found = this.operations.find((operation) => operation.operationId === operationId);
    if (!found) throw new Error(`There is no operation ${operationId}.`);
    return found;
  }

  /** The fields that an operation takes in its body. */
  fieldsOf({ requestBody }: Operation): string[] {
    const { $ref = '' } = (requestBody?.content?.['application/json']?.schema ?? {}) as { $ref?: string };
    return Object.keys(this.document.components.schemas[$ref.split('/').at(-1) ?? '']?.properties ?? {});
  }

  /**
   * Calls an operation, and tells the status that it answered.
   *
   * @throws Error where that status, or what came with it, is not described; or where something is done with a body
   * that is not.
   */
  async call(operationId: string, call: Call): Promise<number> {
    const operation = this.find(operationId);
    const answer = await this.send(operation, call);
    const { status } = answer;
    const described = operation.responses[status];
    if (!described) throw new Error(`${operationId} does not name ${status}: ${await answer.text()}`);
    // what HEAD would have sent is only announced
    const content = operation.method === 'HEAD' ? undefined : described.content;
    await this.check(`${operationId} ${status}`, content, answer);
    if (answer.ok && call.json)
      this.validate(operationId, operation.requestBody?.content?.['application/json']?.schema, call.json);
    this.seen.add(`${operationId} ${status}`);
    return status;
  }

  private send({ method, path }: Operation, call: Call) {
    const { by, id = randomUUID(), secondId = randomUUID(), query, json, body, headers } = call;
    const sent = body ?? (json && JSON.stringify(json));
    const filled = path.replace(/\{\w+\}/, id).replace(/\{\w+\}/, secondId);
    return fetch(new URL(`${filled}${query ? `?${query}` : ''}`, this.url), {
      method,
      headers: {
        ...(typeof sent === 'string' && { 'content-type': 'application/json' }),
        ...(by?.token !== undefined && { authorization: `Bearer ${by.token}` }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
    });
  }

  private async check(what: string, content: Described['content'], answer: Response): Promise<void> {
    if (!content) {
      const text = await answer.text();
      if (text !== '') throw new Error(`${what} has a body that is not described: ${text}`);
      return;
    }
    const contentType = answer.headers.get('content-type')?.split(';', 1)[0] ?? '';
    const schema = (content[contentType] ?? content['*/*'])?.schema;
    if (schema && 'format' in schema && schema.format === 'binary') await answer.arrayBuffer();
    else if (contentType.startsWith('text/')) this.validate(`${what} as ${contentType}`, schema, await answer.text());
    else this.validate(`${what} as ${contentType}`, schema, await answer.json());
  }

  private validate(what: string, schema: object | undefined, value: unknown): void {
    if (!schema) throw new Error(`${what} is not described.`);
    const isValid = this.ajv.compile(closed(schema));
    if (!isValid(value)) throw new Error(`${what}: ${this.ajv.errorsText(isValid.errors)} in ${JSON.stringify(value)}`);
  }
}

/** A strict validator of the JSON Schema that OpenAPI 3.1 is written in, which knows a document's schemas. */
export function validatorFor(schemas: Schemas): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  addFormats.default(ajv);
  // annotations that OpenAPI adds to JSON Schema
  ajv.addVocabulary(['example', 'discriminator', 'xml', 'externalDocs']);
  for (const [name, schema] of Object.entries(schemas)) ajv.addSchema(schema, `#/components/schemas/${name}`);
  return ajv;
}

/** The same schema, which lets nothing pass that it does not name, however deep. */
function closed<Schema>(schema: Schema): Schema {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed) as Schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed<unknown>(value)]));
  return ('properties' in inner ? { ...inner, unevaluatedProperties: false } : inner) as Schema;
}
