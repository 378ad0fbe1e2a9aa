/** For the bench's own children: ends this process when its parent has gone, also when that was before this call. */
export function goWithParent(): void {
  process.once('disconnect', () => process.exit(0));
  if (!process.connected) process.exit(0);
}
