import * as z from 'zod';
import { BOUNDS, wholeNumber } from '../numbers.ts';
import { listOf, section } from '../yaml-fields.ts';

const TEXT_PHRASE = 'a text (quotes make one of a number)';

const condition = section({
  header: z.string('the name of a header field').describe('A header field of the request.'),
  equals: z.string(TEXT_PHRASE).describe('Its value, exactly; a field that comes more than once has none.'),
});

/** Upstreams among which the requests of a route are divided. */
export const splitSchema = listOf(
  section({
    upstream: z.string('the name of an upstream').describe('Name of the upstream.'),
    weight: wholeNumber(BOUNDS.weight)
      .optional()
      .describe('Share of clients beside those of the others; 0 = only requests that its condition fits. Default 1.'),
    when: condition
      .optional()
      .describe('Requests that come here whatever the weights; of several conditions the first that fits holds.'),
  }),
  'a list of two or more upstreams',
);
