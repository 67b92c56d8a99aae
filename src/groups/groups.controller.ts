import { Body, Controller, Get, Param, Post, Query, Redirect, Render, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { AdminsOnly } from '../http/access.js';
import { ByAdmin, type By } from '../http/by.js';
import { FlashMessages } from '../http/flash.js';
import { FromForm, OnPage } from '../http/form.js';
import { Names } from '../http/named.js';
import { hrefOfNext, SearchInput } from '../http/paging.input.js';
import { GroupInput, GroupMembersInput } from './group.input.js';
import { presentGroupInWords } from './group.view.js';
import { GroupsService } from './groups.service.js';

const adding = { view: 'groups/new', title: 'Make a group', keep: ['name'] };
const naming = { view: 'groups/name', title: 'Rename the group', keep: ['name'] };
const joining = { view: 'groups/joining', title: 'Add members to the group', keep: ['members'] };

/** Groups, for an admin in a browser. */
@ApiExcludeController()
@AdminsOnly()
@Names(GroupsService, (groups, { id }) => groups.find(id))
@Controller('admin/groups')
export class GroupsController {
  constructor(
    private readonly groups: GroupsService,
    private readonly flashes: FlashMessages,
  ) {}

  @Get()
  @Render('groups/groups')
  async list(@Query() selection: SearchInput) {
    const { items, nextCursor } = await this.groups.list(selection);
    return {
      title: 'Groups',
      filter: selection,
      groups: items.map(presentGroupInWords),
      nextHref: hrefOfNext('/admin/groups', { ...selection }, nextCursor),
    };
  }

  @Get('new')
  @Render(adding.view)
  showNew() {
    return { title: adding.title };
  }

  @Post()
  @OnPage('/admin/groups/new')
  @FromForm(adding)
  @Redirect('/admin/groups', 303)
  async add(@Body() { name }: GroupInput, @ByAdmin() by: By, @Res({ passthrough: true }) reply: FastifyReply) {
    const { id } = await this.groups.add(name, by);
    return this.back(id, 'The group is there; nobody is in it yet.', reply);
  }

  @Get(':id')
  @Render('groups/group')
  async show(@Param('id') id: string, @Query() selection: SearchInput) {
    const group = await this.groups.find(id);
    const { items, nextCursor } = await this.groups.membersOf(group, selection);
    const shown = presentGroupInWords(group);
    return {
      title: group.name,
      group: shown,
      filter: selection,
      members: items.map((member) => ({ ...member, href: `/admin/members/${member.id}` })),
      nextHref: hrefOfNext(shown.href, { ...selection }, nextCursor),
    };
  }

  @Get(':id/name')
  @Render(naming.view)
  async showName(@Param('id') id: string) {
    const { name } = await this.groups.find(id);
    return { title: naming.title, values: { name } };
  }

  @Post(':id/name')
  @FromForm(naming)
  @Redirect('/admin/groups', 303)
  async rename(
    @Param('id') id: string,
    @Body() { name }: GroupInput,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    await this.groups.rename(await this.groups.find(id), name, by);
    return this.back(id, `The group is now called “${name}”.`, reply);
  }

  @Get(':id/members')
  @Render(joining.view)
  async showJoining(@Param('id') id: string) {
    const { name } = await this.groups.find(id);
    return { title: joining.title, name };
  }

  @Post(':id/members')
  @FromForm(joining)
  @Redirect('/admin/groups', 303)
  async addMembers(
    @Param('id') id: string,
    @Body() { members }: GroupMembersInput,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const count = await this.groups.addMembers(await this.groups.find(id), members, by);
    return this.back(id, count === 1 ? '1 member is in the group now.' : `${count} members came to the group.`, reply);
  }

  @Post(':id/members/:memberId/removal')
  @Names(GroupsService, (groups, { id, memberId }) => groups.findMember(id, memberId))
  @OnPage('/admin/groups/:id')
  @Redirect('/admin/groups', 303)
  async removeMember(
    @Param('id') id: string,
    @Param('memberId') memberId: string,
    @ByAdmin() by: By,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { name } = await this.groups.removeMember(await this.groups.find(id), memberId, by);
    return this.back(id, `${name} is no longer in the group.`, reply);
  }

  @Post(':id/deletion')
  @Redirect('/admin/groups', 303)
  async delete(@Param('id') id: string, @ByAdmin() by: By, @Res({ passthrough: true }) reply: FastifyReply) {
    const group = await this.groups.find(id);
    await this.groups.delete(group, by);
    this.flashes.put(reply, { kind: 'status', message: `The group “${group.name}” is deleted.` });
  }

  private back(id: string, message: string, reply: FastifyReply): { url: string } {
    this.flashes.put(reply, { kind: 'status', message });
    return { url: `/admin/groups/${id}` };
  }
}
