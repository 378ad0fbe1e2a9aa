/** The parts of express 5 that the peer uses; the package brings no types. */
declare module 'express' {
  import type { IncomingMessage, Server, ServerResponse } from 'node:http';

  type Handler = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => unknown;

  interface Application {
    disable(setting: string): Application;
    use(handler: Handler): Application;
    listen(port: number, host: string, done: () => void): Server;
  }

  export default function express(): Application;
}
