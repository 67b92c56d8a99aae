import type { ActivityEvent } from '../activity/event.entity.js';
import { presentEventInWords } from '../activity/event.view.js';
import type { Viewer } from '../http/access.js';

type Member = Pick<Viewer, 'id' | 'email'>;

/** An event as its member may see it. If an admin did it, the admin's address is left out. */
export const asSeenBy = ({ id }: Pick<Member, 'id'>, event: ActivityEvent): ActivityEvent =>
  isOfAnother(id, event) ? Object.assign({}, event, { address: null }) : event;

/**
 * Picks what the member's own page shows. Leaves out the target if it is the member's own email, and the actor if it is
 * the member.
 */
export function presentOwnEventInWords(member: Member, event: ActivityEvent) {
  const { at, words, isRefused, target, address, actor } = presentEventInWords(asSeenBy(member, event));
  return {
    at,
    words,
    isRefused,
    address,
    target: target === member.email ? null : target,
    by: isOfAnother(member.id, event) ? actor : null,
  };
}

const isOfAnother = (id: string, { actorId }: ActivityEvent) => actorId !== null && actorId !== id;
