import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, hash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { terminalApi } from '../../../src/central/terminal-api.ts';
import type { TerminalApiParts } from '../../../src/central/terminal-api.ts';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { TERMINAL_API } from '../../../src/shared/central-api/routes.ts';
import { PROBLEM_PREFIX } from '../../../src/shared/central-api/index.ts';
import { EVENTS } from '../../../src/shared/facts/catalogue.ts';
import { GATEWAY_PATH, GATEWAY_VERBS } from '../../../src/shared/gateway-api.ts';
import { GATEWAY_API } from '../../../src/shared/gateway-routes.ts';
import { eventHash, genesisHash, headText } from '../../../src/shared/journal-hash.ts';
import { signText } from '../../../src/shared/signatures.ts';
import { requestText, signedAnswerText } from '../../../src/shared/signed-request.ts';
import { ed25519Signer } from '../../../src/shared/signing.ts';
import { checkAnswer } from '../../support/checked-answers.ts';

const at = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const FOLDER = at('docs/api/');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.openapi.json'));

describe('docs/api', () => {
  test('is up to date (node scripts/openapi.mjs)', () => {
    const check = spawnSync(process.execPath, [at('scripts/openapi.mjs'), '--check'], {
      encoding: 'utf8',
    });
    expect([check.status, check.stderr]).toEqual([0, '']);
  });

  test.each(FILES)('%s is OpenAPI 3.1, and every reference in it leads somewhere', async (name) => {
    const document = JSON.parse(readFileSync(FOLDER + name, 'utf8')) as Record<string, unknown>;
    const validator = new Validator();
    const result = await validator.validate(document);
    expect([result.valid, result.errors]).toEqual([true, undefined]);
    expect(validator.version).toBe('3.1');
    // Each operation has a name of its own, by which clients are generated.
    const names = [...JSON.stringify(document).matchAll(/"operationId":"([^"]+)"/g)].map(
      ([, id]) => id,
    );
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
  });

  test('the validator would say so', async () => {
    const document = JSON.parse(readFileSync(`${FOLDER}terminal.openapi.json`, 'utf8')) as {
      paths: Record<string, { get?: Record<string, unknown> }>;
    };
    delete document.paths['/v1/time']?.get?.['responses'];
    Object.assign(document.paths['/v1/policy']?.get ?? {}, { parameters: 'none' });
    const result = await new Validator().validate(document);
    expect(result.valid).toBe(false);
  });

  test('a table of the staff API’s form becomes such a document too, roles and all', async () => {
    const { openApi } = (await import(at('scripts/lib/openapi.mjs'))) as {
      openApi: (doc: unknown) => Record<string, unknown>;
    };
    const terminal = z.object({ id: z.string(), name: z.string().nullable() });
    const document = openApi({
      title: 'staff',
      description: '',
      routes: [
        {
          method: 'GET',
          path: '/v1/staff/terminals/:id',
          summary: 'One terminal',
          roles: ['viewer', 'engineer'],
          request: null,
          answer: terminal,
        },
        {
          method: 'POST',
          path: '/v1/staff/terminals/:id/revoke',
          summary: 'Revokes it at once',
          roles: ['engineer'],
          request: z.object({ why: z.string().min(1) }),
          answer: z.object({ terminal }),
        },
      ],
      names: { Terminal: terminal },
      security: { token: { type: 'http', scheme: 'bearer' } },
      secured: () => [{ token: [] }],
    });
    const result = await new Validator().validate(document);
    expect([result.valid, result.errors]).toEqual([true, undefined]);
    expect(document).toMatchObject({
      paths: {
        '/v1/staff/terminals/{id}': {
          get: {
            operationId: 'getStaffTerminalsId',
            'x-roles': ['viewer', 'engineer'],
            parameters: [{ name: 'id', in: 'path' }],
          },
        },
        '/v1/staff/terminals/{id}/revoke': { post: { security: [{ token: [] }] } },
      },
      components: { schemas: { Terminal: { type: 'object' } } },
    });
  });

  test('every kind of fact has its schema', () => {
    const document = JSON.parse(readFileSync(`${FOLDER}terminal.openapi.json`, 'utf8')) as {
      'x-facts': Record<string, { $ref: string }>;
      components: { schemas: Record<string, unknown> };
    };
    expect(Object.keys(document['x-facts'])).toEqual(Object.keys(EVENTS));
    for (const { $ref } of Object.values(document['x-facts']))
      expect(document.components.schemas).toHaveProperty([$ref.split('/').at(-1) ?? '']);
  });
});

