/** Whether the store holds as many clients as it should; the front says so. */
export interface StoreRoom {
  /** Clients that have no bucket get none: they are decided by their address. */
  isFull: boolean;
}
