/**
 * Every error a person can meet, by stable code. `customer` says what happened, whether the money
 * is safe and what to do now; `technician` says what to look at. Codes are never reused or
 * renumbered.
 */
export interface ErrorText {
  readonly zh: string;
  readonly en: string;
}
export interface ErrorEntry {
  /** A short heading for the screen. */
  readonly title: ErrorText;
  /** The heading that customers see, where `title` is a matter of staff. */
  readonly shown?: ErrorText;
  readonly customer: ErrorText;
  readonly technician: ErrorText;
}

function e(
  title: [string, string],
  customer: [string, string],
  technician: [string, string],
): ErrorEntry {
  return { title: both(title), customer: both(customer), technician: both(technician) };
}
const both = (pair: [string, string]): ErrorText => ({ zh: pair[0], en: pair[1] });

/** What nobody but staff can mend: the machine serves nobody. */
function stopped(title: [string, string], technician: [string, string]): ErrorEntry {
  return {
    title: both(title),
    shown: { zh: '很抱歉，现在不能办理', en: 'Sorry, this machine cannot serve you now' },
    customer: {
      zh: '请到别的自助机或营业厅办理，或拨打热线。已付款的订单不受影响。',
      en: 'Please use another machine or a service hall, or call the hotline. Paid orders are safe.',
    },
    technician: both(technician),
  };
}
/** … and: it goes on telling, and sells nothing. */
function notSelling(title: [string, string], technician: [string, string]): ErrorEntry {
  return {
    title: both(title),
    shown: { zh: '很抱歉，现在不能充值', en: 'Sorry, no recharging just now' },
    customer: {
      zh: '请到别的自助机或营业厅充值，或拨打热线。已付款的订单不受影响。',
      en: 'Please recharge at another machine or a service hall, or call the hotline. Paid orders are safe.',
    },
    technician: both(technician),
  };
}

const NOT_CHARGED: [string, string] = ['没有收您的钱', 'You have not been charged'];

