/** Parts of the suite `websocket`, by what `--cases` calls them: bursts of echoed messages, and sockets that are idle. */
export const WEBSOCKET_PARTS = ['small', 'small-burst', 'large', 'large-burst', 'idle'] as const;
export type WebSocketPart = (typeof WEBSOCKET_PARTS)[number];
