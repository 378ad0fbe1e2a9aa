import type { Config } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { ToFrontThread } from '../../shared/threads/protocol.ts';
import type { EventLog } from '../events/event-log.ts';
import type { Acceptor } from './acceptor.ts';
import { NativeAcceptor } from './native-acceptor.ts';
import { PublicAcceptor } from './public-acceptor.ts';
import { createUwsAcceptor } from './uws-acceptor.ts';
import { canReusePort, handlesFor } from './ways.ts';

export interface FrontParts {
  readonly config: Config;
  /** Slots of request threads. */
  readonly slots: number;
  readonly log: Log;
  readonly events: Pick<EventLog, 'add'>;
  readonly send: (slot: number, message: ToFrontThread) => void;
  /** What the front cannot do now; empty = nothing. */
  readonly onDegraded: (reasons: readonly string[]) => void;
}

/**
 * Makes what accepts connections for FRONT; it does not listen yet. Nothing of uWebSockets.js is loaded where it does not
 * serve. @throws when it cannot be made
 */
export async function openFront(parts: FrontParts): Promise<Acceptor> {
  const { config, slots, log, events, send, onDegraded } = parts;
  const { front, inheritedSocket, tls, maxHeaderBytes } = config.server;
  const handles = handlesFor(config);
  if (inheritedSocket !== undefined && (front === 'uws' || handles === undefined)) {
    log.warn({ inheritedSocket }, 'the socket that was passed on (LISTEN_FDS) is not used: only FRONT=native can');
  }
  if (front === 'uws') return createUwsAcceptor({ tls, maxHeaderBytes });
  if (handles === undefined) {
    const reusePort = canReusePort();
    log.warn(
      { node: process.versions.node, reusePort },
      reusePort
        ? "Node's own handles cannot be had: each request thread listens itself, and the kernel chooses among them"
        : "Node's own handles cannot be had: one request thread serves; with Node 24 all do",
    );
    return new PublicAcceptor({ reusePort, send, log });
  }
  return new NativeAcceptor({
    handles,
    slots,
    config,
    log,
    send,
    inherited: inheritedSocket,
    onAccepting: (why) => {
      if (why === '') log.info('client connections are accepted again');
      else log.error(why);
      events.add('accepting', why === '' ? 'client connections are accepted again' : why);
      onDegraded(why === '' ? [] : [why]);
    },
  });
}
