import { z } from 'zod';
import { parseJson } from '../../shared/parse-json.ts';

const limitEvent = z.discriminatedUnion('type', [
  /** The hash of overrides is another: read it. */
  z.object({ type: z.literal('limit-overrides') }),
  /** The buckets of a client were deleted (`reset`) or set: whatever is remembered of them is wrong. */
  z.object({ type: z.literal('limit-client'), client: z.string(), reset: z.boolean() }),
]);

/** What concerns the limits on the channel `api-gateway:events`. */
export type LimitEvent = z.infer<typeof limitEvent>;

/** The event in a message of the channel, or undefined for one of another kind. */
export const parseLimitEvent = (message: string): LimitEvent | undefined => parseJson(limitEvent, message);
