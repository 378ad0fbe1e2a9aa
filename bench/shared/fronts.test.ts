import { describe, expect, it } from 'vitest';
import { gatewayVariants, knowsSetting, parseFronts } from './fronts.ts';

describe('fronts', () => {
  it('reads a list and knows what is no front', () => {
    expect(parseFronts('native,uws,native')).toEqual(['native', 'uws']);
    for (const text of ['', 'native,', 'nginx', 'native uws']) expect(parseFronts(text)).toBeUndefined();
  });

  it('names gateways after their fronts only where fronts are asked for', () => {
    expect(gatewayVariants(['native', 'uws']).map(({ name, env }) => [name, env])).toEqual([
      ['gateway, native', { FRONT: 'native' }],
      ['gateway, uws', { FRONT: 'uws' }],
    ]);
    expect(gatewayVariants(undefined)).toMatchObject([{ name: 'gateway', env: {} }]);
  });

  it('tells settings of this build from others', () => {
    expect(knowsSetting('UPSTREAM_URL')).toBe(true);
    expect(knowsSetting('NO_SUCH_SETTING')).toBe(false);
  });
});
