import { Body, Controller, ForbiddenException, Get, Header, Post, Put, Query, Render, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiExcludeEndpoint, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ActivityService } from '../activity/activity.service.js';
import { FactorsService } from '../factors/factors.service.js';
import { PasskeysService } from '../factors/passkeys.service.js';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { seeOther, sendBack, type Redirection } from '../http/answers.js';
import { callerOf } from '../http/caller.js';
import { InvalidInput } from '../http/errors.js';
import { textOf } from '../http/input.js';
import { ApiProblem } from '../http/problem.js';
import { safePath } from '../http/safe-path.js';
import { SessionsService, type Renewed } from '../sessions/sessions.service.js';
import { Credentials } from '../sessions/credentials.js';
import { FactorChecks } from './factor-checks.js';
import { KeptForms } from './kept-forms.js';
import { ProofInput } from './proof.input.js';
import { FreshTokenView, presentFreshToken } from './token.view.js';

/** `next` is the page to go to afterwards. `again` is set if the member must send a form again. */
type ProofRequest = FastifyRequest<{ Body?: { response?: unknown; next?: unknown; again?: unknown } }>;

const view = 'auth/proof';
const home = '/account';

/**
 * Asks members to prove again who they are, before an action that somebody who borrows the browser must not do (ASVS
 * 5.0 7.5.3).
 */
@ApiTags('Sessions')
@MembersOnly({ beforeFactor: true })
@Controller()
export class ProofController {
  constructor(
    private readonly checks: FactorChecks,
    private readonly factors: FactorsService,
    private readonly passkeys: PasskeysService,
    private readonly sessions: SessionsService,
    private readonly credentials: Credentials,
    private readonly activity: ActivityService,
    private readonly forms: KeptForms,
  ) {}

  @Get('account/proof')
  @Render(view)
  @ApiExcludeEndpoint()
  async show(@CurrentUser() viewer: Viewer, @Query('next') next: unknown, @Query('again') again: unknown) {
    const { authenticator, passkeys } = await this.factors.summaryOf(viewer.id);
    const options = passkeys.length > 0 ? JSON.stringify(await this.passkeys.requestOptions(viewer.id)) : undefined;
    return { title: 'Is it you?', next: safePath(next, home), again, hasAuthenticator: authenticator, options };
  }

  @Post('account/proof')
  @ApiExcludeEndpoint()
  async prove(
    @Body() input: ProofInput,
    @CurrentUser() viewer: Viewer,
    @Req() request: ProofRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    if (await this.passes(input, viewer, request)) return this.goOn(viewer, request, reply);
    return goBack('That was not right. Please try again.', request);
  }

  @Post('account/proof/passkey')
  @ApiExcludeEndpoint()
  async proveWithPasskey(
    @CurrentUser() viewer: Viewer,
    @Req() request: ProofRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const asked = { kind: 'session.proved', member: viewer } as const;
    if (await this.checks.passesPasskey(textOf(request.body?.response), request, asked)) {
      return this.goOn(viewer, request, reply);
    }
    return goBack('That passkey was not right. Please try again.', request);
  }

  @Put('api/v1/users/me/proof')
  @ApiBearerAuth()
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Prove again that it is you, before something sensitive',
    description:
      'The session goes on with another token; the one that you sent is dead. A personal token cannot prove.',
    operationId: 'prove',
  })
  @ApiOkResponse({ type: FreshTokenView, description: 'For ten minutes, this token may do what is sensitive.' })
  @ApiProblem(400, 401, 403, 413, 422, 429, 503)
  async proveInApi(
    @Body() input: ProofInput,
    @CurrentUser() viewer: Viewer,
    @Req() request: FastifyRequest,
  ): Promise<FreshTokenView> {
    if (viewer.session.kind === 'token')
      throw new ForbiddenException('A personal token proves nothing of who has it: log in for that.');
    if (await this.passes(input, viewer, request)) return presentFreshToken(await this.note(viewer, request));
    const field = input.code === undefined ? 'password' : 'code';
    throw new InvalidInput([{ field, message: 'That was not right. Please try again.' }]);
  }

  private async passes({ password, code }: ProofInput, viewer: Viewer, request: FastifyRequest): Promise<boolean> {
    if (code && (await this.checks.passesCode(viewer, code, request))) return true;
    return password ? this.checks.passesPassword(viewer, password, request) : false;
  }

  /**
   * Gives the browser the session's new token, which lasts as long as the one before, and goes to the page that was
   * asked for.
   */
  private async goOn(viewer: Viewer, request: ProofRequest, reply: FastifyReply): Promise<Redirection> {
    const { token, expiresIn, isRemembered } = await this.note(viewer, request);
    this.credentials.keep(reply, token, isRemembered ? expiresIn : undefined);
    const next = safePath(request.body?.next, home);
    if (!request.body?.again) return seeOther(next);
    const typed = (await this.forms.release(reply, viewer, next)) ? ' What you typed is here again.' : '';
    return seeOther(next, `Thank you. Nothing was sent yet: please send it once more.${typed}`);
  }

  private async note(viewer: Viewer, request: FastifyRequest): Promise<Renewed> {
    const proven = await this.sessions.prove(viewer);
    await this.activity.record({ kind: 'session.proved', member: viewer }, callerOf(request));
    return proven;
  }
}

function goBack(message: string, { body }: ProofRequest): Redirection {
  const next = encodeURIComponent(safePath(body?.next, home));
  return sendBack(`/account/proof?next=${next}${body?.again ? '&again=yes' : ''}`, message);
}
