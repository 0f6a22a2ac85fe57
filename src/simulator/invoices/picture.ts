/**
 * A page of PDF that stands for an invoice's picture: number, kind and sum, as a phone opens it.
 * The real one's layout is the tax office's, and nothing here reads it.
 */
export function picture(
  number: string,
  invoice: { readonly kind: 'blue' | 'red'; readonly amountFen: number },
): Buffer {
  const sign = invoice.kind === 'red' ? '-' : '';
  const lines = [
    'SAMPLE E-INVOICE of a simulated provider',
    `No. ${number}`,
    invoice.kind === 'red' ? 'RED: takes an invoice back' : 'BLUE',
    `CNY ${sign}${(invoice.amountFen / 100).toFixed(2)}`,
  ];
  const text = lines.map((line, i) => `1 0 0 1 60 ${760 - 36 * i} Tm (${line}) Tj`).join('\n');
  const content = `BT /F1 20 Tf\n${text}\nET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let out = '%PDF-1.4\n';
  const places = objects.map((object, i) => {
    const at = out.length;
    out += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(at).padStart(10, '0')} 00000 n \n`;
  });
  const table = out.length;
  out += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return Buffer.from(out, 'latin1');
}
