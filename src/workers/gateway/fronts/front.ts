import type { Config } from '../../../shared/config/types.ts';
import type { TlsMaterial } from '../../../shared/tls/material.ts';
import type { ToFrontThread, ToRequestThread } from '../../../shared/threads/protocol.ts';

/** What the front process tells the part of it that lives on a request thread. */
export type ToClientFront = ToFrontThread | Extract<ToRequestThread, { readonly type: 'ticket-keys' }>;

/** The part of a front that lives on a request thread, as the rest of the thread sees it. */
export interface ClientFront {
  /** What `listening` says. */
  readonly descriptor: unknown;
  /** Open client connections. */
  readonly open: number;
  /** Whether a request from this address must be refused, so that its connection goes. */
  isBeyondCap(address: string): boolean;
  /** A new configuration; connections keep what they have. @param tls set exactly where the configuration has TLS */
  configure(config: Config, tls: TlsMaterial | undefined): void;
  receive(message: ToClientFront): void;
  /** Every tick of the thread. */
  tick(nowMs: number): void;
  /** Takes what was sent to this thread before it left, and no more. @returns whether nothing can come any more */
  finish(): boolean;
  /** Whether no client is in the middle of connecting or of a request's head, as far as it can be seen. */
  isResting(): boolean;
  /** Cuts every connection; nothing new comes. */
  close(): void;
}
