import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AdminsOnly } from '../http/access.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
import { Names } from '../http/named.js';
import { SearchInput } from '../http/paging.input.js';
import { ApiProblem } from '../http/problem.js';
import { ChangesRevision, Expects, tell, type Expected } from '../http/revision.js';
import { GroupInput, GroupMembersInput } from './group.input.js';
import { GroupMemberPage, GroupPage, GroupView, presentGroup, presentGroupMember } from './group.view.js';
import { GroupsService } from './groups.service.js';

/** Groups, for an admin's scripts. */
@ApiTags('Administration')
@ApiBearerAuth()
@AdminsOnly()
@Names(GroupsService, (groups, { id }) => groups.find(id))
@Controller('api/v1/groups')
export class GroupsApiController {
  constructor(private readonly groups: GroupsService) {}

  @Get()
  @ApiOperation({ summary: 'The groups, the newest first', operationId: 'listGroups' })
  @ApiOkResponse({ type: GroupPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 422)
  async list(@Query() selection: SearchInput): Promise<GroupPage> {
    const { items, nextCursor } = await this.groups.list(selection);
    return { items: items.map(presentGroup), nextCursor };
  }

  @Post()
  @ApiOperation({ summary: 'Make a group', operationId: 'addGroup' })
  @ApiCreatedResponse({ type: GroupView, description: 'The group is there; nobody is in it yet.' })
  @ApiProblem(400, 401, 403, 413, 422)
  async add(@Body() { name }: GroupInput, @ActingAdmin() by: Actor): Promise<GroupView> {
    return presentGroup(await this.groups.add(name, by));
  }

  @Get(':id')
  @ApiOperation({ summary: 'One group', operationId: 'getGroup' })
  @ApiOkResponse({ type: GroupView, description: 'What is known of the group.' })
  @ApiResponse({ status: 304, description: 'You have this.' })
  @ApiProblem(401, 403, 404, 412)
  async show(@Param('id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<GroupView | undefined> {
    const group = await this.groups.find(id);
    return tell(reply, group, presentGroup(group));
  }

  @Patch(':id')
  @ChangesRevision()
  @ApiOperation({ summary: 'Rename a group', operationId: 'renameGroup' })
  @ApiOkResponse({ type: GroupView, description: 'The group as it is now.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async rename(
    @Param('id') id: string,
    @Body() { name }: GroupInput,
    @ActingAdmin() by: Actor,
    @Expects() expected: Expected,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<GroupView | undefined> {
    const group = await this.groups.rename(await this.groups.find(id), name, by, expected);
    return tell(reply, group, presentGroup(group));
  }

  @Delete(':id')
  @ChangesRevision()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a group',
    description: 'Its members stay members. What was for this group alone is for nobody then.',
    operationId: 'deleteGroup',
  })
  @ApiNoContentResponse({ description: 'It is gone.' })
  @ApiProblem(401, 403, 404)
  async delete(@Param('id') id: string, @ActingAdmin() by: Actor, @Expects() expected: Expected): Promise<void> {
    await this.groups.delete(await this.groups.find(id), by, expected);
  }

  @Get(':id/members')
  @ApiOperation({ summary: 'Who is in a group', operationId: 'listMembersOfGroup' })
  @ApiOkResponse({ type: GroupMemberPage, description: 'A part of the list.' })
  @ApiProblem(401, 403, 404, 422)
  async members(@Param('id') id: string, @Query() selection: SearchInput): Promise<GroupMemberPage> {
    const { items, nextCursor } = await this.groups.membersOf(await this.groups.find(id), selection);
    return { items: items.map(presentGroupMember), nextCursor };
  }

  @Post(':id/members')
  @HttpCode(204)
  @ApiOperation({ summary: 'Take members into a group, all of them or none', operationId: 'addMembersToGroup' })
  @ApiNoContentResponse({ description: 'They are in it from the next request on.' })
  @ApiProblem(400, 401, 403, 404, 413, 422)
  async addMembers(
    @Param('id') id: string,
    @Body() { members }: GroupMembersInput,
    @ActingAdmin() by: Actor,
  ): Promise<void> {
    await this.groups.addMembers(await this.groups.find(id), members, by);
  }

  @Delete(':id/members/:memberId')
  @Names(GroupsService, (groups, { id, memberId }) => groups.findMember(id, memberId))
  @HttpCode(204)
  @ApiOperation({ summary: 'Take a member out of a group', operationId: 'removeMemberFromGroup' })
  @ApiNoContentResponse({ description: 'They are out from the next request on.' })
  @ApiProblem(401, 403, 404)
  async removeMember(
    @Param('id') id: string,
    @Param('memberId') memberId: string,
    @ActingAdmin() by: Actor,
  ): Promise<void> {
    await this.groups.removeMember(await this.groups.find(id), memberId, by);
  }
}
