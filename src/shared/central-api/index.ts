/**
 * The central billing API, as JSON over HTTP. Each request is signed with the terminal's Ed25519
 * key: headers `Pilotlight-Terminal`, `Pilotlight-Timestamp` (ms), `Pilotlight-Nonce`,
 * `Pilotlight-Signature` = base64 of the signature over
 * `METHOD\nPATH?QUERY\nTIMESTAMP\nNONCE\nhex(SHA-256(body))\n`. Each request has a nonce of its own
 * (1–64 visible characters): one that comes a second time is not carried out again, 409
 * problem(replayed). `Pilotlight-Api` names the version spoken.
 *
 * Each answer, refusals and the time included, is signed with central's answer key and bound to its
 * request (`signedAnswerText`): headers `Pilotlight-Signature` and `Pilotlight-Key`. One that is
 * not counts as none.
 *
 * - `GET /v1/time` → timeAnswer (unsigned requests allowed)
 * - `GET /v1/policy` → signedPolicy (with the versions of tariffs that are announced)
 * - `GET /v1/accounts/by-card/:cardNo` → accountAnswer | 404 problem(unknown-card)
 * - `POST /v1/quotes` → quoteAnswer | 409 problem
 * - `POST /v1/quotes/:orderId/release` → {} (idempotent; gives the carried reserve and the claim back
 *   if the order took no money; a credit order's quote is made void by it)
 * - `POST /v1/orders/:orderId/claim` → claimAnswer | 409
 *   problem(claimed|already-delivered|refund-claimed|counter-claimed|not-in-doubt|not-proven)
 * - `GET /v1/credit/accounts/:userNo` → creditAccountAnswer | 404 problem(unknown-user)
 * - `POST /v1/credit/quotes` → creditQuoteAnswer | 404 problem(unknown-user) | 409
 *   problem(item-taken|contract-changed)
 * - `POST /v1/credit/orders/:orderId/post` → creditWord | 409 problem(not-proven): the payment's
 *   evidence is missing or not believed (yet), nothing was posted and the order is as it was
 * - `POST /v1/credit/orders/:orderId/void` → creditWord (`void`, or what it was before)
 * - `POST /v1/keys` → cardKeyAnswer | 409 problem(key-refused|card-refused)
 * - `GET /v1/orders/by-ref/:ref` → orderStatusAnswer (the twelve digits on a slip)
 * - `GET /v1/ledger?date=YYYY-MM-DD` → ledgerAnswer (the terminal's own money of a China day)
 * - `GET /v1/request-slots?category=ID` → requestSlotsAnswer (half days that are full)
 * - `GET /v1/requests/:ref?last4=DDDD` → requestStatusAnswer (the twelve digits on a slip, and the
 *   end of the telephone number; null for anything else)
 * - `POST /v1/requests/:number/sealed` → sealedTaken (idempotent) | 404 problem(unknown-request) |
 *   409 problem(sealed-mismatch)
 * - `POST /v1/my-account` → myAccountAnswer (of the card in the reader, or of a user number with the
 *   last four digits of the telephone on record; null for anything else)
 * - `POST /v1/heartbeat` → heartbeatAnswer (how the machine stands; a central that does not know it
 *   answers 404, and that is no failure of the line)
 * - `GET /v1/commands` → commandsAnswer
 * - `POST /v1/epochs` → epochAnswer (asks for a new epoch; again and again until it is granted)
 * - `POST /v1/journal` → uploadAnswer | 409 problem(gap|fork|old-epoch)
 *
 * Bodies may be gzip (`Content-Encoding: gzip`); the signature covers the bytes as sent. Errors are
 * RFC 9457 problem+json with a stable `type`.
 */
export * from './base.ts';
export * from './accounts.ts';
export * from './card-keys.ts';
export * from './claims.ts';
export * from './requests.ts';
export * from './credit.ts';
export * from './heartbeat.ts';
export * from './my-account.ts';
export * from './upload.ts';
