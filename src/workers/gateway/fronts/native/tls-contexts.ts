import { constants, createHash, randomFillSync } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { TlsConfig } from '../../../../shared/config/types.ts';
import { certificateNames } from '../../../../shared/tls/certificate-names.ts';
import type { TlsMaterial } from '../../../../shared/tls/material.ts';

/**
 * The context a connection starts with, and the others by server name. Names are matched as clients match them: a
 * wildcard stands for exactly one label.
 */
export interface TlsContexts {
  readonly first: SecureContext;
  /** `undefined`: there is one certificate, so nothing is asked. */
  readonly byName: ((serverName: string) => SecureContext | undefined) | undefined;
}

/** How long a session can be taken up again, and so how long an old ticket key is of use. */
const SESSION_SECONDS = 3600;
/** Sessions are bound to it; the same everywhere, or one thread's would be refused by the others. */
const SESSION_ID_CONTEXT = 'api-gateway';
/** OpenSSL's SSL_MAX_SID_CTX_LENGTH. */
const LONGEST_CONTEXT = 32;

/**
 * A session brings the client's certificate with it, as verified as it was then. So none is taken up again that was made
 * when others were trusted to issue them, or when nobody was asked for one.
 */
function sessionIdContext(clientCa: string | undefined): string {
  if (clientCa === undefined) return SESSION_ID_CONTEXT;
  const digest = createHash('sha256').update(clientCa).digest('hex');
  return `${SESSION_ID_CONTEXT}:${digest}`.slice(0, LONGEST_CONTEXT);
}

/** Seals and opens session tickets; one for all contexts of a thread, changed without touching them. */
export interface TicketKeys {
  keys: readonly Uint8Array[];
}

/**
 * OpenSSL's ticket callback, which Node has on the native context but does not document (seen on 20.20, 24.21, 26.12). The
 * documented `ticketKeys` are one key: a rotation would refuse every ticket that is out.
 */
interface NativeContext {
  enableTicketKeyCallback?: () => void;
  onticketkeycallback?: (name: Uint8Array, iv: Uint8Array, seals: boolean) => readonly unknown[];
  setTicketKeys(keys: Uint8Array): void;
}

/**
 * What the callback answers first: ignore the ticket, or take it and give out a new one. Taking it without a new one would
 * leave a client of TLS 1.3, which uses each ticket once, with none.
 */
const TICKET = { unknown: 0, renew: 2 } as const;

const IV_BYTES = 16;
/** Random bytes are drawn for many tickets at once; Node copies what the callback answers. */
const ivPool = Buffer.allocUnsafeSlow(256 * IV_BYTES);
let ivAt = ivPool.length;

function nextIv(): Uint8Array {
  if (ivAt === ivPool.length) {
    randomFillSync(ivPool);
    ivAt = 0;
  }
  return ivPool.subarray(ivAt, (ivAt += IV_BYTES));
}

const sameName = (key: Uint8Array, name: Uint8Array): boolean => {
  for (let i = 0; i < 16; i++) if (key[i] !== name[i]) return false;
  return true;
};

/** Nothing may throw in here: it runs inside OpenSSL. */
function onTicket(keys: readonly Uint8Array[], name: Uint8Array, seals: boolean): readonly unknown[] {
  const index = seals ? 0 : keys.findIndex((key) => sameName(key, name));
  const key = keys[Math.max(index, 0)] as Uint8Array; // there is at least one
  return [
    index < 0 ? TICKET.unknown : TICKET.renew,
    key.subarray(16, 32),
    key.subarray(32, 48),
    key.subarray(0, 16),
    nextIv(),
  ];
}

function useTicketKeys(context: SecureContext, tickets: TicketKeys): void {
  const native = context.context as NativeContext;
  if (native.enableTicketKeyCallback === undefined) {
    // On a Node without it sessions are still shared, but end when the key changes.
    native.setTicketKeys(tickets.keys[0] as Uint8Array);
    return;
  }
  native.onticketkeycallback = (name, _iv, seals) => onTicket(tickets.keys, name, seals);
  native.enableTicketKeyCallback();
}

/** @throws when OpenSSL refuses a certificate, a key or the ciphers; the front has tried them before */
export function createTlsContexts(config: TlsConfig, material: TlsMaterial, tickets: TicketKeys): TlsContexts {
  const contexts = material.certificates.map(({ certificate, key }) => {
    const context = createSecureContext({
      cert: certificate,
      key,
      minVersion: config.minVersion,
      ciphers: config.ciphers,
      sessionIdContext: sessionIdContext(material.clientCa),
      sessionTimeout: SESSION_SECONDS,
      // A client could make us do handshake after handshake on one connection.
      ca: material.clientCa ?? [], // where nobody is verified the system's would be read for each context
      allowPartialTrustChain: true, // an intermediate authority is trusted without the root, which vouches for others too
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    });
    useTicketKeys(context, tickets);
    return { context, names: certificateNames(certificate) };
  });
  const [first] = contexts;
  if (first === undefined) throw new Error('TLS without a certificate');
  if (contexts.length === 1) return { first: first.context, byName: undefined };
  const table = new Map<string, SecureContext>();
  // The first certificate that has a name gets it.
  for (const { context, names } of contexts) {
    for (const name of names) if (!table.has(name)) table.set(name, context);
  }
  return {
    first: first.context,
    byName: (serverName) => {
      const name = serverName.toLowerCase();
      const dot = name.indexOf('.');
      return table.get(name) ?? (dot < 0 ? undefined : table.get(`*${name.slice(dot)}`));
    },
  };
}
