import { z } from 'zod';

/** Body of POST /admin/session. */
export const sessionWish = z.strictObject({
  token: z.string('the admin token').min(1, 'the admin token').max(512, 'the admin token'),
});
export type SessionWish = z.infer<typeof sessionWish>;

/** POST and DELETE /admin/session */
export const sessionAnswer = z.object({ signedIn: z.boolean() });
