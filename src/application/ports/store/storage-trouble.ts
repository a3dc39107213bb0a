/** What is kept cannot be read or written just now: a full or broken disk, a busy file, a thread that ended. Nothing
 * was done, or it is not known; to ask again with the same key is safe. */
export class StorageUnavailableError extends Error {}

/** Error codes of the operating system that speak of the disk and of limits of this process, not of the request. */
const OF_STORAGE: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EIO',
  'EMFILE',
  'ENFILE',
  'EBUSY',
  'ENOMEM',
  'ETXTBSY',
]);
const CAUSES_MAX = 8;

/** Whether an error, or what caused it, is of the storage: ours, the operating system's or SQLite's. */
export function isOfStorage(error: unknown): boolean {
  let one = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof one === 'object' && one !== null; depth += 1) {
    if (one instanceof StorageUnavailableError) return true;
    const { code, errcode, cause } = one as {
      readonly code?: unknown;
      readonly errcode?: unknown;
      readonly cause?: unknown;
    };
    if (OF_STORAGE.has(code) || typeof errcode === 'number') return true;
    one = cause;
  }
  return false;
}
