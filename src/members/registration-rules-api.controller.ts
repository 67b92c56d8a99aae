import { Body, Controller, Get, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { RegistrationRules } from '../users/registration-rules.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { MembersService } from './members.service.js';
import { RegistrationRulesInput } from './registration.input.js';
import { presentRules, RegistrationRulesView } from './registration.view.js';

/** The rules for registration, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@Controller('api/v1/registration')
export class RegistrationRulesApiController {
  constructor(
    private readonly rules: RegistrationRules,
    private readonly members: MembersService,
  ) {}

  @Get()
  @AdminsOnly()
  @ApiOperation({ summary: 'Who may register', operationId: 'getRegistration' })
  @ApiOkResponse({ type: RegistrationRulesView, description: 'The rules as they are.' })
  @ApiProblem(401, 403)
  async show(): Promise<RegistrationRulesView> {
    return presentRules(await this.rules.current());
  }

  @Put()
  @AdminsOnly({ recentProof: true })
  @ApiOperation({ summary: 'Set who may register', operationId: 'setRegistration' })
  @ApiOkResponse({ type: RegistrationRulesView, description: 'The rules from now on.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async set(@Body() input: RegistrationRulesInput, @ActingAdmin() by: Actor): Promise<RegistrationRulesView> {
    await this.members.setRules(input, by);
    return presentRules(input);
  }
}
