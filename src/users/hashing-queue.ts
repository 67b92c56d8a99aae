import { Busy } from '../http/errors.js';

/** How many seconds somebody is asked to wait before they try again. */
const comeBackAfter = 3;

interface Job {
  readonly begin: () => void;
  readonly turnAway: (busy: Busy) => void;
}

/**
 * A queue in which clients take turns. The jobs of one client stay in order. However many jobs the others have, a
 * client waits for only a job or two of each. If the queue is full, the client with the most waiting jobs loses its
 * last one, so that a client with few jobs gets in.
 */
export class HashingQueue {
  /** The waiting jobs of each client. The client whose turn is next stands first. */
  private readonly waiting = new Map<string, Job[]>();
  private count = 0;
  private active = 0;

  /**
   * @param atOnce how many jobs run at the same time.
   * @param most how many jobs may wait, for all clients together.
   */
  constructor(
    private readonly atOnce: number,
    private readonly most: number,
  ) {}

  /**
   * Does the work when it is the client's turn.
   *
   * @param mostOfOne how many jobs of this client may wait.
   * @throws Busy if too many jobs wait and no other client can lose one instead, or if this job is the one that is
   * dropped.
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

  /** Makes room for a client that has `own` jobs waiting, by dropping a job of the client that has the most. */
  private turnAwayFor(own: number): void {
    const [client, jobs] = [...this.waiting].reduce((most, one) => (one[1].length > most[1].length ? one : most));
    // it is not fairer to drop a job of a client that would then have fewer jobs than the newcomer
    if (jobs.length <= own + 1) throw new Busy(comeBackAfter);
    jobs.pop()?.turnAway(new Busy(comeBackAfter));
    this.count--;
    if (jobs.length === 0) this.waiting.delete(client);
  }

  /** When a job is done, the next client's first job begins. That client's other jobs go to the end of the queue. */
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
