/**
 * How a posting stands with the company's own account book: sent once, under the reference that was
 * stored before; what it said last; and two persons' word where it cannot be asked.
 */
export const accountBook = `
ALTER TABLE postings ADD COLUMN book_manner text;
ALTER TABLE postings ADD COLUMN book_sent_ms bigint;
ALTER TABLE postings ADD COLUMN book_look_ms bigint;
ALTER TABLE postings ADD COLUMN book_said text;
ALTER TABLE postings ADD COLUMN voucher text;
ALTER TABLE postings ADD COLUMN asked text;
ALTER TABLE postings ADD COLUMN asked_voucher text;
ALTER TABLE postings ADD COLUMN asked_who text;
ALTER TABLE postings ADD COLUMN asked_why text;
ALTER TABLE postings ADD COLUMN decided_who text;
ALTER TABLE postings ADD COLUMN decided_why text;
CREATE INDEX postings_look ON postings (book_look_ms) WHERE state = 'posting'`;
