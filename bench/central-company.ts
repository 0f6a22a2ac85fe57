import { createCentral } from '../src/central/central.ts';
import type { Central } from '../src/central/central.ts';
import type { Db } from '../src/central/db/sql.ts';
import type { SeedAccount, SeedTariff } from '../src/central/fleet/seed.ts';
import { DEMO_DATA } from '../src/demo/central-data.ts';
import { priceAmount } from '../src/shared/money.ts';
import { ed25519Signer } from '../src/shared/signing.ts';
import { AMOUNT_FEN, benchClock, BenchTerminal, edKeys } from './central-terminal.ts';
import type { Batch, CompanyKeys, OfflinePrice } from './central-terminal.ts';
import { quantile } from './report.ts';

/** Two steps, of which nobody here reaches the second: the books check each price by the year's use. */
const TARIFF: SeedTariff = {
  ...(DEMO_DATA.tariffs[0] as SeedTariff),
  tiers: [
    { uptoQuantity: 900_000_000, priceE4: 26_500 },
    { uptoQuantity: null, priceE4: 31_800 },
  ],
};

/** An account and its card by their number, under a hundred million. */
export function account(n: number): SeedAccount {
  const digits = String(n).padStart(8, '0');
  return {
    ...(DEMO_DATA.accounts[0] as SeedAccount),
    cardNo: `88${digits}`,
    userNo: `10${digits}`,
    meterNo: `00${digits}`,
  };
}

/** What every sale offline is priced at. */
export function offlinePrice(): OfflinePrice {
  const { yearQuantity } = DEMO_DATA.accounts[0] as SeedAccount;
  const priced = priceAmount(AMOUNT_FEN, 0, yearQuantity, TARIFF.tiers);
  return {
    quantity: priced.quantity,
    shares: [...priced.shares],
    carriedUsedMicro: 0,
    carriedAfterMicro: priced.remainderMicro,
    tariffId: TARIFF.tariffId,
    tariffVersion: TARIFF.version,
  };
}

/** A central, and terminals that it knows. */
export function company(
  db: Db,
  terminalIds: readonly string[],
  accounts: readonly SeedAccount[],
): { readonly central: Central; readonly terminals: readonly BenchTerminal[] } {
  const policyKeys = edKeys();
  const answerKeys = edKeys();
  const keys: CompanyKeys = {
    policyPublicKeyPem: policyKeys.publicKeyPem,
    answerPublicKeyPem: answerKeys.publicKeyPem,
    answers: ed25519Signer(answerKeys.privateKeyPem),
    gateway: ed25519Signer(edKeys().privateKeyPem),
  };
  const terminals = terminalIds.map((id) => new BenchTerminal(id, keys));
  const central = createCentral({
    ...DEMO_DATA,
    tariffs: [TARIFF],
    db,
    policySigner: ed25519Signer(policyKeys.privateKeyPem),
    answerSigner: keys.answers,
    gatewaySigner: keys.gateway,
    now: () => benchClock.nowMs(),
    claims: [],
    accounts,
    terminals: terminals.map((t) => ({ terminalId: t.id, publicKeyPem: t.publicKeyPem })),
  });
  return { central, terminals };
}

/** The floor's table: the same columns, keys and indexes as central's own. */
export const makeFloor = (db: Db): Promise<void> =>
  db.exec('CREATE TABLE bench_floor (LIKE journal_events INCLUDING ALL)');

/** The floor: a statement for each row, a transaction for each batch. */
async function insert(db: Db, { rows }: Batch): Promise<void> {
  await db.transaction(async (tx) => {
    for (const row of rows)
      await tx.query(
        `INSERT INTO bench_floor
           (terminal_id, epoch, seq, kind, wall_ms, order_id, body, hash, received_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        row,
      );
  });
}

/**
 * As many terminals at once as there are connections, each one's batches in order.
 *
 * @returns how long the floor took, ms
 */
export async function insertAll(
  db: Db,
  connections: number,
  batches: readonly (readonly Batch[])[],
): Promise<number> {
  const waiting = [...batches];
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let own = waiting.shift(); own !== undefined; own = waiting.shift())
        for (const batch of own) await insert(db, batch);
    }),
  );
  return performance.now() - began;
}

export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
