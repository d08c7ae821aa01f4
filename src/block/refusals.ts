/** Why a command is refused: a rule forbids it, and nothing of it is wrong with the device. One table for
 *  all rules of a device, of a client's session and of the server.
 *  Source: page.md section 3. */

/** The causes, and what each means. */
export const refusalCauses = {
  badblocks: 'it touches a bad sector',
  zones: 'a rule of zones forbids it',
  command: 'the command is unknown or was not offered',
  'read-only': 'it writes, and the export is read-only',
  flags: 'a flag is unknown, not offered or not for this command',
  range: 'the range ends behind the end of the export',
  length: 'its length is zero or too long',
  alignment: 'its offset or length is not a multiple of the block size',
  context: 'no metadata context was selected, or others were',
  memory: 'there is no memory to receive its data',
  journal: 'the journal is full',
  shutdown: 'the export or the server goes away',
} as const;
export type RefusalCause = keyof typeof refusalCauses;

export const refusalCauseNames = Object.keys(refusalCauses) as RefusalCause[]; // a table of ours: it has no other keys

/** The causes that a driver finds, so that a request has them; the others never become requests. */
export type RequestCause = Extract<RefusalCause, 'badblocks' | 'zones'>;
export const requestCauses: readonly RequestCause[] = ['badblocks', 'zones'];
