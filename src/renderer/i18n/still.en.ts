import type { stillZhCN } from './still.zh-CN.ts';

/** The words of the machine while nobody is there, or while it serves nobody, in English. */
export const stillEn: Readonly<Record<keyof typeof stillZhCN, string>> = {
  'attract.touch': 'Touch the screen',
  'attract.card': 'or insert your gas card',
  'attract.services': 'What you can do here',
  'attract.recharge': 'Recharge a gas card',
  'attract.state': 'Now',
  'attract.state.recharge': 'Recharge',
  'attract.state.pay': 'Pay with',
  'attract.state.slip': 'Receipt',
  'attract.state.on': 'works',
  'attract.state.off': 'paused, see above',
  'attract.state.slipOn': 'printed',
  'attract.state.slipOff': 'not printed now: take a photo',
  'attract.state.payAway': '{providers} ({away}: not now)',
  'attract.state.payNone': 'no payment now',
  'attract.gas.title': 'If you smell gas',
  'attract.gas.body':
    'Touch no switch, light no flame. Close the valve, open the windows, go outside, then call {number}.',
  'attract.gas.bodyNoNumber':
    'Touch no switch, light no flame. Close the valve, open the windows, go outside, then call for help.',
  'attract.co.title': 'Beware of carbon monoxide',
  'attract.co.body':
    'Air the room while gas burns; the flue of a heater must lead outside. Dizzy, sick or weak: open the windows, close the valve, go outside, call 120.',
  'attract.access':
    'Large text, low reach, contrast, voice, {other}: touch the screen, then choose',
  'out.safe.both': 'Your card and your money are safe',
  'out.safe.card.title': 'Your card is safe in the machine',
  'out.safe.money.title': 'The money you paid is safe',
  'out.safe.card':
    'Card still inside? Please wait beside the machine: it comes out when service is back. Or call the hotline.',
  'out.safe.money':
    'Paid, and not finished? It is recorded: the order goes on when service is back, or the money goes back. Do not pay again.',
  'out.since': 'Out of service since {time}',
  'out.sites': 'Nearest places to go',
};
