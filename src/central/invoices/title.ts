/**
 * What a buyer's title has to be, before a provider sees it: names as GBK takes them, and tax
 * numbers (services.md section 6; GB 32100-2015 for the credit code).
 */

/** Whose invoice it is. A person needs no number, a company always does. */
export interface Buyer {
  readonly kind: 'person' | 'company';
  readonly name: string;
  readonly taxNo: string | null;
}

/** What is wrong with a title; the page says it in words. */
export type TitleFault =
  | 'name-missing'
  | 'name-long'
  | 'name-signs'
  | 'tax-missing'
  | 'tax-form'
  | 'tax-check';

/** A person who gives no name is called so. */
export const NO_NAME = '个人';
/** A title's greatest length on an invoice, in bytes of GBK. */
const MAX_NAME_BYTES = 100;

/** A title as it was typed, as it goes out; or what is wrong with it. */
export function readTitle(typed: {
  readonly kind: string;
  readonly name: string;
  readonly taxNo: string;
}): Buyer | TitleFault {
  const name = typed.name.trim().replaceAll(/\s+/gu, ' ');
  const company = typed.kind === 'company';
  if (company && name === '') return 'name-missing';
  const bytes = gbkBytes(name);
  if (bytes === null || /[<>]/.test(name)) return 'name-signs';
  if (bytes > MAX_NAME_BYTES) return 'name-long';
  if (!company) return { kind: 'person', name: name === '' ? NO_NAME : name, taxNo: null };
  // Phones type full-width digits and spaces.
  const taxNo = typed.taxNo.normalize('NFKC').replaceAll(/\s+/gu, '').toUpperCase();
  if (taxNo === '') return 'tax-missing';
  const fault = taxFault(taxNo);
  return fault ?? { kind: 'company', name, taxNo };
}

/** What is wrong with a company's tax number; null: nothing that can be seen. */
export function taxFault(taxNo: string): 'tax-form' | 'tax-check' | null {
  if (!/^[0-9A-Z]{15,20}$/.test(taxNo)) return 'tax-form';
  return taxNo.length === CODE_LENGTH && !isCreditCode(taxNo) ? 'tax-check' : null;
}

const CODE_LENGTH = 18;
/** GB 32100: 31 signs, without I, O, S, V and Z, which are taken for digits. */
const CODE_SIGNS = '0123456789ABCDEFGHJKLMNPQRTUWXY';

/** A unified social credit code whose check character fits: weights 3^i modulo 31. */
export function isCreditCode(code: string): boolean {
  const values = [...code].map((sign) => CODE_SIGNS.indexOf(sign));
  if (values.length !== CODE_LENGTH || values.includes(-1)) return false;
  let weight = 1;
  let sum = 0;
  for (const value of values.slice(0, -1)) {
    sum += value * weight;
    weight = (weight * 3) % CODE_SIGNS.length;
  }
  const check = (CODE_SIGNS.length - (sum % CODE_SIGNS.length)) % CODE_SIGNS.length;
  return values.at(-1) === check;
}

/** So many bytes of GBK; null: it has a sign that GBK has not. */
export function gbkBytes(text: string): number | null {
  let bytes = 0;
  for (const sign of text) {
    if (/^[ -~]$/.test(sign)) bytes += 1;
    else if (gbkSigns().has(sign)) bytes += 2;
    else return null;
  }
  return bytes;
}

let known: ReadonlySet<string> | null = null;
/** All that GBK writes with two bytes, as the platform's decoder has it; made at its first use. */
function gbkSigns(): ReadonlySet<string> {
  if (known !== null) return known;
  const decoder = new TextDecoder('gbk');
  const signs = new Set<string>();
  for (let lead = 0x81; lead <= 0xfe; lead++)
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const sign = decoder.decode(Uint8Array.of(lead, trail));
      // One whole sign that a font has: no halves, no private ones.
      if ([...sign].length === 1 && !/[\uFFFD\p{Co}\p{C}]/u.test(sign)) signs.add(sign);
    }
  return (known = signs);
}
