import fc from 'fast-check';

/** Any string at all: broken surrogates, marks, joiners, all planes. */
export const anyString = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0x200d, 0x301, 0xfe0f, 0x20, 0xa, 0xffa0, 0xd83d, 0x661)), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
);

/** What texts are made of, in any order: nearer to what the rules look at than random characters. */
export const anyText = fc.array(fc.constantFrom(
  'order', "can't", 'SO-123/45', '$12.50', '{{Order Number}}', '<email>', '我', '退款', '没有收到', 'T恤', '138', '0013', '8000', '@', 'example.com', '.', ',', '-', ' ', ' ', '+86', '(', ')', '/', 'street', '12', '路', '号', '杭州市',
  '\ud83d\ude00', '\ud800', '?', '!', '[数字x]', 'é', 'שלום', '\u200b', '\n', "'s", '4111', '1111', '[', '{{', '<', '110101', '19900307', 'x', 'X', '_', '#', ' constructor ', ' __proto__ ', ' gonna ', ' to ', ' do ',
), { maxLength: 25 }).map((parts) => parts.join(''));
