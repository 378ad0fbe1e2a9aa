import type { Socket } from 'node:net';
import type { Handles } from '../../../shared/net/handles.ts';
import { handleOf, HandleWire } from './handle-wire.ts';
import { SocketWire } from './socket-wire.ts';
import type { Wire, WireOwner } from './wire.ts';

/**
 * @param socket connected; it reads into the thread's buffer by node:net's `onread`, whose callback is for SocketWire alone
 * @param handles as far as they are to be used
 */
export function openWire(socket: Socket, owner: WireOwner, handles: Handles | undefined): Wire {
  const handle = handles === undefined ? undefined : handleOf(socket);
  return handles === undefined || handle === undefined
    ? new SocketWire(socket, owner)
    : new HandleWire({ socket, handle, handles }, owner);
}
