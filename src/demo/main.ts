/**
 * The demo upstream as a process: PORT (5001, 0 = any free one) and HOST (127.0.0.1).
 * Exit codes: 0 after SIGTERM, SIGINT or when its parent goes; 69 when it cannot listen; 78 on a bad PORT.
 */
import { startUpstream } from './server.ts';

const GRACE_MS = 2000;

function fail(message: string, code: number): never {
  process.stderr.write(`demo upstream: ${message}\n`);
  process.exit(code);
}

const portText = process.env['PORT'] ?? '5001';
const host = process.env['HOST'] ?? '127.0.0.1';
const wanted = /^\d{1,5}$/.test(portText) ? Number(portText) : Number.NaN;
if (!(wanted <= 65_535)) fail(`PORT: expected a whole number from 0 to 65535, got "${portText}"`, 78);

const upstream = await startUpstream({ port: wanted, host }).catch((error: NodeJS.ErrnoException) =>
  fail(
    error.code === 'EADDRINUSE' ? `port ${wanted} on ${host} is already in use; set PORT to another` : error.message,
    69,
  ),
);
const { port } = upstream;
process.stdout.write(`${JSON.stringify({ level: 'info', msg: 'demo upstream ready', host, port })}\n`);

const stop = (): void => void upstream.close(GRACE_MS).then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
if (process.send) {
  process.once('disconnect', stop);
  process.send({ type: 'ready', port });
}
