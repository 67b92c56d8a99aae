import { HttpException, Injectable, RequestTimeoutException } from '@nestjs/common';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import { minuteMs } from '../config/durations.js';
import { Keys } from '../config/keys.js';
import type { Viewer } from '../http/access.js';
import { readBody } from '../http/body.js';
import { Cookies } from '../http/cookies.js';
import { typedInto } from '../http/form.js';
import type { Link } from '../links/link.entity.js';
import { LinksService } from '../links/links.service.js';

interface Kept {
  /** The address of the page that holds the form. */
  readonly page: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Marks a browser whose next page shows the typed text again. */
const cookie = 'typed';
const cookieSeconds = 60;
const lifetimeMs = 10 * minuteMs;

/**
 * Keeps what was typed into a form while the member proves who they are. It is encrypted and kept for ten minutes, and
 * only the latest form of each session is kept. The form is not sent automatically afterwards, because somebody else
 * may have given the proof.
 */
@Injectable()
export class KeptForms {
  constructor(
    private readonly links: LinksService,
    private readonly keys: Keys,
    private readonly cookies: Cookies,
  ) {}

  /**
   * Reads the form and keeps the fields that its route names, which never include a password. If the body cannot be
   * read, keeps nothing and reports no error, because the member may not do this yet.
   *
   * @throws RequestTimeoutException if the body does not arrive in time.
   */
  async keep(request: FastifyRequest, reply: FastifyReply, { session }: Viewer, page: string): Promise<void> {
    const { form, typed } = request.routeOptions.config as FastifyContextConfig;
    const fields = form?.keep ?? typed ?? [];
    if (fields.length === 0) return;
    try {
      await readBody(request, reply, 0);
    } catch (error) {
      if (error instanceof HttpException && !(error instanceof RequestTimeoutException)) return;
      throw error;
    }
    const kept: Kept = { page, values: typedInto(fields, request.body) };
    const data = this.keys.seal(JSON.stringify(kept));
    await this.links.issue({ kind: 'form', userId: session.id, lifetime: lifetimeMs, data });
  }

  /** Lets the form's page show what was typed. Gives false if nothing is kept for that page. */
  async release(reply: FastifyReply, { session }: Viewer, page: string): Promise<boolean> {
    const isKept = this.open(await this.links.latestOf('form', session.id))?.page === page;
    if (isKept) this.cookies.set(reply, cookie, 'yes', cookieSeconds);
    return isKept;
  }

  /** Gives the requested page what was typed into its form before the proof. This works once. */
  async giveBack(request: FastifyRequest, reply: FastifyReply, { session }: Viewer): Promise<void> {
    if (this.cookies.read(request, cookie) === undefined) return;
    const link = await this.links.latestOf('form', session.id);
    const kept = this.open(link);
    if (link && kept?.page !== request.url) return;
    this.cookies.clear(reply, cookie);
    if (link && (await this.links.withdraw('form', link.id))) request.typed = kept?.values;
  }

  private open(link: Link | undefined): Kept | undefined {
    return link?.data ? (JSON.parse(this.keys.unseal(link.data)) as Kept) : undefined;
  }
}
