import { Busy } from '../http/errors.js';

/** Seconds after which somebody who is told to come back may try again. */
const comeBackAfter = 3;

interface Job {
  readonly begin: () => void;
  readonly turnAway: (busy: Busy) => void;
}

/**
 * A queue in which clients take turns, each with its own jobs in their order: whoever has one waits for a job or two of
 * each other client, however many those have. A full queue turns away the last job of the client that has the most
 * waiting, so a client that has few is let in.
 */
export class HashingQueue {
  /** The jobs that wait, by client; the client whose turn is next stands first. */
  private readonly waiting = new Map<string, Job[]>();
  private count = 0;
  private active = 0;

  /**
   * @param atOnce how many jobs are worked on at the same time.
   * @param most how many jobs wait, of all clients together.
   */
  constructor(
    private readonly atOnce: number,
    private readonly most: number,
  ) {}

  /**
   * Does the work in its client's turn.
   *
   * @param mostOfOne how many jobs of this client may wait.
   * @throws Busy where more wait than may, and none of another client is turned away for it.
   */
  async run<Result>(client: string, work: () => Promise<Result>, mostOfOne = this.most): Promise<Result> {
    if (this.active >= this.atOnce) await this.wait(client, mostOfOne);
    else this.active++;
    try {
      return await work();
    } finally {
      this.handOn();
    }
  }

  private wait(client: string, mostOfOne: number): Promise<void> {
    const own = this.waiting.get(client) ?? [];
    if (own.length >= mostOfOne) throw new Busy(comeBackAfter);
    if (this.count >= this.most) this.turnAwayFor(own.length);
    return new Promise((begin, turnAway) => {
      own.push({ begin, turnAway });
      this.waiting.set(client, own);
      this.count++;
    });
  }

  /** Makes room for a client that has so many waiting, at the cost of the one that has the most. */
  private turnAwayFor(own: number): void {
    const [client, jobs] = [...this.waiting].reduce((most, one) => (one[1].length > most[1].length ? one : most));
    // to turn somebody away who has no more than the newcomer would then have is no fairer
    if (jobs.length <= own + 1) throw new Busy(comeBackAfter);
    jobs.pop()?.turnAway(new Busy(comeBackAfter));
    this.count--;
    if (jobs.length === 0) this.waiting.delete(client);
  }

  /** The place of a job that is done goes to the next client; its others go to the end. */
  private handOn(): void {
    const [next] = this.waiting;
    if (!next) {
      this.active--;
      return;
    }
    const [client, jobs] = next;
    const job = jobs.shift();
    this.count--;
    this.waiting.delete(client);
    if (jobs.length > 0) this.waiting.set(client, jobs);
    job?.begin();
  }
}
