/**
 * What customers write and what they are answered, by intent and language. Slots: {order}, {product}, {amount}, {tracking}.
 * `about` says what the customer knows when writing: an order, or only an item in the shop.
 */

export interface Texts {
  about: 'order' | 'item';
  en: readonly string[];
  zh: readonly string[];
  answer: { en: string; zh: string };
}

const define = <K extends string>(texts: Record<K, Texts>): Record<K, Texts> => texts;

export const textsOf = define({
  delivery_status: {
    about: 'order',
    en: [
      'Where is my order {order}? The tracking number {tracking} has not moved for days.',
      'Hi, I am still waiting for the {product} from order {order}. When will it arrive?',
      'Order {order} should have been here by now. Can you check {tracking}?',
      'My parcel {tracking} is late, what is going on?',
    ],
    zh: ['我的订单{order}到哪里了？单号{tracking}好几天没更新了。', '请问{product}什么时候能到？订单号是{order}。', '快递{tracking}一直没有物流信息，帮我查一下。', '都三天了，订单{order}怎么还没发货？'],
    answer: { en: 'Your order {order} is on its way; the carrier expects to deliver it within two days.', zh: '您的订单{order}正在配送中，预计两天内送达。' },
  },
  delivery_options: {
    about: 'item',
    en: ['Why is there no delivery option for the {product}?', 'Can the {product} be delivered to my address at the weekend?', 'Which delivery options do you have for the {product}?', 'Do you ship the {product} abroad?'],
    zh: ['为什么这个商品没有配送选项？', '{product}可以选择快递公司吗？', '{product}支持配送到新疆吗？', '为什么{product}不能送到我的地址？'],
    answer: { en: 'The {product} is sent by parcel service; large items are delivered to the kerb in selected areas.', zh: '{product}由合作快递配送，部分偏远地区暂不支持，请更换收货地址后查看。' },
  },
  refund_status: {
    about: 'order',
    en: [
      'I sent back the {product} two weeks ago, where is my refund of {amount}?',
      'When will I get my money back for order {order}?',
      'Refund for {order} still not received. It is {amount}.',
      'You said the refund would take three days. Order {order}.',
    ],
    zh: ['订单{order}的退款{amount}什么时候到账？', '我已经把{product}退回了，退款怎么还没到？', '退款{amount}一直没收到，订单号{order}。', '请问{order}退款进度到哪一步了？'],
    answer: { en: 'The refund of {amount} for order {order} was issued; banks need up to five days.', zh: '订单{order}的退款{amount}已经提交，银行一般五个工作日内到账。' },
  },
  return_request: {
    about: 'order',
    en: ['I would like to return the {product} from order {order}.', 'The {product} does not fit, how do I send it back?', 'How can I return order {order}? I changed my mind.', 'Please send me a return label for {order}.'],
    zh: ['我想退货，订单号{order}。', '{product}不合适，怎么退？', '不想要了，{order}可以七天无理由退货吗？', '请给我一个退货地址，商品是{product}。'],
    answer: { en: 'You can return the {product} within 30 days; the label for order {order} is in your account.', zh: '{product}支持七天无理由退货，订单{order}的退货单已经生成，请在订单页查看。' },
  },
  damaged_item: {
    about: 'order',
    en: [
      'The {product} arrived broken. Order {order}, I want a replacement.',
      'My {product} has a crack in it, very disappointed.',
      'Order {order}: the box was crushed and the {product} does not work.',
      'The {product} stopped working after one day.',
    ],
    zh: ['收到的{product}是坏的，订单{order}，要求换货。', '{product}有裂痕，太失望了。', '包装破损，{product}不能用了，订单号{order}。', '{product}用了一天就坏了，怎么办？'],
    answer: { en: 'We are sorry. A new {product} for order {order} is being sent at no cost.', zh: '非常抱歉，订单{order}的{product}我们会免费为您补发。' },
  },
  cancel_order: {
    about: 'order',
    en: ['Please cancel order {order}, I ordered it by mistake.', 'I want to cancel the {product}, is it still possible?', 'Cancel {order} please.', 'I ordered the {product} twice, cancel one of them. Order {order}.'],
    zh: ['请帮我取消订单{order}。', '拍错了，{product}能取消吗？', '订单{order}不要了，麻烦取消。', '{product}重复下单了，取消一个，订单号{order}。'],
    answer: { en: 'Order {order} has been cancelled; {amount} will be paid back.', zh: '订单{order}已经取消，{amount}将原路退回。' },
  },
  change_address: {
    about: 'order',
    en: ['I moved, can you change the address of order {order}?', 'Wrong address on {order}, please correct it.', 'Can the {product} be sent to my office instead?', 'Please change the delivery address for {order} before it ships.'],
    zh: ['订单{order}的收货地址写错了，可以改吗？', '麻烦改一下地址，订单号{order}。', '{product}能改送到公司吗？', '还没发货的话请帮我改地址，{order}。'],
    answer: { en: 'The address of order {order} can be changed in your account until it is packed.', zh: '订单{order}发货前可以在订单页修改收货地址。' },
  },
  invoice_request: {
    about: 'order',
    en: ['I need an invoice for order {order}.', 'Please send the invoice over {amount} for {order}.', 'Where can I download the receipt of the {product}?', 'The invoice of {order} lacks our VAT number.'],
    zh: ['订单{order}请开发票。', '{amount}的发票什么时候开？订单{order}。', '{product}的发票在哪里下载？', '发票抬头写错了，订单号{order}。'],
    answer: { en: 'The invoice of order {order} over {amount} can be downloaded from your account.', zh: '订单{order}的电子发票（{amount}）已经开具，请在订单页下载。' },
  },
  payment_problem: {
    about: 'item',
    en: ['My card was declined when I tried to buy the {product}.', 'I was charged {amount} twice!', 'Payment of {amount} fails with an error every time.', 'Can I pay for the {product} in instalments?'],
    zh: ['买{product}的时候付款失败了。', '{amount}被扣了两次款！', '付款一直报错，怎么回事？', '{product}可以分期付款吗？'],
    answer: { en: 'Please try again or choose another way to pay; a double charge of {amount} is returned by itself.', zh: '请重试或更换支付方式，重复扣款的{amount}会自动退回。' },
  },
  coupon_problem: {
    about: 'item',
    en: ['My coupon does not work for the {product}.', 'The code says expired, but it is valid until tomorrow.', 'Why can I not use two coupons on the {product}?', 'I forgot to use my coupon, can I still get the discount?'],
    zh: ['优惠券为什么不能用在{product}上？', '优惠码显示过期了，但是明天才到期。', '{product}可以叠加优惠券吗？', '忘记用优惠券了，可以补差价吗？'],
    answer: { en: 'One coupon is taken for an order, and some items are excluded; the conditions stand beside the code.', zh: '每个订单只能使用一张优惠券，部分商品不参加活动，详见券面说明。' },
  },
  product_question: {
    about: 'item',
    en: ['Is the {product} dishwasher safe?', 'What size is the {product}?', 'When will the {product} be in stock again?', 'Does the {product} come with a guarantee?'],
    zh: ['{product}有几种尺寸？', '{product}什么时候有货？', '{product}保修多久？', '请问{product}是正品吗？'],
    answer: { en: 'All details of the {product} are on its page; it has a guarantee of two years.', zh: '{product}的详细参数请见商品页，保修期为两年。' },
  },
  other: {
    about: 'item',
    en: ['Are you hiring at the moment?', 'Just wanted to say thank you, great shop!', 'What is the weather like in your warehouse?', 'Can you help me with my tax return?'],
    zh: ['你们公司还招人吗？', '谢谢，服务很好！', '今天天气怎么样？', '能帮我写一首诗吗？'],
    answer: { en: 'Thank you for writing to us.', zh: '感谢您的来信。' },
  },
});

export type Intent = keyof typeof textsOf;
export const intents = Object.keys(textsOf) as Intent[];
