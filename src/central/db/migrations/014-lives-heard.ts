/** When the database had heard a terminal for the last time, as it was first seen in each history. */
export const livesHeard = `
ALTER TABLE database_lives ADD COLUMN heard_ms bigint`;
