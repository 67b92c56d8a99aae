import { ConflictException, type INestApplicationContext } from '@nestjs/common';
import { Argument, Command, Option } from 'commander';
import { ActivityService } from '../activity/activity.service.js';
import { PasswordResets } from '../confirmations/password-resets.js';
import { roles, type Role } from '../http/access.js';
import { MemberFilterInput } from '../members/member.input.js';
import { presentMember, type MemberView } from '../members/member.view.js';
import { MembersService } from '../members/members.service.js';
import { oneIn } from '../users/pasted-people.js';
import { RegistrationInput } from '../users/registration.input.js';
import { memberStates } from '../users/user.entity.js';
import { UsersService } from '../users/users.service.js';
import { all, findMembers } from './lookup.js';
import * as acts from './member-acts.js';
import { print, printJson, printTable, remark } from './output.js';
import { passwordFrom, randomPassword } from './password.js';
import { asOperator, readAs, type WithSite, type Tools } from './site.js';

interface Json {
  readonly json?: true;
}

interface Additions extends Json {
  readonly name: string;
  readonly admin?: true;
  readonly passwordStdin?: true;
}

interface ListOptions extends Json {
  readonly search?: string;
  readonly state?: string;
}

/** The commands for members. */
export function membersCommand({ withSite }: Tools): Command {
  const members = new Command('members');
  /** Adds a command that does the same to each of the given members. */
  const onEach = (name: string, description: string, act: acts.Act) =>
    members
      .command(name)
      .description(description)
      .argument('<people...>', pasted)
      .option('--json', 'for scripts')
      .action((people: string[], { json }: Json) => toEach(withSite, people, act, json));

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
    .option('--json', 'for scripts')
    .action((email: string, options: Additions) => add(withSite, email, options));
  onEach('approve', 'let in members who wait for it, and tell them by mail', acts.approve);
  onEach('disable', 'keep members out, and end their sessions, tokens and links', acts.disable);
  onEach('enable', 'let disabled members come in again', acts.enable);
  members
    .command('role')
    .description('make a member an admin, or an admin a member')
    .argument('<people>', pasted)
    .addArgument(new Argument('<role>').choices(roles))
    .option('--json', 'for scripts')
    .action((people: string, role: Role, { json }: Json) =>
      toEach(withSite, [people], (about) => acts.setRole(about, role), json),
    );
  const forReset = 'print a link under which a member chooses another password: good once, for 30 minutes';
  onEach('reset-link', forReset, acts.makeResetLink);
  onEach('end-sessions', 'end all sessions and tokens of members', acts.endSessions);
  const forFactors = 'take away the second factor of members who have lost it, and tell them by mail';
  onEach('reset-factors', forFactors, acts.resetFactors);
  const forRemoval = 'delete members with everything that is theirs, at once and for good, and tell them by mail';
  onEach('remove', forRemoval, acts.remove);
  return members;
}

const pasted = 'by email, also as a mail program gives them: "Ada <ada@example.com>; bob@example.com"';

/** Looks up all members first. If the command fails for one of them, the results before that are still printed. */
async function toEach(withSite: WithSite, people: readonly string[], act: acts.Act, json?: true): Promise<void> {
  await withSite(async (site) => {
    const found = await findMembers(site, people);
    const told: object[] = [];
    try {
      for (const member of found) {
        const { text, aside, json: view } = await act({ site, members: site.get(MembersService), member });
        told.push(view);
        if (json) continue;
        if (aside !== undefined) remark(aside);
        print(text);
      }
    } finally {
      if (json) printJson(told);
    }
  });
}

async function list(site: INestApplicationContext, { search: q, state, json }: ListOptions): Promise<void> {
  const filter = await readAs(MemberFilterInput, { q, state });
  const found = (await all((paging) => site.get(MembersService).list({ ...filter, ...paging }))).map(presentMember);
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

async function add(withSite: WithSite, email: string, options: Additions): Promise<void> {
  const { name, admin, passwordStdin, json } = options;
  const password = passwordStdin ? await passwordFrom(process.stdin) : randomPassword();
  const input = await readAs(RegistrationInput, { name, email: oneIn(email), password });
  await withSite(async (site) => {
    const { caller } = asOperator();
    // the operator vouches for the address, and the rules for registration do not apply
    const role = admin ? 'admin' : 'member';
    const registered = await site.get(UsersService).register({ ...input, role, isVerified: true });
    if (!registered.isNew) throw new ConflictException(`${input.email} has an account already.`);
    const { user } = registered;
    await site.get(ActivityService).record({ kind: 'account.registered', member: user, actor: null }, caller);
    const link = passwordStdin ? null : await site.get(PasswordResets).makeFor(user, { isFirst: true }, caller);
    const words = `${user.email} is ${acts.roleInWords[role]} now`;
    if (json) printJson({ ...presentMember(await site.get(MembersService).find(user.id)), link });
    else if (link === null) print(`${words}.`);
    else {
      remark(`${words}, and chooses a password here, once and within a day:`);
      print(link);
    }
  });
}
