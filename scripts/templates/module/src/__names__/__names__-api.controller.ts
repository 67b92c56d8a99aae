import { Body, Controller, Get, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AdminsOnly, MembersOnly } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { __One__Input } from './__one__.input.js';
import { __One__List, __One__View, present__One__ } from './__one__.view.js';
import { __Names__Service } from './__names__.service.js';

/** The __words__, for scripts. */
@ApiTags('__Words__')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/__names__')
export class __Names__ApiController {
  constructor(private readonly __camelNames__: __Names__Service) {}

  @Get()
  @ApiOperation({ summary: 'List __words__, the newest first', operationId: 'list__Names__' })
  @ApiOkResponse({ type: __One__List, description: 'The latest.' })
  @ApiProblem(401)
  async list(): Promise<__One__List> {
    const rows = await this.__camelNames__.list();
    return { items: rows.map(present__One__) };
  }

  @Post()
  @AdminsOnly()
  @ApiOperation({ summary: 'Add to __words__', operationId: 'add__One__' })
  @ApiCreatedResponse({ type: __One__View, description: 'Members see it from now on.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async add(@Body() input: __One__Input): Promise<__One__View> {
    return present__One__(await this.__camelNames__.add(input));
  }
}
