/**
 * What grows with the sales has its distribution column in every unique key (src/central/db/
 * distribution.ts), so that the same schema works on one server and on many.
 */
export const keysForDistribution = `ALTER TABLE ledger DROP CONSTRAINT ledger_pkey, ADD PRIMARY KEY (order_id, entry_id);
ALTER TABLE key_uses DROP CONSTRAINT key_uses_pkey, ADD PRIMARY KEY (card_no, id);
ALTER TABLE held_facts DROP CONSTRAINT held_facts_pkey, ADD PRIMARY KEY (terminal_id, held_no);`;
