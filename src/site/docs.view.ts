import type { OpenAPIObject } from '@nestjs/swagger';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Schemas[string];
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

const methods = ['options', 'get', 'head', 'post', 'put', 'patch', 'delete'] as const;

/** Turns the OpenAPI description into what the docs page shows: operations by tag, with their fields and answers. */
export function presentDocs({ info, servers, tags, paths, components }: OpenAPIObject) {
  const schemas = components?.schemas ?? {};
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method];
      return operation
        ? [{ tag: operation.tags?.[0] ?? 'Others', ...presentOperation(method, path, operation, schemas) }]
        : [];
    }),
  );
  const described = new Map(tags?.map(({ name, description }) => [name, description]));
  // a controller may use a tag that has no description
  const names = new Set([...described.keys(), ...operations.map(({ tag }) => tag)]);
  return {
    version: info.version,
    baseUrl: servers?.[0]?.url ?? '',
    groups: [...names].map((name) => ({
      name,
      description: described.get(name),
      operations: operations.filter(({ tag }) => tag === name),
    })),
  };
}

function presentOperation(method: string, path: string, operation: Operation, schemas: Schemas) {
  return {
    id: operation.operationId,
    method: method.toUpperCase(),
    path,
    summary: operation.summary,
    description: operation.description,
    access: operation.security?.length ? 'member' : 'public',
    parameters: (operation.parameters ?? []).flatMap((parameter) =>
      '$ref' in parameter
        ? []
        : [
            {
              name: parameter.name,
              in: parameter.in,
              required: parameter.required,
              description: parameter.description,
              type: typeOf(parameter.schema),
            },
          ],
    ),
    body: fieldsOf(contentSchema(operation.requestBody), schemas),
    responses: Object.entries(operation.responses).map(([status, response]) => ({
      status,
      description: response && 'description' in response ? response.description : '',
      type: typeOf(contentSchema(response)),
    })),
  };
}

function contentSchema(holder: object | undefined): Schema | undefined {
  const content = (holder as { content?: Record<string, { schema?: Schema }> } | undefined)?.content;
  return content && Object.values(content)[0]?.schema;
}

function fieldsOf(schema: Schema | undefined, schemas: Schemas) {
  const resolved = schema && '$ref' in schema ? schemas[nameOf(schema.$ref)] : schema;
  if (!resolved || '$ref' in resolved) return [];
  return Object.entries(resolved.properties ?? {}).map(([name, field]) => ({
    name,
    required: resolved.required?.includes(name) ?? false,
    type: typeOf(field),
    description: '$ref' in field ? undefined : field.description,
  }));
}

const nameOf = (reference: string) => reference.split('/').at(-1) ?? reference;

function typeOf(schema: Schema | undefined): string | undefined {
  if (!schema) return undefined;
  if ('$ref' in schema) return nameOf(schema.$ref);
  return [[schema.type].flat().join(' or '), schema.format].filter(Boolean).join(', ');
}
