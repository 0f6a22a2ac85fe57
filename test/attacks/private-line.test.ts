import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createBillingClient } from '../../src/billing/client.ts';
import { listen } from '../../src/central/http/listen.ts';
import { loadCentralLine } from '../../src/main/core/central-line.ts';
import { loadPayments } from '../../src/payment/load.ts';
import { createCentral } from '../../src/central/central.ts';
import type { OpenDoor } from '../../src/central/http/listen.ts';
import { json } from '../../src/central/http/request.ts';
import type { CentralRequest } from '../../src/central/http/request.ts';
import type { LoadedConfig } from '../../src/main/config.ts';
import { systemClock, systemRandom } from '../../src/main/ports.ts';
import { DEMO_DATA } from '../../src/demo/central-data.ts';
import { openSqliteDb } from '../../src/simulation/sqlite-db.ts';
import { Keyring } from '../../src/shared/signatures.ts';
import { ed25519Signer, ed25519Verifier } from '../../src/shared/signing.ts';
import { authority, serverCertificate } from '../support/certificates.ts';
import { connectProxy, tlsFront } from '../support/private-network.ts';
import type { ConnectProxy, TlsFront } from '../support/private-network.ts';
import { edKeys } from '../unit/central/harness.ts';

/**
 * A company's private network: an authority of its own, a proxy on the way, and somebody who stands
 * where the proxy does. Real TLS, a real CONNECT, the real clients.
 */
const T = '000000000311';
const company = authority('Company network');
const stranger = authority('Public authority that was talked into it');
const own = edKeys();
const policyKeys = edKeys();
const answerKeys = edKeys();
let folder = '';
let door: OpenDoor;
const reached: CentralRequest[] = [];
const closing: { close: () => void }[] = [];

const central = createCentral({
  db: openSqliteDb(),
  ...DEMO_DATA,
  claims: [],
  policySigner: ed25519Signer(policyKeys.privateKeyPem),
  answerSigner: ed25519Signer(answerKeys.privateKeyPem),
  gatewaySigner: ed25519Signer(answerKeys.privateKeyPem),
  now: () => Date.now(),
  terminals: [{ terminalId: T, publicKeyPem: own.publicKeyPem }],
});
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilotlight-line-'));
  writeFileSync(join(folder, 'company.pem'), company.certPem);
  writeFileSync(join(folder, 'own.pem'), own.privateKeyPem, { mode: 0o600 });
  writeFileSync(join(folder, 'policy.pub.pem'), policyKeys.publicKeyPem);
  await central.open();
  door = await listen((request) => {
    reached.push(request);
    return request.target.startsWith('/v1/payments')
      ? Promise.resolve(json({}))
      : central.handle(request);
  }, {});
});
afterAll(async () => {
  await door.close();
  await central.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  for (const one of closing.splice(0)) one.close();
  reached.length = 0;
});

const front = async (
  by: typeof company,
  hosts = ['localhost'],
  untilMs?: number,
): Promise<TlsFront> => {
  const made = await tlsFront(serverCertificate(by, hosts, untilMs), door.port);
  closing.push(made);
  return made;
};
const proxyOn = async (): Promise<ConnectProxy> => {
  const made = await connectProxy();
  closing.push(made);
  return made;
};
const loaded = (
  baseUrl: string,
  more: { readonly caFile?: string; readonly proxy?: string },
): Pick<LoadedConfig, 'config' | 'path'> => ({
  config: {
    mode: 'production',
    terminalId: T,
    payments: [{ kind: 'gateway' }],
    central: {
      baseUrl,
      keyFile: 'own.pem',
      policyKeyFile: 'policy.pub.pem',
      gatewayKeyFile: 'policy.pub.pem',
      ...more,
    },
  } as LoadedConfig['config'],
  path: (p) => join(folder, p),
});
function clientOf(baseUrl: string, more: Parameters<typeof loaded>[1]) {
  const line = loadCentralLine(loaded(baseUrl, more));
  if (!line.ok) throw new Error(line.error.detail);
  return createBillingClient({
    baseUrl,
    terminalId: T,
    signer: ed25519Signer(own.privateKeyPem),
    policyKeys: new Keyring(ed25519Verifier(policyKeys.publicKeyPem)),
    answerKeys: new Keyring(ed25519Verifier(answerKeys.publicKeyPem)),
    clock: systemClock,
    random: systemRandom,
    timeoutMs: 5_000,
    ...(line.value === undefined ? {} : { send: line.value }),
  });
}

