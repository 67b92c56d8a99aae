import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a site that can be cut, as a cable is: whoever uses it loses the connection at once. */
export class Line {
  private readonly sockets = new Set<Socket>();
  private isUp = true;
  private breaks: number[] = [];
  /** How often an answer was broken off. */
  broken = 0;

  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    /** Where the site is reached by way of this. */
    readonly url: string,
  ) {}

  static async to(url: string): Promise<Line> {
    const { hostname, port } = new URL(url);
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = new Line(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('connection', (near) => {
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) line.hold(socket);
      if (line.isUp) near.pipe(far).pipe(near);
      else line.cut();
      far.on('data', () => {
        if (far.bytesRead < (line.breaks[0] ?? Infinity)) return;
        line.breaks.shift();
        line.broken++;
        far.destroy();
        near.end();
      });
    });
    return line;
  }

  /** Ends all connections, and each new one, until it is mended. */
  cut(): void {
    this.isUp = false;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Breaks off an answer once so many bytes of it have come, then another, and lets the next connection through. */
  breakAfter(...bytes: number[]): void {
    this.breaks = bytes;
  }

  mend(): void {
    this.isUp = true;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private hold(socket: Socket): void {
    this.sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('close', () => {
        this.sockets.delete(socket);
      });
  }
}