/** Every error that people meet: its code, and what customer and technician read. */
export const ERRORS = {
  // ---- cards: reading ----
  'CARD-0101': e(
    ['没有读到卡', 'The card was not read'],
    [
      `请把卡拿出来擦干净，照图再插一次。${NOT_CHARGED[0]}。`,
      `Please take the card out, wipe it, and insert it again as the picture shows. ${NOT_CHARGED[1]}.`,
    ],
    ['卡无应答 (MUTE)：卡插反、脏污或损坏', 'Card mute: reversed, dirty or damaged'],
  ),
  'CARD-0102': e(
    ['卡被取走了', 'The card was taken out'],
    ['卡已取走。请重新插入。', 'The card was taken out. Please insert it again.'],
    ['操作中卡被移除 (0x80100069 或复位)', 'Card removed during the operation'],
  ),
  'CARD-0103': e(
    ['这不是燃气卡', 'This is not a meter card'],
    [
      `机器不认识这张卡，请换燃气卡。${NOT_CHARGED[0]}。`,
      `This machine does not know this card. Please use your meter card. ${NOT_CHARGED[1]}.`,
    ],
    ['SELECT 应用失败：外来卡', 'SELECT refused: foreign card'],
  ),
  'CARD-0104': e(
    ['卡内数据有误', 'The data on the card is damaged'],
    [
      `卡里的数据有误，请带卡到营业厅办理。${NOT_CHARGED[0]}。`,
      `The data on this card fails its check. Please take the card to a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['校验和 (crc16) 或计数、累计不一致', 'crc16, count or cumulative inconsistent'],
  ),
  'CARD-0105': e(
    ['新卡尚未开通', 'The card is not in use yet'],
    [
      `这是新卡或空白卡，请先到营业厅开通。${NOT_CHARGED[0]}。`,
      `This card is new or blank. Please have it activated at a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['卡从未插过表', 'Never visited a meter'],
  ),
  'CARD-0106': e(
    ['读卡中断', 'Reading was interrupted'],
    [
      `读卡时通信中断，请重新插卡。${NOT_CHARGED[0]}。`,
      `The connection to the card broke. Please insert it again. ${NOT_CHARGED[1]}.`,
    ],
    ['读卡通信错误，见原始码', 'Communication error while reading; see raw code'],
  ),
  'CARD-0107': e(
    ['读卡器正在恢复', 'The card reader is recovering'],
    [
      '机器正在自动处理。已付款的订单不受影响：再次插卡即可接着办。',
      'The machine is mending itself. Paid orders are safe: insert the card again and it goes on.',
    ],
    [
      '读卡器或 PC/SC 服务不可用，检查 pcscd、USB 与读卡器名称 match',
      'Reader or PC/SC service unavailable: check pcscd, USB and the reader name pattern',
    ],
  ),
  'CARD-0108': e(
    ['读卡超时', 'The card did not answer in time'],
    [`请重新插卡。${NOT_CHARGED[0]}。`, `Please insert the card again. ${NOT_CHARGED[1]}.`],
    ['卡在时限内无应答', 'No answer within the time-out'],
  ),
  'CARD-0109': e(
    ['这是工作卡', 'This is a staff card'],
    ['工作卡不能在这里充值，请取走。', 'Staff cards are not recharged here. Please take it.'],
    ['员工或工具卡', 'Staff or tool card'],
  ),
  'CARD-0110': e(
    ['卡已锁定', 'The card is locked'],
    [
      `这张卡已被锁定，请带卡到营业厅办理。${NOT_CHARGED[0]}。`,
      `This card is locked. Please take it to a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['卡或应用被锁定 (6283/6A81/9303)', 'Card or application locked (6283/6A81/9303)'],
  ),
  'CARD-0111': e(
    ['卡没有退出来', 'The card did not come out'],
    [
      '机器退不出卡，正在再试。请别走开，也可以拨打热线。已付的款不受影响。',
      'The machine could not give the card back and is trying again. Please stay, or call the hotline. What was paid is safe.',
    ],
    [
      '走卡机构故障或卡住，见原始码；断电前先取出卡',
      'Card transport jammed or failed, see raw code; take the card out before power is cut',
    ],
  ),
  // ---- cards: writing ----
  'CARD-0201': e(
    ['卡拒绝了认证', 'The card refused the key'],
    [
      `卡没有通过核对，请带卡到营业厅办理。`,
      "This card does not accept this machine's key. Please go to a service hall.",
    ],
    [
      '外部认证被拒 (63Cx)：到中心查过、复位以前，各台机器都不再试',
      'External authentication refused (63Cx): no kiosk tries again until a person at central has looked',
    ],
  ),
  'CARD-0202': e(
    ['卡拒绝了写入', 'The card refused the write'],
    [
      '卡没有接受写入。您的钱是安全的：没有写上的金额会退回。',
      'The card did not accept the write. Your money is safe: what was not written is refunded.',
    ],
    ['安全报文 MAC 错误 (6988)', 'Secure-messaging MAC refused (6988)'],
  ),
  'CARD-0203': e(
    ['写卡中断', 'Writing was interrupted'],
    [
      '写卡没有做完。您的钱是安全的：请重新插入同一张卡。',
      'The write was not finished. Your money is safe: please insert the same card again.',
    ],
    ['写卡过程中通信中断', 'Communication broke during the write'],
  ),
  'CARD-0204': e(
    ['回读不一致', 'Read-back differs'],
    [
      '正在核实写卡结果，您的钱是安全的，请勿重复付款。',
      'The write is being checked. Your money is safe, please do not pay again.',
    ],
    ['写后回读与计划不符', 'Read-back after the write differs from the plan'],
  ),
  'CARD-0205': e(
    ['不是同一张卡', 'A different card'],
    [
      '请插入付款时用的那张卡。您的钱是安全的。',
      'Please insert the card you paid for. Your money is safe.',
    ],
    ['插入的卡与订单不符', "The inserted card is not the order's"],
  ),
  'CARD-0206': e(
    ['这类卡暂时不能充值', 'Not this kind of card now'],
    [
      `这台机器暂时不能给这类卡充值。${NOT_CHARGED[0]}。`,
      `This machine cannot write this kind of card now. ${NOT_CHARGED[1]}.`,
    ],
    ['密钥提供者不可用', 'Key provider unavailable'],
  ),
  // ---- selling: what may not be sold ----
  'SALE-0101': e(
    ['请先把卡插入燃气表', 'Insert the card into your meter first'],
    [
      `上次买的气还在卡里，没有输进表。请回家把卡插入燃气表，听到提示音再拔出，然后再来充值。如果表不收，请拨打热线。${NOT_CHARGED[0]}。`,
      `The last purchase is still on the card. Insert the card into your meter until it beeps, then come back. If the meter refuses it, call the hotline. ${NOT_CHARGED[1]}.`,
    ],
    ['卡未访问表：flag≠58 或 表内次数≠卡内次数', 'Not yet visited its meter'],
  ),
  'SALE-0102': e(
    ['卡和账户的次数不一致', 'Card and account do not match'],
    [
      `卡里的购气次数和收费系统的不一样，请带卡到营业厅核对。${NOT_CHARGED[0]}。`,
      `The purchase count on the card is not the system's. Please have it checked at a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['卡内次数≠中心次数', 'Card count differs from central'],
  ),
  'SALE-0103': e(
    ['没有查到这张卡', 'This card is not known'],
    [
      `收费系统里没有这张卡，请带卡到营业厅办理。${NOT_CHARGED[0]}。`,
      `The billing system does not know this card. Please go to a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['中心无此卡', 'Unknown at central'],
  ),
  'SALE-0104': e(
    ['这张卡已停用', 'This card is blocked'],
    [
      `这张卡已挂失或停用，请到营业厅办理。${NOT_CHARGED[0]}。`,
      `This card was reported lost or blocked. Please go to a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['黑名单', 'Hot-listed'],
  ),
  'SALE-0105': e(
    ['已到限购量', 'Purchase limit reached'],
    [
      `已达到购气限额，暂时不能再买。有疑问请拨打热线。${NOT_CHARGED[0]}。`,
      `The purchase limit has been reached. Please call the hotline with questions. ${NOT_CHARGED[1]}.`,
    ],
    ['超过次、日或周期限额', 'Over a limit'],
  ),
  'SALE-0106': e(
    ['余量已到上限', 'It is full'],
    [
      `表内（或卡里）的余量已接近上限，用掉一些再来充值。${NOT_CHARGED[0]}。`,
      `Your meter (or card) is close to its ceiling. Use some first, then recharge. ${NOT_CHARGED[1]}.`,
    ],
    ['剩余量+购买量超过囤积上限', 'Remaining plus purchase passes the ceiling'],
  ),
  'SALE-0107': e(
    ['有一笔未完成的购气', 'An unfinished purchase exists'],
    [
      `这张卡或同一户的另一张卡有一笔没做完的购气，请用原来那张卡接着办，任何一台机器都行，或拨打热线。不会重复收费。`,
      `This card, or another of the same account, has an unfinished purchase. Finish it there first, or call the hotline. You will not be charged twice.`,
    ],
    [
      '未决订单占用此卡或同一账户的另一张卡（其它终端，或本机的另一张卡）',
      "An unfinished order holds the claim: another terminal's, or one for another card of the account",
    ],
  ),
  'SALE-0108': e(
    ['账户有欠费', 'The account has a debt'],
    [
      `账户有欠费，请先到营业厅结清。${NOT_CHARGED[0]}。`,
      `The account has a debt. Please settle it at a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['账户欠费', 'Account in debt'],
  ),
  'SALE-0109': e(
    ['表号不一致', 'A different meter'],
    [
      `卡里的表号和登记的不一样，请带卡到营业厅核对。${NOT_CHARGED[0]}。`,
      `The meter number on the card is not the registered one. Please go to a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['卡回写表号≠账户表号', 'Meter number differs from the account'],
  ),
  'SALE-0110': e(
    ['暂时不能充值', 'Recharging is not possible now'],
    [
      `暂时连不上收费系统，请稍后再来，或到其他自助机、营业厅办理。${NOT_CHARGED[0]}。`,
      `The billing system cannot be reached. Please come back later or use another hall. ${NOT_CHARGED[1]}.`,
    ],
    ['中心不可达且无可用缓存', 'Central away and no usable cache'],
  ),
  'SALE-0111': e(
    ['暂时不能付款', 'Paying is not possible now'],
    [
      `支付线路暂时不通，可以查卡，不能充值。${NOT_CHARGED[0]}。`,
      `The payment line is down: cards can be read but not recharged. ${NOT_CHARGED[1]}.`,
    ],
    ['支付线路不可用', 'Payment line unavailable'],
  ),
  'SALE-0112': e(
    ['表有故障标记', 'The meter reports a fault'],
    [
      `燃气表报告了故障，请拨打热线报修后再充值。${NOT_CHARGED[0]}。`,
      `Your meter reports a fault. Please call the hotline before recharging. ${NOT_CHARGED[1]}.`,
    ],
    ['表回写故障位', 'Meter fault bits'],
  ),
  'SALE-0113': e(
    ['用户号不一致', 'Card and account do not match'],
    [
      `卡里的用户号和登记的不一样，请带卡到营业厅核对。${NOT_CHARGED[0]}。`,
      `The user number on the card is not the registered one. Please go to a service hall. ${NOT_CHARGED[1]}.`,
    ],
    ['卡内用户号≠账户', 'User number differs from the account'],
  ),
  'SALE-0114': e(
    ['上一笔付款正在核实', 'The last payment is being checked'],
    [
      '这张卡刚才的付款还在核实，通常不到一分钟。请稍候，不要重复付款；如果已经扣款，会写卡或原路退回。',
      'The last payment for this card is still being checked, usually within a minute. Please wait and do not pay again: what was taken is written to the card or returned.',
    ],
    ['本机同卡订单仍在收款核实中', "This kiosk's order for the same card is still collecting"],
  ),
  'SALE-0115': e(
    ['这张卡没有未完成的订单', 'Nothing is unfinished on this card'],
    [
      '没有查到这张卡有没办完的订单。要充值，请取卡后重新插入；如果已经付款，请拨打热线，报订单号。',
      'At this machine nothing is unfinished for this card and nothing is waiting to be refunded. To recharge, take the card and insert it again. If you have paid, call the hotline with the order number.',
    ],
    ['本机无此卡的未决订单', 'No open order of this kiosk for this card'],
  ),
  'SALE-0116': e(
    ['上一笔还没有办完', 'The last purchase is not finished'],
    [
      '这张卡有一笔已付款、还没写完的订单，现在连不上收费系统，不能接着写。您的钱是安全的：请稍后再插卡，机器会自动写完。',
      'A paid purchase on this card is not finished, and the system cannot be reached to go on with it. Your money is safe: insert the card again later and the machine finishes it.',
    ],
    [
      '未完成订单需要中心授权 (claim) 才能续写或退款',
      "An unfinished order needs central's claim before it is written or refunded",
    ],
  ),
  'SALE-0117': e(
    ['没有找到这个订单号', 'No such order number'],
    [
      '请核对凭条上的十二位订单号，或者直接插卡查询。',
      'Please check the twelve digits on the slip, or insert the card.',
    ],
    ['按凭条号没有查到订单', 'No order under this reference'],
  ),
  'SALE-0118': e(
    ['暂时不能充值', 'Recharging is not possible now'],
    [
      `要先和收费系统联系上才能充值，请稍后再来，或到其他自助机、营业厅办理。${NOT_CHARGED[0]}。`,
      `This machine must hear from the billing system before it recharges cards. Please come back later or use another hall. ${NOT_CHARGED[1]}.`,
    ],
    [
      '策略过期或低于 terminal.json 要求的版本：接通中心后自动恢复；已开始的订单照常办完',
      'The policy is over, or older than terminal.json asks for: mends itself once central is heard; what was begun is finished',
    ],
  ),
  'SALE-0119': e(
    ['没有找到这个用户号', 'No such user number'],
    [
      `请核对缴费单上的用户号，再输一遍；换过号的请拨打热线。${NOT_CHARGED[0]}。`,
      `Please check the number on the bill and type it once more; call the hotline if it was changed. ${NOT_CHARGED[1]}.`,
    ],
    ['中心没有这个用户号', 'Central has no such user number'],
  ),
  'SALE-0120': e(
    ['账单刚有变动', 'The bill has just changed'],
    [
      `这一项刚被别处缴了，或金额有变。请重新查询后再缴。${NOT_CHARGED[0]}。`,
      `It was just paid elsewhere, or its sum has changed. Please look it up again. ${NOT_CHARGED[1]}.`,
    ],
    [
      '报价时账单已被占用、已缴或金额不同',
      'An item was reserved, paid or of another sum when it was quoted',
    ],
  ),
  'SALE-0121': e(
    ['查询次数太多', 'Too many look-ups'],
    [
      `为保护用户信息，每次只能查询几个用户号。请稍后再来，或拨打热线。${NOT_CHARGED[0]}。`,
      `To protect customers only a few numbers can be looked up in one visit. Please come back later or call the hotline. ${NOT_CHARGED[1]}.`,
    ],
    ['一次办理或一分钟内查询的用户号过多', 'Too many user numbers in one visit or minute'],
  ),
  'SALE-0125': e(
    ['这家公司的费用，这台机器收不了', 'This machine does not collect for this company'],
    [
      `这笔费用是另一家公司的，这台机器不代收。请到该公司的营业厅或网上缴费，或拨打热线问清在哪里缴。${NOT_CHARGED[0]}。`,
      `This bill is another company's, and this machine does not collect for it. Please pay at that company's hall or online, or call the hotline. ${NOT_CHARGED[1]}.`,
    ],
    [
      '收款方不在 terminal.json 的 collectsFor 里，且没有聚合网关可用',
      'The payee is not in collectsFor of terminal.json, and there is no gateway',
    ],
  ),
  'SALE-0140': e(
    ['没有查到', 'Not found'],
    [
      '用户号或电话后四位不对，请核对后再输一遍；电话换过的，请到营业厅登记，或拨打热线。',
      'The user number or the end of the telephone number is not right. Please check and type both once more; a number that has changed is registered at a service hall or by the hotline.',
    ],
    [
      '中心没有这个用户号，或登记电话的后四位不符（不区分；一天错十次后当天不再答复）',
      'Central has no such user number, or other digits of the telephone on record (not told apart; after ten wrong ones a day none is right until tomorrow)',
    ],
  ),
  'SALE-0123': e(
    ['这个用户号没有物联表', 'No IoT meter under this number'],
    [
      `这个用户号不能在这里充值。卡表请插入燃气卡；普通表请点“交账单”。${NOT_CHARGED[0]}。`,
      `It cannot be topped up here. For a card meter insert the card; for an ordinary meter choose "Pay bills". ${NOT_CHARGED[1]}.`,
    ],
    ['中心：此户没有可充值的余额账户', 'Central: this account has no balance to top up'],
  ),
  'SALE-0124': e(
    ['合同文本刚有更新', "The contract's text has just changed"],
    [
      `合同文本刚有更新，这台机器还没有收到。请过几分钟再来，或拨打热线。${NOT_CHARGED[0]}。`,
      `The contract's text has just changed, and this machine does not have the new one yet. Please come back in a few minutes or call the hotline. ${NOT_CHARGED[1]}.`,
    ],
    [
      '所同意的合同文本与中心现行的不一致：等新策略下发',
      "The text that was agreed to is not central's: wait for its policy",
    ],
  ),
  'SALE-0122': e(
    ['没有入账', 'It was not credited'],
    [
      '收费系统没有收下这一笔，钱原路退回，您的账单没有变动。',
      'The billing system did not take it. The money goes back to where it was paid from; your bill is unchanged.',
    ],
    [
      '中心最终答复：未入账，也不会再入账',
      "Central's final word: it was not credited and never will be",
    ],
  ),
  // ---- payment ----
  'PAY-0101': e(
    ['没有取到付款码', 'No payment code'],
    [
      '支付平台没有应答，没有收您的钱。请稍后重试。',
      'The payment platform did not answer. You have not been charged. Please try again.',
    ],
    ['下单无应答或结果未知', 'Create: no answer or unknown'],
  ),
  'PAY-0102': e(
    ['支付平台拒绝了订单', 'The payment platform refused'],
    [
      '支付平台没有接受这笔订单，没有收您的钱。',
      'The payment platform did not accept the order. You have not been charged.',
    ],
    ['下单被拒，见渠道返回码', 'Create refused; see provider code'],
  ),
  'PAY-0201': e(
    ['支付平台应答异常', 'The payment answer is not trusted'],
    [
      '支付平台的应答没有通过验证，机器正在核实。您的钱是安全的。',
      "The payment platform's answer failed its check. The machine is verifying. Your money is safe.",
    ],
    [
      '应答签名、序列号或时间戳校验失败：检查平台公钥与时钟',
      'Answer signature, serial or timestamp bad: check platform keys and clock',
    ],
  ),
  'PAY-0202': e(
    ['支付线路不通', 'The payment line is down'],
    [
      '连不上支付平台，机器会继续核实。请勿重复付款。',
      'The payment platform cannot be reached. The machine keeps asking. Please do not pay again.',
    ],
    ['网络错误或超时', 'Network error or time-out'],
  ),
  'PAY-0203': e(
    ['支付平台繁忙', 'The payment platform is busy'],
    ['支付平台繁忙，机器会继续核实。', 'The payment platform is busy. The machine keeps asking.'],
    ['5xx 或限流，结果未知', '5xx or rate limited: outcome unknown'],
  ),
  'PAY-0204': e(
    ['支付配置有误', 'Payment is misconfigured'],
    ['支付暂不可用，没有收您的钱。', 'Payment is not available. You have not been charged.'],
    ['商户配置、密钥或签名错误 (401/403/参数)', 'Merchant configuration, key or signature error'],
  ),
  'PAY-0205': e(
    ['退款等人核对', 'A refund waits for a person'],
    [
      '退款要等工作人员核对，之后原路退回。您的钱是安全的，请保留凭条。',
      'Staff look at this refund first; it then goes back the way it came. Your money is safe. Please keep the slip.',
    ],
    [
      '本机今天的退款超出限额，等中心放行；机器会一直再要',
      "Beyond this terminal's refunds of a day: central's staff let it go; asked again",
    ],
  ),
  'PAY-0401': e(
    ['余额不足', 'Not enough money'],
    [
      '付款方式余额不足，没有收您的钱。请换一种付款方式，再出示付款码。',
      'Not enough money in this way of paying. You have not been charged. Please change it and show a new code.',
    ],
    ['付款码支付被拒：余额不足', 'Code payment declined: balance short'],
  ),
  'PAY-0402': e(
    ['手机付款没有通过', 'The payment was not allowed'],
    [
      '微信、支付宝或银行没有通过这笔付款，没有收您的钱。请换一种付款方式。',
      'Your wallet or bank did not allow this payment. You have not been charged. Please pay another way.',
    ],
    ['付款码支付被拒：风控、限额或账户', 'Code payment declined: risk, limit or account'],
  ),
  'PAY-0403': e(
    ['付款码已过期', 'The code has expired'],
    [
      '付款码已过期或已用过，没有收您的钱。请刷新后再出示。',
      'The payment code has expired or was used. You have not been charged. Please refresh it and show it again.',
    ],
    ['付款码过期、已用或无效', 'Payment code expired, used or invalid'],
  ),
  'PAY-0404': e(
    ['不认识这个码', 'This code is not known'],
    [
      '这不是付款码，没有收您的钱。请打开微信或支付宝的“收付款”。',
      'This is not a payment code for this machine. You have not been charged. Please open "Pay" in your wallet.',
    ],
    ['扫到的码不属于已配置的渠道', 'The scanned code belongs to no configured provider'],
  ),
  'PAY-0405': e(
    ['没有及时输入密码', 'Not confirmed in time'],
    [
      '手机上没有及时确认，本次付款已撤销。请重新付款。',
      'It was not confirmed on the phone in time and is withdrawn. Please pay again.',
    ],
    ['付款码支付超时，已撤销', 'Code payment timed out and reversed'],
  ),
  'PAY-0406': e(
    ['这种付款方式暂时不能用', 'This wallet is not available now'],
    [
      '这种付款方式的线路暂时不通，没有收您的钱。请换一种付款方式。',
      'The line of this wallet is down. You have not been charged. Please pay another way.',
    ],
    ['付款码属于线路不通的渠道', 'The code belongs to a provider whose line is down'],
  ),
  'PAY-0301': e(
    ['退款被支付平台拒绝', 'The refund was refused'],
    [
      '退款没有成功，已登记由工作人员处理。您的钱是安全的，请保留凭条。',
      'The refund did not go through, and staff take care of it. Your money is safe. Please keep the slip.',
    ],
    ['退款被拒或异常，已挂起', 'Refund refused or abnormal: parked'],
  ),
  // ---- billing / central ----
  'BILL-0101': e(
    ['收费系统连不上', 'The billing system is away'],
    ['暂时连不上收费系统。', 'The billing system cannot be reached.'],
    ['中心接口网络错误或超时', 'Central: network error or time-out'],
  ),
  'BILL-0102': e(
    ['收费系统应答异常', "The billing system's answer is wrong"],
    ['收费系统的应答有误，请稍后再试。', 'The billing system answered wrongly. Please try later.'],
    ['中心应答不合约定或签名错误', "Central's answer breaks the contract or its signature"],
  ),
  'BILL-0103': stopped(
    ['终端未登记', 'This terminal is not enrolled'],
    ['中心不认识此终端或签名被拒', 'Central does not know this terminal or refuses its signature'],
  ),
  'BILL-0104': notSelling(
    ['账本与中心不一致', 'The journal differs from central'],
    ['中心报告 FORK：同序号不同哈希', 'Central reports a FORK: same sequence, other hash'],
  ),
  'BILL-0105': e(
    ['正在另一台机器上办理', 'In progress at another machine'],
    [
      '这笔订单正在另一台机器上办，请几分钟后再插卡。您的钱是安全的。',
      'This order is being finished at another machine. Please insert the card again in a few minutes. Your money is safe.',
    ],
    [
      '写卡授权在另一终端手中，到期后可再申请',
      'Another terminal holds the write claim; ask again when it has run out',
    ],
  ),
  'BILL-0106': e(
    ['这笔订单已经写卡', 'This order is on the card'],
    ['这笔订单已经写到卡上。', 'This order has been written to the card.'],
    ['中心已记该订单交付', 'Central has this order as delivered'],
  ),
  'BILL-0107': e(
    ['这笔订单正在退款', 'This order is being refunded'],
    [
      '这笔订单已经在退款，款项原路退回。',
      'This order is being refunded to where it was paid from.',
    ],
    ['退款授权已发出，不再写卡', 'The refund claim was granted: no more writing'],
  ),
  'BILL-0108': e(
    ['这张卡有一笔订单正在办理', 'An order for this card is in progress'],
    [
      '另一台机器上有这张卡的订单正在办理，请稍候再试。您的钱是安全的。',
      'An order for this card is in progress at another machine. Please try again later. Your money is safe.',
    ],
    ['订单未处于可续办状态', 'The order is not in a state to be taken over'],
  ),
  'BILL-0109': stopped(
    ['等待中心批准', 'Waiting for central'],
    ['账本需要中心授予新纪元 (epoch)', 'The journal needs a new epoch from central'],
  ),
  'BILL-0110': e(
    ['这笔订单由人工处理', 'This order is handled by staff'],
    [
      '这张卡有一笔已付款的订单，因卡找不回来，已由工作人员处理。请带卡到营业厅，或拨打热线。您的钱是安全的。',
      'A paid order of this card was handed to staff because the card was reported as gone. Please bring the card to a service hall or call the hotline. Your money is safe.',
    ],
    [
      '人工授权已发出，不再写卡：在柜台了结',
      'The counter claim was granted: no more writing, a person settles it',
    ],
  ),
  'BILL-0111': e(
    ['这笔退款要先核对卡', 'The card must be checked before this refund'],
    [
      '卡片要由工作人员核对后退款，您的钱是安全的。请带卡和凭条到营业厅，或拨打热线；也可以重新插卡，机器会再写一次。',
      'Staff must check the card before the money goes back. Your money is safe. Please bring the card and the slip to a service hall or call the hotline; or insert the card again, and the machine writes it once more.',
    ],
    [
      '写过卡而未写上只有读卡器一面之词，退款额度已用：核对卡后在中心办理',
      'Only the reader says that the write did not arrive, and the budget is used: check the card, then decide at central',
    ],
  ),

  'BILL-0112': e(
    ['付款还在核对', 'The payment is still being confirmed'],
    [
      '收费系统还没有核对到您的付款，机器会自动再试，您的钱是安全的。请先不要取卡；要离开的，请带好凭条，以后插卡接着办。',
      'Central has not confirmed your payment yet; the machine tries again by itself. Your money is safe. Please leave the card in; if you must go, keep the slip: inserting the card later goes on.',
    ],
    [
      '中心尚无付款凭据，暂不给卡密钥：会再问，不退款；持续出现请查网关与中心的密钥',
      'Central knows no evidence of the payment yet and computes no key: asked again, never refunded for it; if it lasts, check the keys of gateway and central',
    ],
  ),
  'BILL-0113': e(
    ['正在入账', 'Being credited'],
    [
      '您的钱已经收到，收费系统还在入账，机器会自动再问，不用再付。请保留凭条，凭订单号在任何一台机器都能查。',
      'Your payment has arrived and is still being credited; the machine goes on asking by itself. Do not pay again. Please keep the slip: any machine tells by its number how it stands.',
    ],
    [
      '入账结果未知：以同一订单号再问，中心最终答复“未入账”之前不退款',
      "Not known whether it is posted: asked again under the same order id; no refund before central's final word",
    ],
  ),

  // ---- journal ----
  'JRNL-0101': stopped(
    ['账本打不开', 'The journal cannot be opened'],
    [
      '账本打不开、被占用或磁盘不可写',
      'Journal cannot be opened, is in use or the disk is not writable',
    ],
  ),
  'JRNL-0102': stopped(
    ['账本版本不符', "The journal's schema is not ours"],
    ['账本结构较新或被改动，拒绝打开', 'Schema newer or altered: refused'],
  ),
  'JRNL-0103': stopped(
    ['账本校验不通过', 'The journal fails its check'],
    ['哈希链、行或第二日志不一致', 'Hash chain, rows or second log inconsistent'],
  ),
  'JRNL-0104': notSelling(
    ['磁盘空间不足', 'The disk is nearly full'],
    ['账本磁盘空间低于下限', 'Journal disk space below the limit'],
  ),
  'JRNL-0105': stopped(
    ['账本没有同步写盘', 'The journal is not synchronous'],
    ['synchronous 不是 FULL', 'synchronous is not FULL'],
  ),
  'JRNL-0106': stopped(
    ['账本已从备份恢复', 'The journal was restored'],
    [
      '账本损坏，已整体移出并由备份和第二日志恢复；待技术员在维护模式确认',
      'Damaged journal set aside whole and restored from backup and second log; a technician must accept it in maintenance mode',
    ],
  ),
  'JRNL-0107': stopped(
    ['账本无法恢复', 'The journal cannot be restored'],
    [
      '账本损坏，备份和第二日志都不可用',
      'Damaged journal; neither backup nor second log can be used',
    ],
  ),
  'JRNL-0108': stopped(
    ['磁盘只读或损坏', 'The disk is read-only or failing'],
    [
      '账本磁盘只读或读写出错：查看系统日志，检查或更换磁盘，再重启',
      "The journal's disk is read-only or fails: look at the system's log, check or replace it, then restart",
    ],
  ),
  // ---- maintenance ----
  'MNT-0101': e(
    ['密码不对', 'Wrong PIN'],
    ['请重新输入。', 'Please try again.'],
    ['维护密码错误', 'Wrong maintenance PIN'],
  ),
  'MNT-0102': e(
    ['暂时不能输入', 'Locked for now'],
    ['输错次数过多，请稍后再试。', 'Too many wrong tries. Please wait.'],
    [
      '维护密码锁定中，时间随错误次数增长，重启不清零',
      'Maintenance is locked; the time grows with each wrong try and outlives a restart',
    ],
  ),
  'MNT-0103': e(
    ['维护中', 'Under maintenance'],
    [
      '工作人员正在检修。请稍候，或到别的自助机、营业厅办理。已付款的订单不受影响。',
      'Staff are at work on it. Please wait, or use another machine or a service hall. Paid orders are safe.',
    ],
    ['技术员停用', 'Taken out of service by a technician'],
  ),
  'MNT-0201': e(
    ['没有U盘', 'No USB stick'],
    ['请联系工作人员。', 'Please ask the staff.'],
    ['把U盘插到维护口，几秒后再试', 'Put a stick in, and try again after a few seconds'],
  ),
  'MNT-0202': e(
    ['不止一个U盘', 'More than one USB stick'],
    ['请联系工作人员。', 'Please ask the staff.'],
    ['只留要用的一个，再试', 'Leave only the one that is meant, and try again'],
  ),
  'MNT-0203': e(
    ['U盘写不进', 'The stick cannot be written'],
    ['请联系工作人员。', 'Please ask the staff.'],
    [
      'U盘写保护或没有权限：打开写保护开关，或换一个；格式须为 FAT32 或 exFAT',
      'It is read-only or not ours to write: open its lock, or take another; FAT32 or exFAT',
    ],
  ),
  'MNT-0204': e(
    ['U盘满了', 'The stick is full'],
    ['请联系工作人员。', 'Please ask the staff.'],
    ['换一个空的U盘再导出', 'Take an empty stick and export again'],
  ),
  'MNT-0205': e(
    ['没有写完', 'It was not written'],
    ['请联系工作人员。', 'Please ask the staff.'],
    [
      'U盘被拔出或出错：账本没有变，重新插好或换一个，再导出；U盘上的 .part 文件可删',
      'The stick was pulled or fails: nothing here changed. Put it in again or take another and export once more; a .part file on it may be deleted',
    ],
  ),
  'MNT-0206': e(
    ['U盘不可靠', 'The stick is not to be trusted'],
    ['请联系工作人员。', 'Please ask the staff.'],
    [
      '写进去的和读回来的不一样：换一个U盘再导出',
      'It read back something else than was written: take another stick',
    ],
  ),
  'MNT-0207': e(
    ['导出没有做成', 'The export was not made'],
    ['请联系工作人员。', 'Please ask the staff.'],
    [
      '账本或密钥读不出来：看诊断（doctor）和日志，处理后再导出',
      'The journal or a key cannot be read: see doctor and the log, then export again',
    ],
  ),
  'MNT-0301': e(
    ['系统没有照办', 'The system refused'],
    ['请稍后再试。已付款的订单不受影响。', 'Please try again later. Paid orders are safe.'],
    [
      '系统拒绝了这个操作（重启、亮度）：看括号里系统的话；安装包带的 polkit 规则在不在',
      'the system refused this (restart, brightness): its own words are in brackets; is the package’s polkit rule there?',
    ],
  ),
  // ---- devices ----
  'DEV-0201': e(
    ['扫码口不可用', 'The code scanner is not available'],
    [
      '扫码口暂时不能用，请用手机扫屏幕上的付款码。',
      'The scanner does not work just now. Please scan the code on the screen with your phone.',
    ],
    ['扫码器离线：检查接线、串口与供电', 'Code scanner offline: check cable, port and power'],
  ),
  'DEV-0101': e(
    ['凭条打印机不可用', 'No receipt printer'],
    [
      '凭条暂时打不出来，可以拍照保存屏幕上的订单号。',
      'No slip can be printed. You may photograph the order number on the screen.',
    ],
    ['打印机离线、缺纸或故障', 'Printer offline, out of paper or faulty'],
  ),
  'DEV-0102': e(
    ['凭条没有打完整', 'The slip was not printed whole'],
    [
      '凭条可能只打了一部分，以屏幕上的为准，可以拍照保存订单号。',
      'Only a part of the slip may be printed. What the screen says counts; you may photograph the order number.',
    ],
    [
      '打印中途缺纸、开盖、故障或断线：换纸后可以补打',
      'Paper, cover, fault or line in the middle of a slip: it can be printed again once that is mended',
    ],
  ),
  'DEV-0301': e(
    ['备用电源没有应答', 'The UPS does not answer'],
    ['本机照常办理。', 'This machine serves as usual.'],
    [
      '读不到 UPS 的状态：检查 upsd 是否运行、ups 的名字、数据线；期间停电不能预先停办',
      'The UPS cannot be read: check that upsd runs, the name in ups, the data cable. Meanwhile a failing mains is not known before the power goes',
    ],
  ),
  'DEV-0302': e(
    ['停电了，暂停办理', 'The mains are off'],
    [
      '机器正用备用电源，卡是安全的。没付款的不收钱，已付款的会办完或退回。来电后自动恢复。',
      'It runs on its battery, and cards are safe. Nothing unpaid is charged; what was paid is finished or goes back. It serves again with the mains.',
    ],
    [
      '市电中断，UPS 供电：来电后自动恢复；只停这台就查插座、空开和 UPS 输入',
      'On battery: it serves again by itself when the mains are back. If only this machine is dark, check its socket, its breaker and the input of the UPS',
    ],
  ),
  'DEV-0303': e(
    ['停电了，机器即将关机', 'The mains are off; shutting down'],
    [
      '备用电源快用完，机器即将关机。已付款的不受影响，来电后再次插卡即可接着办。',
      'The battery is almost empty and the machine shuts down. Paid orders are safe: once the power is back, insert the card and it goes on.',
    ],
    [
      'UPS 电量低或超过约定时间：核心已有序停止，账本已关闭；来电后自动恢复',
      'The battery is low, or the agreed time on battery is over: the core has stopped in order and closed its journal; it comes back with the mains',
    ],
  ),
  'DEV-0304': e(
    ['备用电源的电池要换', 'The battery of the UPS is worn'],
    ['本机照常办理。', 'This machine serves as usual.'],
    ['UPS 报告电池该换了（RB）', 'The UPS asks for a new battery (RB)'],
  ),
  'DEV-0401': e(
    ['正在维护', 'Under maintenance'],
    [
      '请稍候，或到别的自助机、营业厅办理。没付款的不收钱，已付款的会办完或退回。',
      'Please wait, or use another machine or a service hall. Nothing unpaid is charged; what was paid is finished or goes back.',
    ],
    [
      '机门打开：关上即恢复；门关着还报开，检查门磁、接线和 terminal.json 里的 invert',
      'The door is open: it serves again once it is closed. If it is closed, check the contact, its wire, and invert in terminal.json',
    ],
  ),
  'DEV-0402': e(
    ['读不到机门', 'The door cannot be read'],
    ['本机照常办理。', 'This machine serves as usual.'],
    [
      '读不到门磁：检查 Modbus 线和输入模块，并看一眼机门是否关好',
      'The door contact cannot be read: check the Modbus line and its module, and see whether the door is closed',
    ],
  ),
  'DEV-0403': e(
    ['输入输出模块没有应答', 'The I/O module does not answer'],
    ['本机照常办理。', 'This machine serves as usual.'],
    [
      'Modbus 模块没有应答：检查供电、A/B 线、地址、波特率和校验',
      'The Modbus module is silent: check its power, lines A and B, its address, the rate and the parity',
    ],
  ),
  'DEV-0501': e(
    ['喇叭不可用', 'No loudspeaker'],
    ['本机没有语音提示，请看屏幕。', 'Nothing is said aloud here. Please read the screen.'],
    [
      '没有声卡，或主音量为零或静音：检查声卡、喇叭线和 alsamixer',
      'There is no sound card, or its main volume is off: check the card, the cable and alsamixer',
    ],
  ),
  'DEV-0601': e(
    ['耳机不可用', 'No headphone jack'],
    ['耳机暂时不能用。', 'Headphones do not work just now.'],
    [
      '读不到耳机插孔：检查输入设备的路径和权限，或 Modbus 模块',
      'The jack cannot be read: check the path and rights of its input device, or the Modbus module',
    ],
  ),
  // ---- configuration and process ----
  'CONF-0101': stopped(
    ['配置文件有误', 'The configuration is wrong'],
    ['terminal.json 不合规，见所指键', 'terminal.json is invalid; see the key named'],
  ),
  'CONF-0102': stopped(
    ['端口被占用', 'A port is taken'],
    ['端口已被其它进程占用', 'The port is in use by another process'],
  ),
  'CONF-0103': stopped(
    ['演示密钥不可用于生产', 'Sample keys outside demo mode'],
    ['非演示模式拒绝样例密钥', 'Sample keys are refused outside demo mode'],
  ),
  'CONF-0104': e(
    ['不知道剩几次就试卡的密码', "Cards' PINs are tried blind"],
    [
      '请照常使用，或请工作人员查看。',
      'Please use this machine as usual, or ask staff to look at it.',
    ],
    [
      'purse.pinTries 为 blind：卡不报剩余次数，只由本机自己记数',
      'purse.pinTries is blind: the cards do not tell their tries, and this kiosk alone counts them',
    ],
  ),
  // ---- requests ----
  'REQ-0101': e(
    ['今天在这里办得太多了', 'Too many requests here'],
    [
      '这次没有受理。请过一会儿再来，或拨打热线。',
      'This request was not taken. Please come back later, or call the hotline.',
    ],
    [
      '超过政策的每次或每小时受理数 (requests.perVisit, perHour)',
      'More requests than the policy lets a visit or an hour have',
    ],
  ),
  'REQ-0102': e(
    ['现在不能办这一项', 'This cannot be asked for now'],
    [
      '这一项的办理时间或时段刚刚变了。请重新选择，或拨打热线。',
      'The days for this have just changed. Please choose again, or call the hotline.',
    ],
    [
      '受理前政策变了：类别、日期或密钥不再有效',
      'The policy changed before it was taken: category, day or key no longer hold',
    ],
  ),
  'REQ-0103': e(
    ['受理已记下', 'Your request is on record'],
    [
      '您的事项已经记下，联系电话稍后会自动上传。',
      'Your request is on record; the telephone number follows by itself.',
    ],
    [
      '中心不收受理单的密封部分：事实没有到，或散列不符；会再试，持续出现请在中心查该终端',
      'Central does not take the sealed part of a request: its fact is missing there, or the hash differs; tried again, look at this terminal in the console if it lasts',
    ],
  ),
  // ---- invoices ----
  'INV-0101': e(
    ['发票要先红冲', 'Its invoice is taken back first'],
    [
      '这笔款开过发票，要先作废发票，再退款。您的钱是安全的，请保留凭条。',
      'This payment has an invoice, which is taken back first; then the money goes back. Your money is safe. Please keep the slip.',
    ],
    [
      '这笔款的发票还没有红冲：红冲已申请，开好红字发票以后再核准退款（中心“电子发票”）',
      "The invoice of this payment stands: a red one is asked for; hand the money back once it is issued (e-invoices, in central's console)",
    ],
  ),
  'CORE-0101': e(
    ['正在恢复', 'Recovering'],
    [
      '机器正在自动恢复，请稍候。已付款的订单不受影响：恢复后再次插卡即可接着办。',
      'The machine is recovering, please wait. Paid orders are safe: once it is back, insert the card and it goes on.',
    ],
    ['核心进程未运行，外壳正在重启它', 'The core is not running; the shell is restarting it'],
  ),
  'CORE-0102': notSelling(
    ['机器时钟不准', 'The clock is wrong'],
    ['与中心时差超过限值', 'Clock skew to central above the limit'],
  ),
} as const satisfies Record<string, ErrorEntry>;

/** A code of {@link ERRORS}; stable for ever. */
export type ErrorCode = keyof typeof ERRORS;
/** Is it one of ours? What another process names may be anything. */
export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);

/** The heading of an error as customers see it. */
export const shownTitle = (code: ErrorCode): ErrorText => {
  const entry: ErrorEntry = ERRORS[code];
  return entry.shown ?? entry.title;
};

/**
 * An expected failure: stable code, a technician's detail, and the raw cause, which is never thrown
 * away.
 */
export interface Failure {
  readonly code: ErrorCode;
  /** One line for technicians: raw codes, names, numbers. Never personal data, never a secret. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** A failure with its code; `cause` keeps what raised it. */
export function failure(code: ErrorCode, detail?: string, cause?: unknown): Failure {
  return {
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/**
 * `CARD-0104: … (detail)`: the technician sentence in Chinese and English on one line, for logs and
 * the console.
 */
export function describeFailure(f: Failure): string {
  const t = ERRORS[f.code].technician;
  return `${f.code}: ${t.zh} / ${t.en}${f.detail === undefined ? '' : ` (${f.detail})`}`;
}
