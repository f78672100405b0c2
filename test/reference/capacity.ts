/** As the real engine's; it is fixed at the start. */
export interface ReferenceCapacity {
  readonly orders: number;
  readonly levels: number;
  readonly instruments: number;
  readonly accounts: number;
  readonly assets: number;
}
