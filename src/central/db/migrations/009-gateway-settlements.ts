/**
 * What persons did about captures that the gateway could not hand back by itself. Never changed: it
 * is the audit.
 */
export const gatewaySettlements = `
CREATE TABLE gateway_settlements (
  entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  leg text NOT NULL REFERENCES gateway_legs,
  -- again: the gateway is to try once more by itself. The others end it.
  outcome text NOT NULL CHECK (outcome IN ('refunded', 'paid-out', 'nothing-due', 'again')),
  reference text NOT NULL,
  who text NOT NULL,
  why text NOT NULL,
  at_ms bigint NOT NULL
);
CREATE UNIQUE INDEX gateway_settled_once ON gateway_settlements (leg) WHERE outcome <> 'again';
CREATE FUNCTION gateway_settlements_are_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''settlements are append-only''; END';
CREATE TRIGGER gateway_settlements_append_only BEFORE UPDATE OR DELETE ON gateway_settlements FOR EACH ROW EXECUTE FUNCTION gateway_settlements_are_append_only();`;
