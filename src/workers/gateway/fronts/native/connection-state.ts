/** The states of a client's connection. */

// What the next byte from the client belongs to.
export const HEAD = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
/** Nothing: the last request has been read. */
export const IGNORED = 3;
/** Nothing: the last answer has been given. */
export const LINGER = 4;
export const CLOSED = 5;
/** Another protocol. */
export const TUNNEL = 6;

// Bits of flags: as fields of their own they would be a tenth of an idle connection's memory.
/** Inside the loop over the bytes of one read: what is answered meanwhile leaves at its end. */
export const CONSUMING = 1;
/** The newest request is the last. */
export const LAST_REQUEST = 2;
/** It was in HTTP/1.0. */
export const HTTP_1_0 = 4;
/** All exchanges under way are safe and without a body, so that others may run beside them. */
export const ALL_SAFE = 8;
/** The client waits for `100 Continue`, or may. */
export const EXPECTS = 16;
/** The client has sent its end. */
export const HALF_CLOSED = 32;
/** The body is read no further for now: its exchange says so. */
export const BODY_PAUSED = 64;
/** As much waits for its turn as may. */
export const KEPT_FULL = 128;
/** The answer that is given says that the connection closes. */
export const SAID_CLOSE = 256;
/** The answer that is given is complete, and has not left whole. */
export const END_WAITS = 512;
/** The answer that is given is a stream of events. */
export const EVENT_STREAM = 1024;
/** The client wants the connection closed after its newest request. */
export const ASKED_CLOSE = 2048;
/** And has said all before the last answer left. */
export const SAID_ALL = 4096;
/** Of the body that is awaited nothing has come since the connection was looked at last. */
export const BODY_SILENT = 8192;

// How the body of an answer is delimited for the client; kept by the exchange while it goes on.
export const IN_CHUNKS = 1;
export const UNTIL_CLOSE = 2; // else by its length

/** Bytes that wait for their turn: requests that may not be read yet, or answers that may not be written yet. */
export const MOST_WAITING_BYTES = 64 * 1024;
