import { optional, withDefault } from '../env-variable.ts';
import { BOUNDS, secondsText, wholeNumberText } from '../numbers.ts';
import { cipherList, fileList, fileName, oneOf } from '../parsers.ts';
import { TLS_CLIENT_AUTH, TLS_VERSIONS } from '../words.ts';

/**
 * Mozilla's intermediate set without DHE: what every client since about 2014 has, each with forward secrecy and AEAD. The
 * client's order counts, which puts ChaCha20 first where there is no AES in hardware.
 */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/** Variables of TLS on the client port. */
export const TLS_ENV = {
  TLS_CERT_FILE: optional(
    fileList,
    'Certificate chain (PEM) for https on the client port, or several with commas: each serves the DNS names it is ' +
      'for, the first also everybody else. Needs TLS_KEY_FILE.',
  ),
  TLS_KEY_FILE: optional(
    fileList,
    'Private key (PEM, without passphrase) of each certificate in TLS_CERT_FILE, in the same order.',
  ),
  TLS_MIN_VERSION: withDefault(oneOf(TLS_VERSIONS), 'TLSv1.2', 'Oldest TLS that is spoken with clients.'),
  TLS_CIPHERS: withDefault(
    cipherList,
    CIPHERS.join(':'),
    "Ciphers for clients, as OpenSSL's list. Where it names none of TLS 1.3 (TLS_…), those of the default stay.",
  ),
  TLS_HANDSHAKE_TIMEOUT_SECONDS: withDefault(
    secondsText(BOUNDS.seconds),
    '10',
    'A client whose TLS handshake takes longer is disconnected.',
  ),
  TLS_MAX_HANDSHAKES: withDefault(
    wholeNumberText(BOUNDS.count),
    '256',
    'TLS handshakes under way per thread; a client above it is disconnected.',
  ),
  TLS_CLIENT_AUTH: withDefault(
    oneOf(TLS_CLIENT_AUTH),
    'off',
    'optional: clients are asked for a certificate; one that none of TLS_CLIENT_CA_FILE has issued ends the handshake, a ' +
      'client without one is let in. Routes with certificate in authenticate want one.',
  ),
  TLS_CLIENT_CA_FILE: optional(
    fileName,
    'Certificates (PEM) of those who issue the certificates of clients. Each is trusted by itself, whoever has issued it.',
  ),
  TLS_TICKET_KEYS_FILE: optional(
    fileName,
    'Keys of session tickets that several nodes share: a line each, 48 random bytes as base64 or hex. The first seals, ' +
      'all open. Unset: random ones of this process.',
  ),
} as const;
