/** Reads a log of dm-log-writes, written from the kernel's documentation, apart from src/journal/: each entry as a
 *  line, its data as a letter for each sector. */

const names: readonly (readonly [bigint, string])[] = [
  [4n, 'discard'],
  [2n, 'fua'],
];

export function readDmLog(bytes: Buffer): string[] {
  if (bytes.readBigUInt64LE(0) !== 0x6a736677736872n) throw new Error('magic');
  if (bytes.readBigUInt64LE(8) !== 1n) throw new Error('version');
  const entries = Number(bytes.readBigUInt64LE(16));
  const sectorBytes = bytes.readUInt32LE(24);
  const lines: string[] = [];
  let at = sectorBytes;
  for (let entry = 0; entry < entries; entry++) {
    const sector = bytes.readBigUInt64LE(at);
    const sectors = bytes.readBigUInt64LE(at + 8);
    const flags = bytes.readBigUInt64LE(at + 16);
    const length = Number(bytes.readBigUInt64LE(at + 24));
    const text = bytes.subarray(at + 32, at + 32 + length).toString();
    at += sectorBytes;
    if ((flags & 8n) !== 0n) {
      lines.push(`mark ${text}`);
      continue;
    }
    const words = names.filter(([bit]) => (flags & bit) !== 0n).map(([, name]) => name);
    if ((flags & 1n) !== 0n) words.unshift('flush');
    if ((flags & 4n) === 0n && sectors > 0n) {
      const data = bytes.subarray(at, at + Number(sectors) * sectorBytes);
      at += data.length;
      const letters = Array.from({ length: Number(sectors) }, (_, one) => {
        const byte = data[one * sectorBytes] ?? 0;
        return byte === 0 ? '.' : String.fromCharCode(byte);
      });
      lines.push([...words, 'write', `${sector}+${sectors}`, letters.join('')].join(' '));
    } else {
      lines.push([...words, ...(sectors > 0n ? [`${sector}+${sectors}`] : [])].join(' '));
    }
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes are left`);
  return lines;
}
