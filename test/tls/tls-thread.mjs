// A thread that accepts by itself, hands each socket to a TlsAcceptor of the built gateway, and answers every read over
// the TLS handle as a front would: `echo <bytes>`.
// workerData: { dist, config, material, skip }; messages are those of tls-thread.ts, each answered with the state.
import { parentPort, workerData } from 'node:worker_threads';

/** @typedef {any} Handle libuv's, as Node has it inside */

/** Bytes that are taken off the plain connection before TLS; what was read behind them is handed on. */
const { dist, config, material, skip = 0 } = workerData;
const { TlsAcceptor } = await import(`${dist}/src/workers/gateway/fronts/native/tls-server.js`);
const { binding } = /** @type {any} */ (process);
const { TCP, constants } = binding('tcp_wrap');
const { WriteWrap, streamBaseState, kReadBytesOrError } = binding('stream_wrap');

const acceptor = new TlsAcceptor(config, material);
const shared = Buffer.allocUnsafeSlow(65_536);
/** @type {string[]} */
const failures = [];
let open = 0;

/**
 * @param {Handle} handle
 * @param {Uint8Array} [firstBytes]
 */
function accept(handle, firstBytes) {
  acceptor.accept(handle, {
    ...(firstBytes && { firstBytes }),
    /**
     * @param {Handle} tls
     * @param {import('node:tls').TLSSocket} socket
     */
    onSecure(tls, socket) {
      open++;
      socket.on('close', () => open--);
      tls.useUserBuffer(shared);
      tls.onread = () => {
        const length = streamBaseState[kReadBytesOrError];
        if (length > 0) tls.writeLatin1String(new WriteWrap(), `echo ${shared.toString('latin1', 0, length)}`);
        else socket.destroy();
      };
    },
    /** @param {string} reason */
    onFailed: (reason) => failures.push(reason),
  });
}

const server = new TCP(constants.SERVER);
server.bind('127.0.0.1', 0);
server.listen(511);
server.onconnection = (/** @type {number} */ status, /** @type {Handle} */ handle) => {
  if (status !== 0) return;
  if (skip === 0) {
    accept(handle);
    return;
  }
  handle.useUserBuffer(shared);
  handle.onread = () => accept(handle, shared.subarray(skip, streamBaseState[kReadBytesOrError]));
  handle.readStart();
};

const state = () => ({
  counts: acceptor.counts,
  handshaking: acceptor.handshaking,
  open,
  failures,
  sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
});

parentPort?.on('message', (message) => {
  if (message.type === 'reload') acceptor.reload(message.config, message.material);
  if (message.type === 'ticket-keys') acceptor.setTicketKeys(message.keys);
  if (message.type === 'close') {
    server.close();
    acceptor.close();
    parentPort?.close();
  }
  if (message.type === 'throw') throw new Error('on purpose');
  parentPort?.postMessage({ type: 'done', state: state() });
});
/** @type {any} */
const address = {};
server.getsockname(address);
parentPort?.postMessage({ type: 'listening', port: address.port });
