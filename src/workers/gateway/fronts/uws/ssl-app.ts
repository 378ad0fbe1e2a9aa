import { readFileSync } from 'node:fs';
import uWS from 'uWebSockets.js';
import type { AppOptions, TemplatedApp } from 'uWebSockets.js';
import type { TlsConfig, TlsFiles } from '../../../../shared/config/types.ts';
import { certificateNames } from '../../../../shared/tls/certificate-names.ts';

/** BoringSSL has the ciphers of TLS 1.3 fixed, and a list is only of the others. */
export const boringCiphers = (ciphers: string): string =>
  ciphers
    .split(':')
    .filter((name) => !name.startsWith('TLS_'))
    .join(':');

/** A TLS app of uWS with the first certificate. @throws when the files or the ciphers cannot be used */
export function createSslApp(tls: TlsConfig): TemplatedApp {
  const [first] = tls.certificates;
  if (first === undefined) throw new Error('TLS without a certificate');
  return uWS.SSLApp(optionsFor(tls, first));
}

/**
 * The other certificates, for the names they are for. A name has a router of its own in uWS, so `addRoutes` is called
 * for each.
 */
export function addCertificates(app: TemplatedApp, tls: TlsConfig, addRoutes: (app: TemplatedApp) => void): void {
  const taken = new Set<string>();
  for (const [index, files] of tls.certificates.entries()) {
    for (const name of certificateNames(readFileSync(files.certFile, 'utf8'))) {
      if (taken.has(name)) continue; // the first certificate that has a name gets it
      taken.add(name);
      if (index === 0) continue;
      app.addServerName(name, optionsFor(tls, files));
      addRoutes(app.domain(name));
    }
  }
}

function optionsFor(tls: TlsConfig, { certFile, keyFile }: TlsFiles): AppOptions {
  const ciphers = boringCiphers(tls.ciphers);
  return {
    cert_file_name: certFile,
    key_file_name: keyFile,
    // With it uSockets asks for a certificate, and lets in whoever has none.
    ...(tls.clientCaFile !== undefined && { ca_file_name: tls.clientCaFile }),
    ...(ciphers !== '' && { ssl_ciphers: ciphers }),
  };
}
