import { fromText } from '../parsed.ts';

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

const step = (sum: number, value: number): number => {
  const top = sum >>> 25;
  return GENERATOR.reduce((next, part, bit) => next ^ ((top >>> bit) & 1 ? part : 0), ((sum & 0x1ffffff) << 5) ^ value);
};

/**
 * Whether a text is Bech32 (BIP 173) under this name. It is checked here, since age takes any 32 bytes for a recipient: a
 * backup for one that is misspelt could be opened by nobody.
 */
function isBech32(text: string, name: string): boolean {
  if (!text.startsWith(`${name}1`)) return false;
  const data = Array.from(text.slice(name.length + 1), (letter) => LETTERS.indexOf(letter));
  if (data.length < 7 || data.includes(-1)) return false;
  const codes = Array.from(name, (letter) => letter.charCodeAt(0));
  const all = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...data];
  return all.reduce(step, 1) === 1;
}

const X25519_LENGTH = 62;

/** A public key of age (X25519), for which backups are encrypted. */
export const ageRecipient = fromText<string>((text) =>
  text.length === X25519_LENGTH && isBech32(text, 'age')
    ? { ok: true, value: text }
    : { ok: false, expected: 'a recipient of age, as "age-keygen" prints it: age1 and 58 letters and digits' },
);

/** Its private key. The file that age-keygen writes has it below lines of comment. */
export const ageIdentity = fromText<string>((text) => {
  const lines = text.split('\n').map((line) => line.trim());
  const [key, ...more] = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const ok = key !== undefined && more.length === 0 && key === key.toUpperCase();
  return ok && isBech32(key.toLowerCase(), 'age-secret-key-')
    ? { ok: true, value: key }
    : { ok: false, expected: 'one secret key of age, AGE-SECRET-KEY-1…' };
});
