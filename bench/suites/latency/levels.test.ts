import { describe, expect, it } from 'vitest';
import { chooseLevels } from './levels.ts';

const choose = (ceiling: number) => chooseLevels({ saturation: 10_000, ceiling, shares: [0.3, 0.6, 0.9] });

describe('chooseLevels', () => {
  it('takes all shares that the generator alone could make twice', () => {
    expect(choose(18_000).levels.map(({ ratePerSecond }) => ratePerSecond)).toEqual([3000, 6000, 9000]);
    expect(choose(18_000).beyond).toEqual([]);
  });

  it('says of the others why they are not shown', () => {
    const { levels, beyond } = choose(12_000);
    expect(levels.map(({ title }) => title)).toEqual([
      '30 % of saturation, 3000 req/s',
      '60 % of saturation, 6000 req/s',
    ]);
    expect(beyond).toEqual([
      'Not shown: 90 % of saturation, 9000 req/s: the open loop alone reaches 12000 req/s, which is not 2 times as much.',
    ]);
  });

  it('takes the most that the generator can vouch for where that is less than every share', () => {
    const { levels, beyond } = choose(4000);
    expect(levels).toEqual([{ share: 0.2, ratePerSecond: 2000, title: '20 % of saturation, 2000 req/s' }]);
    expect(beyond).toHaveLength(3);
  });
});
