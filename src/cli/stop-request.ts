/** When to stop: a signal, or the end of the parent. It listens from its first moment, so that a signal
 *  during the start cannot leave files behind. Source: control.md section 1, Exit. */

const PARENT_POLL_MS = 250;

export class StopRequest {
  /** Done at the first request. */
  readonly asked: Promise<void>;
  /** Called at each request after the first: end at once. */
  onAgain: () => void = () => {};
  /** What SIGHUP does. Undefined: it stops the program, because a terminal or a session is gone. */
  onHangup: (() => void) | undefined;

  /** The same as a first signal. */
  ask: () => void = () => {};

  #hungUp = false;

  /** @param parentEnded stop when it says so. Undefined: only when told. */
  constructor(parentEnded: (() => boolean) | undefined) {
    this.asked = new Promise((resolve) => {
      let requests = 0;
      const stop = (): void => {
        requests++;
        if (requests > 1) this.onAgain();
        resolve();
      };
      this.ask = stop;
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, stop);
      process.on('SIGHUP', () => (this.onHangup ?? stop)());
      if (parentEnded !== undefined) watchParent(parentEnded, stop);
    });
  }

  /** From now on SIGHUP does this instead of stopping; it is done as soon as possible. */
  remembersHangup(): void {
    this.onHangup = () => {
      this.#hungUp = true;
    };
  }

  reloadWith(reload: () => void): void {
    this.onHangup = reload;
    if (this.#hungUp) reload();
  }
}

/** Node has no prctl: we look at our parent now and then, which takes some microseconds. */
function watchParent(hasEnded: () => boolean, stop: () => void): void {
  // It may have ended while we started.
  if (hasEnded()) return stop();
  const timer = setInterval(() => {
    if (!hasEnded()) return;
    clearInterval(timer);
    stop();
  }, PARENT_POLL_MS);
  timer.unref();
}
