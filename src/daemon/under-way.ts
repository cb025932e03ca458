/** Things that are opened at the same time: each is awaited, or closed, by whoever comes to it. */

/** Something under way whose failure is thrown where it is awaited, and must not end the process before that. */
export function awaitedLater<Result>(underWay: Promise<Result>): Promise<Result> {
  underWay.catch(() => undefined);
  return underWay;
}

/** Closes what was being opened, if that succeeds; why it did not is told by whoever waits for it. */
export async function whenOpened<Opened>(
  opening: Promise<Opened>,
  close: (opened: Opened) => Promise<void> | void,
): Promise<void> {
  const [outcome] = await Promise.allSettled([opening]);
  if (outcome.status === 'fulfilled') await close(outcome.value);
}
