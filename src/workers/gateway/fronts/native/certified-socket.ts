import type { TLSSocket } from 'node:tls';
import { ClientCertificate } from '../../identity/certificates/client-certificate.ts';

/**
 * What ends a TLS connection whose client was asked for a certificate, and has that: read when a route wants to know, and
 * once. After a session was taken up again it is the one of the first handshake (RFC 5246, section F.1.4; RFC 8446, section 2.2).
 */
export class CertifiedSocket {
  readonly #socket: TLSSocket;
  #certificate: ClientCertificate | 'none' | undefined;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  certificate(): ClientCertificate | undefined {
    if (this.#certificate === undefined) {
      const x509 = this.#socket.getPeerX509Certificate();
      this.#certificate = x509 === undefined ? 'none' : new ClientCertificate(x509);
    }
    return this.#certificate === 'none' ? undefined : this.#certificate;
  }
}
