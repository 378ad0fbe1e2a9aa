import { expect, test } from 'vitest';
import { Chain } from './chain.ts';

class Link {
  chainPrevious: Link | undefined = undefined;
  chainNext: Link | undefined = undefined;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

const namesOf = (chain: Chain<Link>): string => {
  let names = '';
  for (let link = chain.first; link !== undefined; link = link.chainNext) names += link.name;
  return names;
};

test('whoever leaves, from anywhere, leaves the others in their order', () => {
  const chain = new Chain<Link>();
  const links = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => new Link(name));
  for (const link of links) chain.push(link);
  for (const at of [0, 2, 5]) chain.remove(links[at] as Link);
  expect([namesOf(chain), chain.size, chain.first?.name, chain.last?.name]).toEqual(['bde', 3, 'b', 'e']);
  chain.push(links[2] as Link);
  expect(namesOf(chain)).toBe('bdec');
  for (const at of [1, 4, 2, 3]) chain.remove(links[at] as Link);
  expect([chain.size, chain.first, chain.last]).toEqual([0, undefined, undefined]);
});

test('moving to the end', () => {
  const chain = new Chain<Link>();
  const links = ['a', 'b', 'c'].map((name) => new Link(name));
  for (const link of links) chain.push(link);
  for (const link of links) chain.moveToEnd(link);
  expect(namesOf(chain)).toBe('abc');
  chain.moveToEnd(links[1] as Link);
  chain.moveToEnd(links[1] as Link);
  expect([namesOf(chain), chain.size]).toEqual(['acb', 3]);
});
