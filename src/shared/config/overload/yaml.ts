import { PRIORITIES } from '../../overload/priority.ts';
import { BOUNDS, wholeNumber } from '../numbers.ts';
import { oneOf } from '../parsers.ts';
import { section } from '../yaml-fields.ts';

/** How much of a node's requests an upstream gets at a time. */
export const concurrencySchema = section({
  max: wholeNumber(BOUNDS.countOrNone).describe(
    'Requests of a node that may be under way there, until the header of the answer; the rest waits (queue), above it ' +
      '503. At least WORKERS; 0 = no limit.',
  ),
});

/** Of a route and of a profile. */
export const prioritySchema = oneOf(PRIORITIES);
