import type { LoadMessage } from './plan.ts';

/** Sends a message from a load child to its parent. */
export function tell(message: LoadMessage, sent: () => void = () => {}): void {
  process.send?.(message, sent);
}
