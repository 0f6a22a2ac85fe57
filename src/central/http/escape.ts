/** A value as text of a page; null is empty. */
export const escapeHtml = (v: string | number | null): string =>
  v === null ? '' : String(v).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
