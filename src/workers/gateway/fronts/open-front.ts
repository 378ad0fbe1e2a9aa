import { nodeHandles } from '../../../shared/net/handles.ts';
import { NO_ROWS, ThreadConnections } from '../../../shared/threads/connection-table.ts';
import type { FromRequestThread, RequestThreadStart } from '../../../shared/threads/protocol.ts';
import type { RequestThread } from '../request-thread.ts';
import type { ClientFront } from './front.ts';
import { NativeFront } from './native/native-front.ts';
import { PublicListener } from './native/public-listener.ts';
import { openReceiver } from './native/receiver.ts';
import { SOCKET_TOOLS, SocketHandle } from './native/socket-handle.ts';

export interface FrontParts {
  readonly start: RequestThreadStart;
  readonly thread: RequestThread;
  readonly post: (message: FromRequestThread) => void;
}

/** Opens the thread's part of the front that the process has. Nothing of another front is loaded. */
export async function openFront({ start, thread, post }: FrontParts): Promise<ClientFront> {
  switch (start.front.kind) {
    case 'uws': {
      const { UwsFront } = await import('./uws/uws-front.ts');
      return new UwsFront(thread);
    }
    case 'native': {
      const handles = nodeHandles();
      if (handles === undefined) throw new Error("Node's own handles are missing in this thread");
      const rows = new ThreadConnections(start.front.connections, start.slot);
      const front = new NativeFront({ thread, tools: handles, rows, tls: start.tls });
      const receiver = await openReceiver({
        handles,
        front: start.front,
        slot: start.slot,
        rows,
        onSocket: (handle, peer) => front.accept(handle, peer),
        onLost: () =>
          post({ to: 'threads', type: 'failed', reason: 'the front process hands over no connections any more' }),
      });
      front.source = { receive: () => {}, finish: () => receiver.finish(), close: () => receiver.close() };
      return front;
    }
    case 'public': {
      const front = new NativeFront({ thread, tools: SOCKET_TOOLS, rows: NO_ROWS, tls: start.tls });
      const listener = new PublicListener({
        post: (message) => post({ to: 'acceptor', ...message }),
        maxConnections: () => Math.ceil(thread.config.server.maxConnections / thread.config.server.workers),
        onSocket: (socket, peer) => front.accept(new SocketHandle(socket), peer),
        onRefused: () => {},
      });
      front.source = {
        receive: (message) => {
          if (message.type !== 'close-idle') listener.receive(message);
        },
        finish: () => true, // the front has told it to stop listening
        close: () => listener.close(),
      };
      return front;
    }
    default:
      return start.front satisfies never;
  }
}
