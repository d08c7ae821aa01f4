/** How flags are spelled. */

export function kebab(name: string): string {
  return name.replaceAll('_', '-');
}

/** `--name`, `--name=value`, `-N`, `-Nvalue` or `-N=value`. */
export function splitFlag(argument: string): { name: string; value: string | undefined } {
  const [, name = argument, equals = '', rest = ''] =
    /^(--[^=]+|-.)(=?)(.*)$/s.exec(argument) ?? [];
  return { name, value: equals === '' && rest === '' ? undefined : rest };
}
