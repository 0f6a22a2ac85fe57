/** Refuelling cards: accounts whose money a filling station's pump takes. */
export const fuelCards = `
ALTER TABLE accounts DROP CONSTRAINT accounts_kind_check, ADD CONSTRAINT accounts_kind_check CHECK (kind IN ('gas', 'water', 'heat', 'fuel'))`;
