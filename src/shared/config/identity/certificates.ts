import * as z from 'zod';
import type { Parsed } from '../parsed.ts';
import { textLike } from '../parsed.ts';
import { oneOf } from '../parsers.ts';
import { CERTIFICATE_PARTS } from '../words.ts';
import { exactlyOne, flag, section } from '../yaml-fields.ts';
import type { CertificatePart } from './types.ts';

/** Client certificates in the YAML: what of them tells whose they are. */

const NAME_PHRASE = 'a text of 1 to 255 characters without control characters';
const name = z.string(NAME_PHRASE).regex(/^\P{Cc}{1,255}$/u, NAME_PHRASE);
const DNS_PHRASE = 'a DNS name as it stands in the certificate';
const FINGERPRINT_PHRASE = 'a SHA-256 in hex, as "openssl x509 -fingerprint -sha256" shows it';

/** Lower-case hex. */
function parseFingerprint(text: string): Parsed<string> {
  const hex = text.replaceAll(':', '').toLowerCase();
  const isOne = /^[0-9a-f]{64}$/.test(hex) && (text.length === 64 || text.length === 95);
  return isOne ? { ok: true, value: hex } : { ok: false, expected: FINGERPRINT_PHRASE };
}

export const certificateSchema = section({
  subject_cn: name.optional().describe('Common name (CN) of the subject; there must be one only.'),
  san_uri: name.optional().describe('A URI in subjectAltName, letter by letter.'),
  san_dns: z
    .string(DNS_PHRASE)
    .regex(/^[!-+\--~]{1,253}$/, DNS_PHRASE)
    .optional()
    .describe('A DNS name in subjectAltName, in upper or lower case; * stands for itself.'),
  fingerprint: textLike(parseFingerprint, FINGERPRINT_PHRASE)
    .optional()
    .describe('SHA-256 of the certificate, in hex, with or without colons.'),
  disabled: flag.optional().describe('It is refused, whoever else it would be; default false.'),
}).meta(exactlyOne(...CERTIFICATE_PARTS));

/** Fields of an authority; those that a consumer has too are beside it. */
export const authorityFields = {
  issuer_cn: name.optional().describe('Common name (CN) of who has issued the certificate; default whoever.'),
  consumer: oneOf(CERTIFICATE_PARTS)
    .optional()
    .describe('What names the consumer: subject_cn, san_uri, san_dns or fingerprint; default subject_cn.'),
} as const;

export type CertificateYaml = z.infer<typeof certificateSchema>;

interface NamedCertificate {
  readonly part: CertificatePart;
  readonly value: string;
}

/** What a certificate of a consumer is known by, in the form in which it is looked up; `undefined` = nothing is said. */
export function certificatePartOf(certificate: CertificateYaml): NamedCertificate | undefined {
  const part = CERTIFICATE_PARTS.find((each) => certificate[each] !== undefined);
  const text = part === undefined ? undefined : certificate[part];
  if (part === undefined || text === undefined) return undefined;
  if (part === 'san_dns') return { part, value: text.toLowerCase() };
  return { part, value: part === 'fingerprint' ? text.replaceAll(':', '').toLowerCase() : text };
}
