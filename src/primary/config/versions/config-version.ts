import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { parseJson } from '../../../shared/parse-json.ts';

const configVersion = z.object({
  version: z.int().positive(),
  /** When it was pushed, by the clock of that node. */
  at: z.iso.datetime(),
  by: z.string(),
  comment: z.string(),
  /** What differs from the version before, in a line. */
  changes: z.string(),
  files: z.array(z.object({ name: z.string(), text: z.string() })).min(1),
  /** HMAC-SHA256 in hex. */
  signature: z.string(),
});

/** One configuration as it was pushed: the YAML, not what stands for its references. */
export type ConfigVersion = z.infer<typeof configVersion>;
export type UnsignedVersion = Omit<ConfigVersion, 'signature'>;
export type VersionFiles = ConfigVersion['files'];

/** What a signature is for: one of a proposal that nodes refused makes no version. */
export type Seal = 'version' | 'proposal';

function signatureOf(key: string, seal: Seal, of: UnsignedVersion): Buffer {
  const { version, at, by, comment, changes, files } = of;
  const signed = ['api-gateway config 1', seal, version, at, by, comment, changes, files.map((f) => [f.name, f.text])];
  return createHmac('sha256', key).update(JSON.stringify(signed)).digest();
}

/** @param keys the first signs; without any the signature only shows that nothing was damaged */
export function signVersion(unsigned: UnsignedVersion, seal: Seal, keys: readonly string[]): ConfigVersion {
  return { ...unsigned, signature: signatureOf(keys[0] ?? '', seal, unsigned).toString('hex') };
}

/** Why a version is not taken, as the metric calls it. */
export const REFUSALS = ['malformed', 'unsigned', 'false_signature'] as const;
export type Refusal = (typeof REFUSALS)[number];

export type ReadVersion =
  | { readonly ok: true; readonly version: ConfigVersion }
  | { readonly ok: false; readonly refusal: Refusal };

/** Believes what one of the keys has signed. */
export function readVersion(text: string, seal: Seal, keys: readonly string[]): ReadVersion {
  const version = parseJson(configVersion, text);
  if (version === undefined) {
    const unsigned = parseJson(configVersion.omit({ signature: true }), text);
    return { ok: false, refusal: unsigned === undefined ? 'malformed' : 'unsigned' };
  }
  const given = Buffer.from(version.signature, 'hex');
  const believed = (keys.length === 0 ? [''] : keys).some((key) => {
    const right = signatureOf(key, seal, version);
    return given.length === right.length && timingSafeEqual(given, right);
  });
  return believed ? { ok: true, version } : { ok: false, refusal: 'false_signature' };
}

/** What `current` in Redis says of it: two of the same number, pushed where neither knew of the other, differ. */
export const pointerOf = ({ version, signature }: ConfigVersion): string => `${version} ${signature.slice(0, 16)}`;
