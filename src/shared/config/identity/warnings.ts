import { readKeyFile } from '../../identity/issuer-key-file.ts';
import { pathText } from '../path-text.ts';
import { showValue } from '../problems.ts';
import type { Problem } from '../problems.ts';
import type { ReadFile } from '../text-file.ts';
import type { IdentitiesConfig } from './types.ts';

const EXPECTED = { jwks_file: 'a JWK set', public_key_file: 'public keys in PEM' } as const;

/**
 * Files of issuers' keys that are of no use now, or hold none for an algorithm that is taken. No error: a running gateway
 * keeps the keys of before, and one that starts refuses nobody else for it.
 */
export const badKeyFiles = ({ issuers }: IdentitiesConfig, readFile: ReadFile): readonly Problem[] =>
  issuers.flatMap(({ name, keySource, algorithms }) => {
    if (keySource.kind === 'jwks_url') return [];
    const { kind, file } = keySource;
    const read = readKeyFile(keySource, readFile);
    const useful = read.ok && read.keys.some((key) => key.algorithms.some((each) => algorithms.includes(each)));
    if (useful) return [];
    const hint = read.ok ? `it has no key for ${algorithms.join(', ')}` : read.why;
    return [{ key: pathText(['issuers', name, kind]), value: showValue(file), expected: EXPECTED[kind], hint }];
  });
