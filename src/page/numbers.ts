/** Numbers as people read them. */

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** 4.0 GiB. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < BINARY.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${BINARY[unit]}`;
}

/** 12.3 k. */
export function countText(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} G`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(1)} k`;
  return String(Math.round(count));
}

/** @param ns nanoseconds. */
export function timeText(ns: number): string {
  if (ns >= 60e9) return `${(ns / 60e9).toFixed(1)} min`;
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(1)} s`;
  if (ns >= 1e6) return `${(ns / 1e6).toFixed(1)} ms`;
  if (ns >= 1e3) return `${(ns / 1e3).toFixed(1)} us`;
  return `${Math.round(ns)} ns`;
}

const SECTOR_BYTES = 512;

/** The bytes of a device by its attributes: size_bytes goes before size, which is in MiB. */
export function sizeOf({
  size,
  size_bytes,
}: {
  size: number;
  size_bytes: number | string;
}): number {
  const exact = Number(size_bytes);
  return exact > 0 ? exact : size * 1024 * 1024;
}

/** A device's length in sectors, the last one perhaps in part. */
export function sectorsOf(attributes: { size: number; size_bytes: number | string }): number {
  return Math.ceil(sizeOf(attributes) / SECTOR_BYTES);
}
