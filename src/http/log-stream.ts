import { fstatSync, write, writeSync } from 'node:fs';

const MiB = 1_024 * 1_024;
/** Characters of lines that wait, beyond which lines are lost: a log that nobody takes must not fill the memory. */
const most = 4 * MiB;
/** Milliseconds after which a write that failed is tried again. */
const retryAfter = 1_000;
/** Milliseconds that the end of the process waits for whoever reads the log. */
const farewell = 500;

/**
 * Where the log goes. Nothing of it holds up the site: lines are written beside all else, and while they cannot be, as on
 * a full disk, or a pipe that nobody reads, they wait, and then are lost, and that is told once it goes on.
 */
export class LogStream {
  private waiting: string[] = [];
  private length = 0;
  private bytes: Buffer = Buffer.alloc(0);
  private lost = 0;
  private fault: string | undefined;
  /** Whether bytes are being written, or wait for another try. */
  private isBusy = false;
  private isWriting = false;

  /** @param told how many lines were lost, and why, once the log can be written again. */
  constructor(
    private readonly descriptor: number,
    private readonly told: (lost: number, fault: string) => void,
  ) {}

  /** Standard output. What waits at the end of the process is written then. */
  static toStandardOutput(told: (lost: number, fault: string) => void): LogStream {
    const stats = fstatSync(1);
    // Node opens a pipe so that a write to a full one fails, and does not hold a thread until somebody reads
    if (stats.isFIFO() || stats.isSocket()) process.stdout.on('error', () => undefined);
    const stream = new LogStream(1, told);
    process.once('exit', () => {
      stream.end();
    });
    return stream;
  }

  write(line: string): void {
    if (this.length + line.length > most) {
      this.lost += 1;
      return;
    }
    this.waiting.push(line);
    this.length += line.length;
    this.next();
  }

  private next(): void {
    // what is told in the middle of it is a line too, and has begun the next write already
    if (this.isBusy) return;
    this.fill();
    if (this.bytes.length === 0) return;
    this.isBusy = true;
    this.isWriting = true;
    write(this.descriptor, this.bytes, (error, written) => {
      this.isWriting = false;
      if (error) {
        this.wait(error);
        return;
      }
      this.isBusy = false;
      this.bytes = this.bytes.subarray(written);
      this.tell();
      this.next();
    });
  }

  private fill(): void {
    if (this.bytes.length > 0 || this.waiting.length === 0) return;
    this.bytes = Buffer.from(this.waiting.join(''));
    this.waiting = [];
    this.length = 0;
  }

  private wait({ message }: Error): void {
    this.fault = message;
    setTimeout(() => {
      this.isBusy = false;
      this.next();
    }, retryAfter).unref();
  }

  /** When all that had begun is out, so that what is told stands on a line of its own. */
  private tell(): void {
    if (this.bytes.length > 0 || (this.fault === undefined && this.lost === 0)) return;
    const { lost, fault = 'it was written faster than it was read' } = this;
    this.lost = 0;
    this.fault = undefined;
    this.told(lost, fault);
  }

  private end(): void {
    const until = Date.now() + farewell;
    const begun = this.isWriting ? [] : [this.bytes];
    let bytes = Buffer.concat([...begun, Buffer.from(this.waiting.join(''))]);
    while (bytes.length > 0 && Date.now() < until)
      try {
        bytes = bytes.subarray(writeSync(this.descriptor, bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
  }
}
