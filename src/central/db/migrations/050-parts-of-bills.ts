/** Bills that are paid in parts: until when the late fee is paid. */
export const partsOfBills = `
ALTER TABLE credit_items ADD COLUMN late_since text`;
