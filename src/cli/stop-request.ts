/** When to stop: a signal, or the end of the parent. Listens from the moment it is made, so that a
 *  signal during the start cannot leave files behind. Source: control.md section 1, Exit. */

const PARENT_POLL_MS = 250;

export class StopRequest {
  /** Done at the first request. */
  readonly asked: Promise<void>;
  /** Called at each request after the first: end at once. */
  onAgain: () => void = () => {};
  /** What SIGHUP means; undefined: it asks to stop, since a terminal or a session has gone. */
  onHangup: (() => void) | undefined;

  #hungUp = false;

  /** @param parent stop when this is our parent no more; undefined: only when told. */
  constructor(parent: number | undefined) {
    this.asked = new Promise((resolve) => {
      let requests = 0;
      const stop = (): void => {
        requests++;
        if (requests > 1) this.onAgain();
        resolve();
      };
      for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, stop);
      process.on('SIGHUP', () => (this.onHangup ?? stop)());
      if (parent !== undefined) watchParent(parent, stop);
    });
  }

  /** From now on SIGHUP means something else than an end, and is done when it can be. */
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

/** Node has no prctl: its parent is asked for now and then, which takes a microsecond. */
function watchParent(parent: number, stop: () => void): void {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    stop();
  }, PARENT_POLL_MS);
  timer.unref();
}
