/** Runs commands of a shell; a signal ends the work and the command that runs. */

/** @param kill ends the command: at a signal, and when the program ends. */
export async function interruptible<T>(
  kill: () => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new AbortController();
  const stop = (): void => {
    interrupt.abort();
    kill();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
  for (const signal of signals) process.on(signal, stop);
  process.once('exit', kill);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('exit', kill);
    for (const signal of signals) process.off(signal, stop);
  }
}
