import { EXIT as FRONT_EXIT } from '../shared/exit-codes.ts';

/** What the `gateway` command ends with: sysexits.h, so that init systems and scripts can tell the cases apart. */
export const EXIT = {
  ok: FRONT_EXIT.ok,
  /** The question was answered, and the answer is no: nothing has that name, or a check found something that fails, a backup that is damaged too. */
  negative: 1,
  /** The command line is wrong. */
  usage: 64,
  /** Something outside is not there or in the way: a port in use, no gateway to talk to. */
  unavailable: FRONT_EXIT.portTaken,
  /** A fault of the gateway's own. */
  internal: FRONT_EXIT.internal,
  /** The configuration is wrong; nothing was started or changed. */
  configuration: FRONT_EXIT.badConfig,
} as const;

/** A process that a signal ended: 128 + its number, as shells report it. */
export const exitCodeOfSignal = (signalNumber: number): number => 128 + signalNumber;

/** The table `--help` shows. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    done; for start: stopped by SIGTERM or SIGINT; for doctor: nothing fails; for probe: the status is expected
  1    the answer is no: the gateway has no such name, doctor found a failure, probe did not get what it expected,
       config diff found a difference, another version came first, a backup is damaged, too old, or cannot be put back
  64   the command line is wrong
  69   unavailable: a port is in use, no gateway answers, or Redis does not
  70   a fault of the gateway's own
  78   the configuration or the admin token is wrong; nothing was started or changed
  128+n  ended by signal n`;
