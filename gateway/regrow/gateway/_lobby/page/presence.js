// Who is in a topic: for each name the metas of its devices. A meta is known by its phx_ref, as in Phoenix.Presence.

/** The presences that a `presence_state` tells. */
export function fromState(state) {
  return new Map(Object.entries(state).map(([name, { metas }]) => [name, metas]));
}

/** The presences after a `presence_diff`. */
export function withDiff(presences, { joins = {}, leaves = {} }) {
  const after = new Map(presences);
  for (const [name, { metas }] of Object.entries(joins)) {
    after.set(name, [...without(after.get(name), metas), ...metas]);
  }
  for (const [name, { metas }] of Object.entries(leaves)) {
    const left = without(after.get(name), metas);
    if (left.length) after.set(name, left);
    else after.delete(name);
  }
  return after;
}

function without(metas = [], gone) {
  const refs = new Set(gone.map((meta) => meta.phx_ref));
  return metas.filter((meta) => !refs.has(meta.phx_ref));
}
