/**
 * What TLS for clients is made of, as the front read it: the threads get the contents, so that what was checked is what
 * is used, also by a thread that starts later, when a file is just being written or has gone.
 */
export interface TlsMaterial {
  /** At least one; the first is shown to clients that name no server or one that no certificate has. */
  readonly certificates: readonly CertificateAndKey[];
  /** At least one, each of {@link TICKET_KEY_BYTES}. The first seals session tickets, all open them. */
  readonly ticketKeys: readonly Uint8Array[];
  /** PEM of those who issue certificates of clients; `undefined` = clients are not asked for one. */
  readonly clientCa: string | undefined;
}

/** PEM texts; the certificate may have its chain behind it. Secret: never logged. */
export interface CertificateAndKey {
  readonly certificate: string;
  readonly key: string;
}

/** Name (16), HMAC key (16) and AES key (16): the layout of Node's `ticketKeys` and of nginx's and HAProxy's 48-byte keys. */
export const TICKET_KEY_BYTES = 48;
