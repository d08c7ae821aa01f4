/** Where commands wait that others than the main thread have executed, until a device's request log has them.
 *  Source: test-api.md section 4. */

/** A log, as it is told of them. Times are of the clock. */
export interface TakesExecuted {
  /** The number of the last command. */
  readonly last: number;
  /** It has the next number. @param what `whatOf` it. @param client as rules count them. */
  executed(
    arrived: number,
    answered: number,
    what: number,
    offset: number,
    bytes: number,
    client: number,
  ): void;
  /** Commands from number `first` on are the next ones that have ended. */
  endedElsewhere(first: number, count: number): void;
}

export interface NotedElsewhere {
  /** Called when there are some. */
  onNews: () => void;
  /** Tells the log of each that came before `now`: first `executed` of all in the order in which they came, then
   *  `endedElsewhere` in the order in which they ended. */
  collect(log: TakesExecuted, now: number): void;
  /** Forgets them. */
  skip(): void;
  /** Whether there is news as soon as there are some. */
  follow(isFollowed: boolean): void;
}
