/** The shop's items. A group is what customers have a taste for; its items are neighbours in the truth. */
import { mix } from './random.js';

export interface Product {
  item: string;
  group: number;
  /** price of one unit, euro cents */
  unitMinor: number;
  english: string;
  chinese: string;
}

export interface Catalogue {
  products: Product[];
  /** the products of each group, the most popular first */
  groups: Product[][];
}

/** code, English, Chinese, usual price in cents */
const kinds = [
  ['KET', 'electric kettle', '电热水壶', 3499],
  ['MUG', 'stoneware mug', '陶瓷马克杯', 1299],
  ['LMP', 'desk lamp', '台灯', 4599],
  ['BAG', 'canvas backpack', '帆布双肩包', 5999],
  ['SHO', 'running shoes', '跑鞋', 8999],
  ['TSH', 'cotton t-shirt', '纯棉T恤', 1999],
  ['EAR', 'wireless earphones', '无线耳机', 7999],
  ['TOY', 'wooden train set', '木制小火车', 2799],
  ['TEA', 'jasmine tea', '茉莉花茶', 899],
  ['PAN', 'frying pan', '平底锅', 3999],
  ['BLK', 'wool blanket', '羊毛毯', 6499],
  ['PHN', 'smartphone', '智能手机', 39900],
] as const;
const colours = [
  ['red', '红色'],
  ['blue', '蓝色'],
  ['black', '黑色'],
  ['white', '白色'],
  ['green', '绿色'],
] as const;

const itemsOfAGroup = 25;

export function createCatalogue(seed: number, items: number): Catalogue {
  const groupCount = Math.max(1, Math.min(Math.round(items / itemsOfAGroup), items));
  const groups: Product[][] = Array.from({ length: groupCount }, () => []);
  const products: Product[] = [];
  for (let i = 0; i < items; i++) {
    const group = i % groupCount;
    const product = createProduct(mix(seed, i), group, i);
    products.push(product);
    groups[group].push(product);
  }
  return { products, groups };
}

function createProduct(hash: number, group: number, index: number): Product {
  const [code, english, chinese, usual] = kinds[group % kinds.length];
  const [colour, colourChinese] = colours[hash % colours.length];
  const factor = 0.6 + ((hash >>> 8) % 1000) / 1000; // 0.6 to 1.6 times the usual price
  return {
    item: `${code}-${String(1000 + index)}${'ABCDEFGH'[(hash >>> 3) % 8]}`,
    group,
    unitMinor: Math.max(99, Math.round((usual * factor) / 100) * 100 - 1), // shops end their prices with 99
    english: `${colour} ${english}`,
    chinese: `${colourChinese}${chinese}`,
  };
}
