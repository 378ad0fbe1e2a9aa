import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { findProgram } from './processes.ts';

/** A self-signed certificate for 127.0.0.1, the same for all subjects of a run. */
export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Both in one file, as HAProxy wants them. */
  readonly pemFile: string;
}

/** ECDSA P-256, a day. Undefined where openssl is not installed. @throws Error when it fails */
export function makeCertificate(folder: string): Certificate | undefined {
  const program = findProgram('openssl');
  if (program === undefined) return undefined;
  const [certFile, keyFile, pemFile] = ['cert.pem', 'key.pem', 'both.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const made = spawnSync(program, ['req', '-x509', ...key, ...subject, '-out', certFile], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`openssl: no certificate\n${made.stderr}`);
  writeFileSync(pemFile, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'));
  return { certFile, keyFile, pemFile };
}

/** What a handshake with this URL settles on, such as `TLSv1.3 TLS_AES_256_GCM_SHA384`. @throws Error when it fails */
export async function negotiated(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false });
  try {
    await once(socket, 'secureConnect');
    return `${socket.getProtocol() ?? ''} ${socket.getCipher().name}`;
  } finally {
    socket.destroy();
  }
}
