import { expect, test } from 'vitest';
import { RefusedCertificates } from './refused-certificates.ts';

test('a line a minute for each reason, with how many there were', () => {
  let nowMs = 5;
  const lines: unknown[][] = [];
  const refused = new RefusedCertificates({ warn: (...line: unknown[]) => void lines.push(line) }, () => nowMs);
  for (const address of ['a', 'b', 'c']) refused.note('CERT_HAS_EXPIRED', { address });
  refused.note('another', { address: 'd' });
  nowMs += 60_000;
  refused.note('CERT_HAS_EXPIRED', { address: 'e' });
  expect(lines).toEqual([
    [{ address: 'a', refused: 1 }, 'certificates of clients are refused: CERT_HAS_EXPIRED'],
    [{ address: 'd', refused: 1 }, 'certificates of clients are refused: another'],
    [{ address: 'e', refused: 3 }, 'certificates of clients are refused: CERT_HAS_EXPIRED'],
  ]);
});
