/** Something that the caller has to know in one line. Nothing was written. */
export class Failure extends Error {
  override readonly name = 'Failure';
  /** 2: what the caller wrote, or what stands in the folder, is wrong. 3: the registry cannot be read. */
  readonly exitCode: 2 | 3;

  constructor(exitCode: 2 | 3, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}
