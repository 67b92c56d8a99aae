import { ConflictException, NotFoundException, type INestApplicationContext } from '@nestjs/common';
import { Argument, Command, Option } from 'commander';
import { ActivityService } from '../activity/activity.service.js';
import { PasswordResets } from '../confirmations/password-resets.js';
import { roles, type Role } from '../http/access.js';
import { MemberFilterInput } from '../members/member.input.js';
import { presentMember, type MemberView } from '../members/member.view.js';
import { MembersService, type Member } from '../members/members.service.js';
import { emailForm } from '../users/account-fields.js';
import { RegistrationInput } from '../users/registration.input.js';
import { memberStates, stateOf } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { print, printJson, printTable, remark } from './output.js';
import { passwordFrom, randomPassword } from './password.js';
import { byOperator, readAs, type WithSite } from './site.js';

interface Additions {
  readonly name: string;
  readonly admin?: true;
  readonly passwordStdin?: true;
}

interface ListOptions {
  readonly search?: string;
  readonly state?: string;
  readonly json?: true;
}

/** What the operator can do about members. */
export function membersCommand(withSite: WithSite): Command {
  /** A command on one member, which is opened, found by its email, and acted upon. */
  const onMember =
    <Rest extends unknown[]>(act: (about: About, ...rest: Rest) => Promise<void>) =>
    async (email: string, ...rest: Rest) =>
      withSite(async (site) =>
        act({ site, members: site.get(MembersService), member: await find(site, email) }, ...rest),
      );

  const members = new Command('members').description('who there is, and who may do what');
  members
    .command('list')
    .description('list the members, the newest first')
    .option('--search <text>', 'only those whose name or email has this text')
    .addOption(new Option('--state <state>', 'only those in this state').choices(memberStates))
    .option('--json', 'for scripts')
    .action((options: ListOptions) => withSite((site) => list(site, options)));
  members
    .command('add')
    .description('make an account, and print a link under which its owner chooses a password')
    .argument('<email>')
    .requiredOption('--name <name>', 'what the member is called')
    .option('--admin', 'as an admin')
    .option('--password-stdin', 'take the password from standard input, and print no link')
    .action((email: string, options: Additions) => add(withSite, email, options));
  members
    .command('approve')
    .description('let in a member who waits for it, and tell them by mail')
    .argument('<email>')
    .action(onMember(approve));
  members
    .command('disable')
    .description('keep a member out, and end their sessions, tokens and links')
    .argument('<email>')
    .action(onMember(disable));
  members
    .command('enable')
    .description('let a disabled member come in again')
    .argument('<email>')
    .action(onMember(enable));
  members
    .command('role')
    .description('make a member an admin, or an admin a member')
    .argument('<email>')
    .addArgument(new Argument('<role>').choices(roles))
    .action(onMember(setRole));
  members
    .command('reset-link')
    .description('print a link under which a member chooses another password: good once, for 30 minutes')
    .argument('<email>')
    .action(onMember(printResetLink));
  members
    .command('end-sessions')
    .description('end all sessions and tokens of a member')
    .argument('<email>')
    .action(onMember(endSessions));
  members
    .command('reset-factors')
    .description('take away the second factor of a member who has lost it, and tell them by mail')
    .argument('<email>')
    .action(onMember(resetFactors));
  return members;
}

/** A member whom a command is about. */
interface About {
  readonly site: INestApplicationContext;
  readonly members: MembersService;
  readonly member: Member;
}

async function list(site: INestApplicationContext, { search: q, state, json }: ListOptions): Promise<void> {
  const filter = await readAs(MemberFilterInput, { limit: 100, q, state });
  const found: MemberView[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const part = await site.get(MembersService).list({ ...filter, ...(cursor && { cursor }) });
    found.push(...part.items.map(presentMember));
    cursor = part.nextCursor;
  }
  if (json) printJson(found);
  else if (found.length === 0) remark('There is no such member.');
  else printTable(headings, found.map(rowOf));
}

const headings = ['EMAIL', 'NAME', 'ROLE', 'STATE', 'SECOND FACTOR', 'SINCE'];

const rowOf = ({ email, name, role, state, hasFactor, createdAt }: MemberView) => [
  email,
  name,
  role,
  state,
  hasFactor ? 'yes' : 'no',
  createdAt.slice(0, 10),
];

async function add(withSite: WithSite, email: string, { name, admin, passwordStdin }: Additions): Promise<void> {
  const password = passwordStdin ? await passwordFrom(process.stdin) : randomPassword();
  const input = await readAs(RegistrationInput, { name, email, password });
  await withSite(async (site) => {
    const { caller } = byOperator();
    // the operator vouches for the address, and is not bound by the rules of registration
    const role = admin ? 'admin' : 'member';
    const registered = await site.get(UsersService).register({ ...input, role, isVerified: true });
    if (!registered.isNew) throw new ConflictException(`${input.email} has an account already.`);
    const { user } = registered;
    await site.get(ActivityService).record({ kind: 'account.registered', member: user, actor: null }, caller);
    if (passwordStdin) {
      print(`${user.email} is ${inWords[role]} now.`);
      return;
    }
    const link = await site.get(PasswordResets).makeFor(user, { isFirst: true }, caller);
    remark(`${user.email} is ${inWords[role]} now, and chooses a password here, once and within a day:`);
    print(link);
  });
}

async function approve({ members, member }: About): Promise<void> {
  if (!(await members.approve(member, byOperator())))
    throw new ConflictException(`${member.email} does not wait to be let in.`);
  print(`${member.email} is let in.`);
}

async function disable({ members, member }: About): Promise<void> {
  await members.disable(member, byOperator());
  print(`${member.email} is disabled, and every session has ended.`);
}

async function enable({ members, member }: About): Promise<void> {
  await members.enable(member, byOperator());
  print(member.awaitingSince ? `${member.email} is enabled, and waits to be let in.` : `${member.email} may come in.`);
}

async function setRole({ members, member }: About, role: Role): Promise<void> {
  await members.setRole(member, role, byOperator());
  print(`${member.email} is ${inWords[role]} now.`);
}

async function printResetLink({ site, member }: About): Promise<void> {
  if (stateOf(member) !== 'active')
    throw new ConflictException(`${member.email} may not come in, so needs no new password: let them in first.`);
  const link = await site.get(PasswordResets).makeFor(member, { isFirst: false }, byOperator().caller);
  remark(`${member.email} chooses another password here, once and within 30 minutes; the old one works until then:`);
  print(link);
}

async function endSessions({ members, member }: About): Promise<void> {
  await members.endSessions(member, byOperator());
  print(`Every session and token of ${member.email} has ended.`);
}

async function resetFactors({ members, member }: About): Promise<void> {
  if (!(await members.resetFactors(member, byOperator())))
    throw new ConflictException(`${member.email} has no second factor.`);
  print(`${member.email} has no second factor any more: a password is enough, until they set one up.`);
}

async function find(site: INestApplicationContext, email: string): Promise<Member> {
  const user = await site.get(UsersService).findByEmail(emailForm(email) as string);
  if (!user) throw new NotFoundException(`There is no member with the email ${email}.`);
  return site.get(MembersService).find(user.id);
}

const inWords: Record<Role, string> = { member: 'a member', admin: 'an admin' };
