import { request } from 'node:http';

/** The address of the file that an upload has become; empty where it has not. */
export const fileIn = ({ headers }: Response): string =>
  /<(.+)>; rel="describedby"/.exec(headers.get('link') ?? '')?.[1] ?? '';

/** Speaks tus 1.0 by hand, for one who may upload. */
export class TusClient {
  /** @param headers who asks: a bearer token, or a cookie with an origin. */
  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string>,
    private readonly address = '/api/v1/uploads',
  ) {}

  ask(path: string, method: string, headers: Record<string, string> = {}, body?: Buffer | string): Promise<Response> {
    return fetch(new URL(path, this.url), {
      method,
      headers: { 'tus-resumable': '1.0.0', ...this.headers, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
  }

  begin(size: number, metadata: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    const pairs = Object.entries(metadata).map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`);
    return this.ask(this.address, 'POST', {
      'upload-length': String(size),
      ...(pairs.length > 0 && { 'upload-metadata': pairs.join(',') }),
      ...headers,
    });
  }

  /** The same, where it is known to succeed: gives the address of the upload. */
  async begun(size: number, metadata: Record<string, string>): Promise<string> {
    const answer = await this.begin(size, metadata);
    if (answer.status !== 201) throw new Error(`The upload was answered ${answer.status}: ${await answer.text()}`);
    return answer.headers.get('location') ?? '';
  }

  send(address: string, offset: number, bytes: Buffer): Promise<Response> {
    const type = 'application/offset+octet-stream';
    return this.ask(address, 'PATCH', { 'content-type': type, 'upload-offset': String(offset) }, bytes);
  }

  find(address: string): Promise<Response> {
    return this.ask(address, 'HEAD');
  }

  async offsetOf(address: string): Promise<number> {
    return Number((await this.find(address)).headers.get('upload-offset'));
  }

  /** Announces a piece of so many bytes, sends those it is given, and leaves the connection open until it is cut. */
  stall(address: string, offset: number, length: number, bytes: Buffer): { cut: () => void } {
    const { hostname, port } = new URL(this.url);
    const piece = request({
      ...{ hostname, port, method: 'PATCH', path: address, agent: false },
      headers: {
        'tus-resumable': '1.0.0',
        'content-type': 'application/offset+octet-stream',
        'content-length': length,
        'upload-offset': offset,
        ...this.headers,
      },
    });
    piece.on('error', () => undefined);
    piece.write(bytes);
    return { cut: () => void piece.destroy() };
  }
}
