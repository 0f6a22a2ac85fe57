// What a thief with a terminal's key, or somebody on the line, gains in the simulated towns once one
// mend is undone, and what the towns of those modes found.

/** @param make `mutant`, `edit`, `attack` and `unit` of catalogue.mjs */
export const modes = ({ mutant, edit, attack, unit }) => [
  mutant(
    'mode-keys-unpaid',
    'Central computes card keys for a sale that nobody is known to have paid.',
    edit(
      'central/sale/key-rights.ts',
      `  throw new Refusal('not-yet', 'no evidence of the sale’s payment is known here yet');`,
      `  return;`,
    ),
    attack('modes-town', 'burns no gas that he did not pay for'),
  ),
  mutant(
    'mode-answers-unsigned',
    'A kiosk believes central’s answers without its signature.',
    edit(
      'billing/client.ts',
      `    if (wrong !== null)
      return err(failure('BILL-0101', \`HTTP \${status} not believed`,
      `    if (wrong === '')
      return err(failure('BILL-0101', \`HTTP \${status} not believed`,
    ),
    attack('modes-town', 'changes no sale and ends no order'),
  ),
  mutant(
    'mode-gateway-unsigned',
    'A kiosk believes the gateway’s answers without its signature.',
    edit(
      'payment/gateway/provider.ts',
      `    if (wrong !== null)
      return unknown(failure('PAY-0201', \`HTTP \${status} not believed`,
      `    if (wrong === '')
      return unknown(failure('PAY-0201', \`HTTP \${status} not believed`,
    ),
    attack('modes-town', 'changes no sale and ends no order'),
  ),
  mutant(
    'refund-purse-uncounted',
    'Of what a terminal says that purses proved, any sum goes back.',
    edit(
      'central/sale/budgets.ts',
      `if (sure === 'proven' && keys.length === 0 && !othersWrote(order)) return null;`,
      `if (sure === 'proven') return null;`,
    ),
    attack('exposed-refund', 'a purse’s proof for so much a day only'),
  ),
  mutant(
    'refund-cleared-by-word',
    'A sale that only its terminal knows of counts as paid under an earlier one’s count.',
    edit(
      'central/sale/budgets.ts',
      `delivered_by IS NOT NULL AND money_taken AND NOT unproven`,
      `delivered_by IS NOT NULL AND money_taken`,
    ),
    attack('exposed-refund', 'is not paid for by a larger sale'),
  ),
  mutant(
    'key-evidence-of-another-sale',
    'A key request shows the payment of any open sale of its card.',
    edit(
      'main/core/key-payment.ts',
      `o.state === 'delivering' && cardNoOf(o)`,
      `o.state !== 'quoted' && cardNoOf(o)`,
    ),
    unit('billing/key-payment', 'is that of the sale being written'),
  ),
];