describe('a network of the company’s own', () => {
  it('its authority is believed where terminal.json names it, and not without', async () => {
    const { port } = await front(company);
    const baseUrl = `https://localhost:${port}`;
    expect(await clientOf(baseUrl, {}).time()).toMatchObject({
      ok: false,
      error: { code: 'BILL-0101' },
    });
    expect(reached).toEqual([]);
    const client = clientOf(baseUrl, { caFile: 'company.pem' });
    expect(await client.time()).toMatchObject({ ok: true });
    expect(await client.policy()).toMatchObject({ ok: true });
    // A body goes out as it is, and an answer that is a refusal comes back as one.
    expect(await client.account('0000000000')).toMatchObject({ error: { code: 'SALE-0103' } });
    expect(await client.release('PL-nothing')).toMatchObject({ ok: false });
    expect(reached.at(-1)).toMatchObject({ method: 'POST', body: Buffer.from('{}') });
  });

  it('with it named, no other authority is: whoever got a certificate elsewhere is not central', async () => {
    const there = await front(stranger);
    const client = clientOf(`https://localhost:${there.port}`, { caFile: 'company.pem' });
    expect(await client.time()).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
    expect(await client.account('8800003921')).toMatchObject({ ok: false });
    expect(there.asked).toEqual([]);
    for (const wrong of [
      await front(company, ['another.example']),
      await front(company, ['localhost'], Date.now() - 86_400_000),
    ]) {
      expect(
        await clientOf(`https://localhost:${wrong.port}`, { caFile: 'company.pem' }).time(),
      ).toMatchObject({ ok: false });
      expect(wrong.asked).toEqual([]);
    }
  });

  it('the gateway is reached the same way', async () => {
    const there = await front(company);
    const at = loaded(`https://localhost:${there.port}`, { caFile: 'company.pem' });
    const line = loadCentralLine(at);
    const providers = loadPayments(at.config, folder, {
      clock: systemClock,
      random: systemRandom,
      timeoutMs: 5_000,
      gatewaySend: line.ok ? line.value : undefined,
    });
    if (!providers.ok) throw new Error(providers.error.detail);
    await providers.value[0]?.query({ outTradeNo: 'PROBE', amountFen: 0 });
    expect(there.asked).toEqual(['/v1/payments/query']);
  });

  it('what the file must be is said before anything is sold', () => {
    const at = (text: string, mode = 0o644) => {
      const file = join(folder, 'some.pem');
      writeFileSync(file, text);
      chmodSync(file, mode);
      const line = loadCentralLine(loaded('https://c.example', { caFile: 'some.pem' }));
      return line.ok ? 'taken' : (line.error.detail ?? '');
    };
    const leaf = serverCertificate(company, ['localhost']);
    expect(at(company.certPem + stranger.certPem)).toBe('taken');
    expect(at('')).toContain('no certificate');
    expect(at(leaf.certPem)).toContain('no authority’s');
    expect(at(company.certPem + leaf.keyPem)).toContain('private key');
    expect(at(company.certPem, 0o666)).toContain('chmod go-w');
    expect(at(company.certPem.replace('MII', 'AAA'))).not.toBe('taken');
    chmodSync(join(folder, 'some.pem'), 0o644);
  });
});

describe('a proxy on the way', () => {
  it('hears where to, and no more; user and password go to it alone', async () => {
    const proxy = await proxyOn();
    const { port } = await front(company);
    const client = clientOf(`https://localhost:${port}`, {
      caFile: 'company.pem',
      proxy: `http://kiosk:secret@127.0.0.1:${proxy.port}`,
    });
    expect(await client.policy()).toMatchObject({ ok: true });
    expect(proxy.asked[0]).toEqual({
      to: `localhost:${port}`,
      by: `Basic ${Buffer.from('kiosk:secret').toString('base64')}`,
    });
    expect(reached[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  it('that leads elsewhere, with another certificate, gets nothing to read and nothing believed', async () => {
    const proxy = await proxyOn();
    const rogue = await front(stranger);
    const { port } = await front(company);
    proxy.divertTo = rogue.port;
    const client = clientOf(`https://localhost:${port}`, {
      caFile: 'company.pem',
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    expect(await client.account('8800003921')).toMatchObject({
      ok: false,
      error: { code: 'BILL-0101' },
    });
    expect(proxy.asked).toHaveLength(1);
    expect(rogue.asked).toEqual([]);
    expect(reached).toEqual([]);
  });

  it('that refuses is not gone around', async () => {
    const proxy = await proxyOn();
    const { port, asked } = await front(company);
    proxy.refuses = true;
    const client = clientOf(`https://localhost:${port}`, {
      caFile: 'company.pem',
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    const answer = await client.time();
    expect(answer).toMatchObject({ ok: false, error: { code: 'BILL-0101' } });
    expect(answer.ok ? '' : answer.error.detail).toContain('407');
    expect(asked).toEqual([]);
  });
});

describe('an answer without an end, over the private line', () => {
  it('is given up as soon as it is too large', async () => {
    const piece = 'x'.repeat(1 << 16);
    let sent = 0;
    const { createServer } = await import('node:https');
    const { certPem: cert, keyPem: key } = serverCertificate(company, ['localhost']);
    const server = createServer({ cert, key }, (_request, answer) => {
      const more = (): void => {
        while (sent < 256 << 20) {
          sent += piece.length;
          if (!answer.write(piece)) return void answer.once('drain', more);
        }
        answer.end();
      };
      more();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closing.push({ close: () => void (server.closeAllConnections(), server.close()) });
    const { port } = server.address() as { port: number };
    const client = clientOf(`https://localhost:${port}`, { caFile: 'company.pem' });
    expect(await client.time()).toMatchObject({ ok: false, error: { code: 'BILL-0102' } });
    expect(sent).toBeLessThan(64 << 20);
  });
});
