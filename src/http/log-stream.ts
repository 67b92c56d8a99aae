import { fstatSync, write, writeSync } from 'node:fs';

const MiB = 1_024 * 1_024;
/**
 * The most characters of waiting lines. More lines are dropped, because a log that nobody reads must not fill the
 * memory.
 */
const most = 4 * MiB;
/** How long to wait before a failed write is tried again, in milliseconds. */
const retryAfter = 1_000;
/** How long the process waits at its end for the reader of the log, in milliseconds. */
const farewell = 500;

/**
 * Where the log goes. It never holds up the site. Lines wait in memory while they cannot be written, for example on a
 * full disk or a pipe that nobody reads. If too many wait, new lines are dropped. When writing works again, the log
 * says how many were dropped.
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

  /** @param told is called when the log can be written again, with the number of dropped lines and the reason. */
  constructor(
    private readonly descriptor: number,
    private readonly told: (lost: number, fault: string) => void,
  ) {}

  /** The log on standard output. Lines that still wait are written when the process ends. */
  static toStandardOutput(told: (lost: number, fault: string) => void): LogStream {
    const stats = fstatSync(1);
    // this makes Node open the pipe so that a write to a full pipe fails; it would block a thread until somebody reads
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
    // a log line that `tell` writes has already started the next write
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

  /** Waits until all earlier bytes are written, so that its message is on a line of its own. */
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
