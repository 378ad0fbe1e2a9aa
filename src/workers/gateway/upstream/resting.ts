import { Line } from './line.ts';

/** A connection, as far as it rests. */
export interface Resting {
  readonly state: string;
  /** The loop has polled its socket once more, and it has not closed. */
  onRested(): void;
}

/**
 * Connections of this thread whose answer has ended, until the loop has polled its sockets once more. What the kernel
 * has for them already, the end of the connection or bytes that nobody asked for, shows itself in that poll; a request
 * sent before would be lost, or get those bytes for its answer.
 */
const line = new Line<Resting>();
/** How many of them were answered before the poll of the present loop turn. */
let polled = 0;
let looking: NodeJS.Immediate | undefined = undefined;
/** A look comes behind the poll that brought the answer, the one that counts behind the next. */
const LOOKS = 2;
/** How many of the next looks somebody waits for. */
let awaitedLooks = 0;

/** The connection hears `onRested` behind the next poll, unless the connection closes first. */
export function rest(connection: Resting): void {
  line.push(connection);
  if (looking === undefined) lookAfterPoll();
}

/** Somebody waits for a connection that rests: the next polls are not to wait for anything. */
export function hurry(): void {
  awaitedLooks = LOOKS;
  looking?.ref();
}

/**
 * Without its hold on the loop an immediate costs no turn of its own: it runs behind a poll that waits as it would anyway,
 * which with nothing else to come may be long.
 */
function lookAfterPoll(): void {
  looking = setImmediate(look);
  if (awaitedLooks === 0) looking.unref();
}

/** Runs behind each poll for as long as a connection rests: immediates set while immediates run belong to the next turn. */
function look(): void {
  looking = undefined;
  if (awaitedLooks > 0) awaitedLooks--;
  let count = polled;
  polled = line.size - polled;
  if (polled > 0) lookAfterPoll();
  for (; count > 0; count--) {
    const connection = line.shift();
    if (connection?.state === 'resting') connection.onRested();
  }
}
