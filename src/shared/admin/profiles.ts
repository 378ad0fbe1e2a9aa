import { z } from 'zod';
import { PROFILE_SECONDS } from '../profile/order.ts';

/** POST /admin/profile */
export const profileWish = z.strictObject({
  kind: z
    .enum(['cpu', 'heap'], 'cpu or heap')
    .default('cpu')
    .describe('cpu: where processor time goes; heap: what allocates memory that is still in use.'),
  of: z
    .union([z.literal('front'), z.int().min(0)], 'front, or the number of a request thread')
    .default(0)
    .describe('The front, or the slot of a request thread.'),
  seconds: z.number().min(PROFILE_SECONDS.least).max(PROFILE_SECONDS.most).default(PROFILE_SECONDS.usual),
});
export type ProfileWish = z.infer<typeof profileWish>;

/** As V8 has it, for Chrome's DevTools; with further members. */
export const profileAnswer = z.union([
  z
    .looseObject({
      nodes: z.array(z.unknown()),
      startTime: z.number(),
      endTime: z.number(),
      samples: z.array(z.number()),
      timeDeltas: z.array(z.number()),
    })
    .describe('A .cpuprofile.'),
  z.looseObject({ head: z.looseObject({}), samples: z.array(z.unknown()) }).describe('A .heapprofile.'),
]);
export type ProfileAnswer = z.infer<typeof profileAnswer>;