describe('the tables of routes', () => {
  // Routes are made of closures: nothing of the parts is used before a request comes.
  const routes = terminalApi({ payments: {}, publicKeys: {} } as TerminalApiParts);
  const shape = ({ method, path }: { method: string; path: string }) =>
    `${method} ${path.replaceAll(/:[A-Za-z]+/g, ':')}`;

  test('name what central’s router answers, no more and no less', () => {
    expect(TERMINAL_API.map(shape).toSorted()).toEqual(
      routes
        .map(shape)
        .filter((one) => one !== `POST ${GATEWAY_PATH}:`)
        .toSorted(),
    );
    expect(routes.map(shape)).toContain(`POST ${GATEWAY_PATH}:`);
  });

  test('name every verb of the gateway', () => {
    expect(GATEWAY_API.map((route) => route.path)).toEqual(
      GATEWAY_VERBS.map((verb) => `${GATEWAY_PATH}${verb}`),
    );
  });
});

describe('what the unit tests hold each answer of central against', () => {
  const time = (body: unknown, status = 200) =>
    checkAnswer('GET', '/v1/time', status, JSON.stringify(body));
  const problem = (name: string, status: number) => ({
    type: `${PROBLEM_PREFIX}${name}`,
    title: name,
    status,
  });
  test('a field too many, one too few, a refusal or a status that is not promised, a route that is not there', () => {
    time({ serverTimeMs: 1 });
    expect(() => time({ serverTimeMs: 1, zone: 'UTC' })).toThrow();
    expect(() => time({})).toThrow();
    time(problem('bad-request', 400), 400);
    expect(() => time(problem('bad-request', 400), 409)).toThrow();
    expect(() => time(problem('debt', 409), 409)).toThrow();
    expect(() => checkAnswer('GET', '/v1/nothing', 200, '{}')).toThrow();
  });
});

describe('the worked example of docs/api/README.md', () => {
  const text = readFileSync(`${FOLDER}README.md`, 'utf8');
  const blocks = [...text.matchAll(/```\n([\s\S]*?)\n```/g)].map(([, block = '']) => block);
  const seeds = [...text.matchAll(/seed `([0-9a-f]{64})`/g)].map(([, seed = '']) => seed);
  /** RFC 8410, section 7: a private key is its 32 bytes behind this. */
  const keyOf = (seed = ''): KeyObject =>
    createPrivateKey({
      key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
      format: 'der',
      type: 'pkcs8',
    });
  const signed = (seed: string | undefined, covered: string) =>
    signText(
      ed25519Signer(keyOf(seed).export({ type: 'pkcs8', format: 'pem' }) as string),
      covered,
    );
  const [terminal, central] = seeds;
  const [
    publicKey,
    body = '',
    covered = '',
    headers = '',
    answer = '',
    answerCovered = '',
    answerHeaders = '',
    genesis = '',
    fact = '',
    factHash = '',
    headSig = '',
  ] = blocks;
  const header = (of: string, name: string) =>
    new RegExp(`^${name}: (.*)$`, 'm').exec(of)?.[1] ?? '';
  const mark = {
    method: 'POST',
    target: '/v1/quotes',
    timestamp: header(headers, 'Pilotlight-Timestamp'),
    nonce: header(headers, 'Pilotlight-Nonce'),
    body: Buffer.from(body),
  };

  test('of a request', () => {
    const spki = createPublicKey(keyOf(terminal)).export({ type: 'spki', format: 'der' });
    expect(publicKey).toBe(spki.toString('base64'));
    expect(text).toContain(`SHA-256 is \`${hash('sha256', body, 'hex')}\``);
    expect(requestText(mark)).toBe(`${covered}\n`);
    expect(header(headers, 'Pilotlight-Signature')).toBe(
      signed(terminal, `${covered}\n`).signature,
    );
  });

  test('of an answer', () => {
    const said = {
      terminalId: header(headers, 'Pilotlight-Terminal'),
      method: mark.method,
      target: mark.target,
      nonce: mark.nonce,
      asked: mark.body,
      status: 404,
      body: Buffer.from(answer),
    };
    expect(signedAnswerText(said)).toBe(`${answerCovered}\n`);
    expect(signed(central, `${answerCovered}\n`)).toEqual({
      signature: header(answerHeaders, 'Pilotlight-Signature'),
      keyId: header(answerHeaders, 'Pilotlight-Key'),
    });
  });

  test('of a fact', () => {
    const event = JSON.parse(fact) as Parameters<typeof eventHash>[1];
    expect(canonicalJson(event)).toBe(fact);
    expect(genesisHash('000000000311', 1)).toBe(genesis);
    expect(eventHash(genesis, event)).toBe(factHash);
    expect(text).toContain(`\`${headText(1, 1, factHash)}\``);
    expect(signed(terminal, headText(1, 1, factHash)).signature).toBe(headSig);
  });
});
