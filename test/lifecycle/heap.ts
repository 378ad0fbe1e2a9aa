import { readdir, readFile, readlink } from 'node:fs/promises';
import { WebSocket } from 'undici';
import type { Gateway } from '../support/gateway.ts';

/** NODE_OPTIONS of a gateway whose heaps can be measured. */
export const INSPECTABLE = '--inspect=127.0.0.1:0';

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId: string; readonly message?: string };
  readonly result?: { readonly usedSize?: number };
}

/** Measures the heaps of a gateway's request threads through the inspector, which collects their garbage first. */
export class Heaps implements Disposable {
  readonly #socket: WebSocket;
  readonly #sessions = new Set<string>();
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#onMessage(JSON.parse(String(data)) as Reply));
  }

  /** @param gateway started with NODE_OPTIONS=INSPECTABLE */
  static async attach(gateway: Gateway, threads: number): Promise<Heaps> {
    const url = /ws:\/\/\S+/.exec(gateway.stderr())?.[0];
    if (url === undefined) throw new Error('the gateway was not started with an inspector');
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    const heaps = new Heaps(socket);
    await heaps.#call('NodeWorker.enable', { waitForDebuggerOnStart: false });
    if (heaps.#sessions.size !== threads) throw new Error(`${heaps.#sessions.size} threads can be measured`);
    return heaps;
  }

  /** Bytes in use by all request threads together, garbage not counted. */
  async usedBytes(): Promise<number> {
    let sum = 0;
    for (const session of this.#sessions) {
      // Twice: finalizers that the first collection runs let go of more.
      await this.#inThread(session, 'HeapProfiler.collectGarbage');
      await this.#inThread(session, 'HeapProfiler.collectGarbage');
      sum += (await this.#inThread(session, 'Runtime.getHeapUsage')).result?.usedSize ?? Number.NaN;
    }
    return sum;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #reply(id: number): Promise<Reply> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  async #call(method: string, params: object): Promise<Reply> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await this.#reply(id);
  }

  async #inThread(sessionId: string, method: string): Promise<Reply> {
    const id = ++this.#lastId;
    void this.#call('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method }) });
    return await this.#reply(id);
  }

  #onMessage(reply: Reply): void {
    const { id, method, params } = reply;
    if (id !== undefined) {
      this.#waiting.get(id)?.(reply);
      this.#waiting.delete(id);
    } else if (method === 'NodeWorker.attachedToWorker' && params !== undefined) {
      this.#sessions.add(params.sessionId);
    } else if (method === 'NodeWorker.receivedMessageFromWorker') {
      this.#onMessage(JSON.parse(params?.message ?? '{}') as Reply);
    }
  }
}

/** Sockets a process holds. */
export async function openSockets(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const files = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return files.filter((file) => file.startsWith('socket:')).length;
}

/** Resident memory of a process in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
