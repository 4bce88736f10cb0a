/**
 * Another process has landed a page of the source since this one loaded its checkpoint. Nothing was written. Whoever
 * syncs the source again loads the checkpoint, and goes on from there.
 */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
  /** Which source. */
  readonly source: string;

  constructor(source: string) {
    super(`Another process has gone on with ${source}; sync it again to go on after its last page`);
    this.source = source;
  }
}
