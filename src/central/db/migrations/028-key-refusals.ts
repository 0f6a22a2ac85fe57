/**
 * Cards that refused a kiosk's key are stopped too: with how many tries they have left (-1: the
 * card does not tell), and when that was by the kiosk's clock.
 */
export const keyRefusals = `
ALTER TABLE card_stops ADD COLUMN key_tries bigint;
ALTER TABLE card_stops ADD COLUMN wall_ms bigint`;
