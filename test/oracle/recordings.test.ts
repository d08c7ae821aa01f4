/** The copies of the recordings are what was recorded: to the byte, by the originals' SHA-256. */

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { recordedText, recordingFiles } from './recordings.ts';

const originals: Record<(typeof recordingFiles)[number], string> = {
  memory: '6aa3b41208c30fc6b9a2520c39d215aa85d833c78b6a5d74504713272fd15556',
  badblocks: '647a03eda7b2e85dab5ea8fa7437b26330659718eeb48425d40b791b0b9eb83c',
  cache: '068b4273cdd00bf85cdb50a4c834f4093fa3c906a6e277fd2dc1c8d2b91b0686',
  zones: '42135e8160562dff923e0eb32004d166021b67d669acfe842a9cab8d724d8da2',
  control: '43102f94053ca93d74b221b788dec682d1d1db8e54d24a7cc18e9db34f1d0200',
  'random-1': 'fbd7ff18a3878ef5679487a8ca7ce3100e31c2b3a690e62a64315bc8316484f6',
  'random-2': '2a92db48df98b9b85fec0b26cae41b6de37b34b5594ca0e46240298dfa56d125',
  'random-3': '403da2608e51cd12b3576251531a4f390eaa7add51672a2562a04167d095efc0',
  'random-4': '9dc8b8db49fcef64df68cb9b3d56ec4af4636ed2fc7eee6a05fad232cfe5a33e',
  parameters: 'b877c7c2f45b877870288b7a8e874e3561c6fc67051cbe63e551ab844286be26',
};

test.each(recordingFiles)('%s is the recorded one', (name) => {
  const text = recordedText(name, null);
  expect(createHash('sha256').update(text).digest('hex')).toBe(originals[name]);
});

test('a folder without the recordings is named', () => {
  expect(() => recordedText('memory', '/nowhere')).toThrow('/nowhere/memory.json is missing');
});
