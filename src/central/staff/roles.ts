/**
 * What people at central are. `viewer` sees · `clerk` answers customers and proposes · `finance`
 * decides where money goes · `engineer` looks after terminals and keys · `administrator` sees what
 * everybody did, and stands in for the engineer. Money is finance's alone.
 */
export const ROLES = ['viewer', 'clerk', 'finance', 'engineer', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/**
 * What of a token's roles counts: those that its owner has too; `viewer` with any, since whoever
 * has a role sees what a viewer does.
 */
export const countingRoles = (token: readonly Role[], own: readonly Role[]): readonly Role[] =>
  token.filter((role) => own.includes(role) || (role === 'viewer' && own.length > 0));

const EVERYONE: readonly Role[] = ROLES;
const MONEY: readonly Role[] = ['finance'];
const PROPOSES: readonly Role[] = ['clerk', 'finance'];
const MACHINES: readonly Role[] = ['engineer', 'administrator'];
const CUSTOMERS: readonly Role[] = ['clerk', 'finance', 'administrator'];
const REQUESTS: readonly Role[] = ['clerk', 'engineer'];
const BOOKS: readonly Role[] = ['finance', 'engineer', 'administrator'];
const AUDIT: readonly Role[] = ['finance', 'administrator'];

/**
 * Who may see and do what, for every page, form and call of the staff's door. What is not here,
 * nobody may (test/unit/central/staff-walk.test.ts). Pages of one's own log-in are everybody's.
 */
export const ACCESS: Readonly<Record<string, readonly Role[]>> = {
  'GET /': EVERYONE,
  'GET /console/start': EVERYONE,
  'GET /console/overview': ['clerk', 'finance', 'engineer', 'administrator'],
  'GET /console/data.json': CUSTOMERS,
  'GET /console/reconcile': EVERYONE,
  'GET /console/terminals': EVERYONE,
  'GET /console/terminal': EVERYONE,
  'POST /console/terminal': MACHINES,
  'POST /console/key': MACHINES,
  'POST /console/alarm': MACHINES,
  'GET /console/epoch': EVERYONE,
  'POST /console/epoch': MACHINES,
  'GET /console/money': EVERYONE,
  'GET /console/held-facts': EVERYONE,
  'GET /console/quarantine': BOOKS,
  'POST /console/quarantine': BOOKS,
  'GET /console/held': BOOKS,
  'POST /console/held': BOOKS,
  'GET /console/payment': AUDIT,
  'POST /console/payment': MONEY,
  'GET /console/by-hand': PROPOSES,
  'POST /console/by-hand': MONEY,
  'GET /console/adopt': PROPOSES,
  'POST /console/adopt': PROPOSES,
  'GET /console/adopted': EVERYONE,
  'GET /console/refund-budget': AUDIT,
  'POST /console/refund-budget': MONEY,
  'GET /console/budgets': EVERYONE,
  'GET /console/evidence': BOOKS,
  'POST /console/evidence': BOOKS,
  'GET /console/card': CUSTOMERS,
  'POST /console/card': PROPOSES,
  'GET /console/company': CUSTOMERS,
  'GET /console/company/purchase': CUSTOMERS,
  'POST /console/company/purchase': PROPOSES,
  'GET /console/finding': BOOKS,
  'POST /console/finding': BOOKS,
  'GET /console/chip': CUSTOMERS,
  'POST /console/chip': PROPOSES,
  'GET /console/refund': CUSTOMERS,
  'POST /console/refund': MONEY,
  'GET /console/credit': CUSTOMERS,
  'GET /console/credit/item': CUSTOMERS,
  'POST /console/credit/item': PROPOSES,
  'GET /console/credit/posting': CUSTOMERS,
  'POST /console/credit/posting': MONEY,
  'GET /console/credit/book-file': AUDIT,
  'GET /console/credit/meter': REQUESTS,
  'POST /console/credit/meter': REQUESTS,
  'GET /console/credit/settlement': EVERYONE,
  'GET /console/credit/acts': CUSTOMERS,
  'GET /console/credit/act': CUSTOMERS,
  'POST /console/credit/move': PROPOSES,
  'POST /console/credit/grant': PROPOSES,
  'POST /console/credit/act': MONEY,
  'GET /console/card-grants': CUSTOMERS,
  'GET /console/card-grant': CUSTOMERS,
  'POST /console/card-grants': PROPOSES,
  'POST /console/card-grant': MONEY,
  'GET /console/invoices': CUSTOMERS,
  'GET /console/invoice': CUSTOMERS,
  'POST /console/invoice': MONEY,
  'GET /console/sms': EVERYONE,
  'GET /console/requests': EVERYONE,
  'GET /console/request': REQUESTS,
  'POST /console/request': REQUESTS,
  'GET /console/proposals': EVERYONE,
  'GET /console/proposal': EVERYONE,
  // Besides, whoever decides must be allowed what is decided.
  'POST /console/proposal': ['clerk', 'finance', 'engineer', 'administrator'],
  'GET /console/alarms': EVERYONE,
  'GET /console/audit': AUDIT,
  'GET /api/v1/session': EVERYONE,
  'GET /api/v1/terminals': EVERYONE,
  'GET /api/v1/terminals/:terminal': EVERYONE,
  'POST /api/v1/terminals/:terminal/status': MACHINES,
  'GET /api/v1/orders/:order': CUSTOMERS,
  'GET /api/v1/orders': CUSTOMERS,
  'GET /api/v1/requests': EVERYONE,
  'POST /api/v1/requests/:number/answer': REQUESTS,
  'GET /api/v1/money/parked': EVERYONE,
  'GET /api/v1/money/held': EVERYONE,
  'GET /api/v1/refunds': EVERYONE,
  'GET /api/v1/proposals': EVERYONE,
  'GET /api/v1/audit': AUDIT,
};

/** May one with these roles use it? `method` and `path` as the route has them. */
export const mayUse = (roles: readonly Role[], method: string, path: string): boolean =>
  (Object.hasOwn(ACCESS, `${method} ${path}`) ? ACCESS[`${method} ${path}`] : undefined)?.some(
    (role) => roles.includes(role),
  ) ?? false;

/** Roles as a row keeps them; what is none is left out. */
export const rolesOf = (text: string): readonly Role[] =>
  ROLES.filter((role) => text.split(',').includes(role));
