import { Body, Controller, Get, Param, Post, Query, Render } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { AdminsOnly } from '../http/access.js';
import { InMenu } from '../http/menus.js';
import { seeOther } from '../http/answers.js';
import { ActingAdmin, type Actor } from '../http/actor.js';
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
  constructor(private readonly groups: GroupsService) {}

  @Get()
  @InMenu('admin', 'Groups', 40)
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
  async add(@Body() { name }: GroupInput, @ActingAdmin() by: Actor) {
    const { id } = await this.groups.add(name, by);
    return back(id, 'The group is there; nobody is in it yet.');
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
  async rename(@Param('id') id: string, @Body() { name }: GroupInput, @ActingAdmin() by: Actor) {
    await this.groups.rename(await this.groups.find(id), name, by);
    return back(id, `The group is now called “${name}”.`);
  }

  @Get(':id/members')
  @Render(joining.view)
  async showJoining(@Param('id') id: string) {
    const { name } = await this.groups.find(id);
    return { title: joining.title, name };
  }

  @Post(':id/members')
  @FromForm(joining)
  async addMembers(@Param('id') id: string, @Body() { members }: GroupMembersInput, @ActingAdmin() by: Actor) {
    const count = await this.groups.addMembers(await this.groups.find(id), members, by);
    return back(id, count === 1 ? '1 member is in the group now.' : `${count} members came to the group.`);
  }

  @Post(':id/members/:memberId/removal')
  @Names(GroupsService, (groups, { id, memberId }) => groups.findMember(id, memberId))
  @OnPage('/admin/groups/:id')
  async removeMember(@Param('id') id: string, @Param('memberId') memberId: string, @ActingAdmin() by: Actor) {
    const { name } = await this.groups.removeMember(await this.groups.find(id), memberId, by);
    return back(id, `${name} is no longer in the group.`);
  }

  @Post(':id/deletion')
  async delete(@Param('id') id: string, @ActingAdmin() by: Actor) {
    const group = await this.groups.find(id);
    await this.groups.delete(group, by);
    return seeOther('/admin/groups', `The group “${group.name}” is deleted.`);
  }
}

const back = (id: string, message: string) => seeOther(`/admin/groups/${id}`, message);
