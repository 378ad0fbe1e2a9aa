import { expect, test } from 'vitest';
import { checkNodeVersion } from './node-version.mjs';

test.each(['20.19.0', '20.20.2', '22.12.0', '24.0.0', '25.1.0', '26.12.1', '28.0.0'])('Node %s will do', (version) => {
  expect(() => checkNodeVersion(version)).not.toThrow();
});

test.each(['18.20.8', '20.18.3', '21.7.3', '22.11.0', '23.5.0'])('Node %s will not', (version) => {
  expect(() => checkNodeVersion(version)).toThrow(`needs Node.js 20.19+, 22.12+ or 24+; this is ${version}`);
});
