import * as z from 'zod';
import { BOUNDS, decimal } from '../numbers.ts';
import { section } from '../yaml-fields.ts';

/** Where copies of a route's requests go. */
export const mirrorSchema = section({
  upstream: z
    .string('the name of an upstream')
    .describe('Name of an upstream that no route forwards to: its answers are read by nobody.'),
  percent: decimal(BOUNDS.mirrorPercent).describe('Of the requests, drawn at random.'),
});
