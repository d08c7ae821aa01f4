/** A reader of ours that went away is no reason to stop. */
export function expectNoReader(stream: NodeJS.WriteStream): void {
  stream.on('error', () => {});
}
