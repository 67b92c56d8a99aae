import { Controller, Get } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser, MembersOnly, type Viewer } from '../http/access.js';
import { ApiProblem } from '../http/problem.js';
import { presentUser, UserView } from './user.view.js';

@ApiTags('Members')
@ApiBearerAuth()
@MembersOnly()
@Controller('api/v1/users')
export class UsersApiController {
  @Get('me')
  @ApiOperation({ summary: 'Who you are', operationId: 'getMe' })
  @ApiOkResponse({ type: UserView, description: 'The member whose token this is.' })
  @ApiProblem(401)
  me(@CurrentUser() viewer: Viewer): UserView {
    return presentUser(viewer);
  }
}
