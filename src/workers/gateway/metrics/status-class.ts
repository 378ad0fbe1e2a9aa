import { STATUS_CLASSES } from '../../../shared/metrics/layout.ts';

const FIVE_XX = STATUS_CLASSES.indexOf('5xx');
const NONE = STATUS_CLASSES.indexOf('none');

/** Place among STATUS_CLASSES. A status from 600 on is like a 5xx (RFC 9110, section 15). @param status 0 = none came */
export const statusClass = (status: number): number =>
  status === 0 ? NONE : Math.min(Math.floor(status / 100) - 1, FIVE_XX);
