// Makes an OpenAPI 3.1 document of a table of routes with zod schemas.
import { z } from 'zod';

/**
 * @param names schemas that stand under a name of their own in `components`
 * @returns the registry of zod that refers to them
 */
function registryOf(names) {
  const registry = z.registry();
  for (const [id, schema] of Object.entries(names)) registry.add(schema, { id });
  return registry;
}

/**
 * JSON Schema 2020-12 without what only stands at a document's root. What travels is the input
 * side.
 */
function bare(schema) {
  const { $schema: _, $id: __, id: ___, ...rest } = schema;
  return rest;
}
const inline = (schema) => bare(z.toJSONSchema(schema, { io: 'input' }));

/**
 * `request: {...}` as a name and every named schema once under `components.schemas`.
 *
 * @param names by the name under which they stand
 */
function componentsOf(names) {
  const { schemas } = z.toJSONSchema(registryOf(names), {
    io: 'input',
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(
    Object.keys(schemas)
      .toSorted()
      .map((id) => [id, bare(schemas[id])]),
  );
}

const ref = (name) => ({ $ref: `#/components/schemas/${name}` });
const pathOf = (path) => path.replace(/:([A-Za-z]+)/g, '{$1}');
const idOf = ({ method, path }) =>
  `${method.toLowerCase()}${path
    .replace(/^\/v1/, '')
    .split(/[/:-]/)
    .filter((part) => part !== '')
    .map((part) => part[0].toUpperCase() + part.slice(1))
    .join('')}`;

/** Parameters of the path, then of the query. */
function parametersOf(route) {
  const inPath = [...route.path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    ...(route.parts?.[name] === undefined
      ? { schema: { type: 'string' } }
      : { description: route.parts[name].says, schema: inline(route.parts[name].schema) }),
  }));
  // A table's query is a schema of all of it, or what is said of each of its parts.
  if (route.query?.def?.type === 'object')
    return [
      ...inPath,
      ...Object.entries(route.query.shape).map(([name, value]) => ({
        name,
        in: 'query',
        required: !value.safeParse(undefined).success,
        schema: inline(value),
      })),
    ];
  const inQuery = Object.entries(route.query ?? {}).map(([name, value]) => ({
    name,
    in: 'query',
    required: true,
    description: value.says,
    schema: inline(value.schema),
  }));
  return [...inPath, ...inQuery];
}

/**
 * @param doc `title`, `description`, `routes` (method, path, summary, says?, request, answer, …),
 *   `names`: schemas by name · `security`: schemes by name · `secured(route)`: which of them a
 *   route asks for · `refusals(route)`: answers beside 200, by status · `answerHeaders(route)` ·
 *   `more`: what else stands at its root
 * @returns the document, ready for JSON
 */
export function openApi(doc) {
  const byName = new Map(Object.entries(doc.names).map(([name, schema]) => [schema, name]));
  const named = { ...doc.names };
  const nameOf = (schema, wanted) => {
    const known = byName.get(schema);
    if (known !== undefined) return known;
    byName.set(schema, wanted);
    named[wanted] = schema;
    return wanted;
  };
  const paths = {};
  for (const route of doc.routes) {
    const operationId = idOf(route);
    const stem = operationId[0].toUpperCase() + operationId.slice(1);
    const parameters = [...parametersOf(route), ...(doc.parameters?.(route) ?? [])];
    const headers = doc.answerHeaders?.(route);
    const operation = {
      operationId,
      summary: route.summary,
      ...(route.says === undefined ? {} : { description: route.says }),
      ...(route.roles === undefined ? {} : { 'x-roles': [...route.roles] }),
      ...(doc.secured === undefined ? {} : { security: doc.secured(route) }),
      ...(parameters.length === 0 ? {} : { parameters }),
      ...(route.request === null
        ? {}
        : {
            requestBody: {
              required: true,
              content: {
                'application/json': { schema: ref(nameOf(route.request, `${stem}Body`)) },
              },
            },
          }),
      responses: {
        200: {
          description: doc.answerSays?.(route) ?? 'Done.',
          ...(headers === undefined ? {} : { headers }),
          content: { 'application/json': { schema: ref(nameOf(route.answer, `${stem}Answer`)) } },
        },
        ...doc.refusals?.(route),
      },
    };
    (paths[pathOf(route.path)] ??= {})[route.method.toLowerCase()] = operation;
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: doc.title,
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
      description: doc.description,
    },
    servers: [{ url: doc.server ?? 'https://central.example.com' }],
    ...doc.more,
    paths,
    components: {
      ...(doc.security === undefined ? {} : { securitySchemes: doc.security }),
      ...doc.components,
      schemas: componentsOf(named),
    },
  };
}
